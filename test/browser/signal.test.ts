/** Two browsers with the stock `y-webrtc`, which find each other at a cloud and then talk without it. */
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { startCloud, type CloudProgram } from '../conformance/cloud.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';

const SOON = { timeout: 30_000, interval: 50 };
type Met = { readonly text: { insert(at: number, text: string): void; toString(): string }; peers(): number };
type Bundle = { readonly output: readonly { readonly type: string; readonly code?: string }[] };

async function bundled(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      lib: {
        entry: join(import.meta.dirname, 'meeting.ts'),
        formats: ['iife'],
        name: 'meeting',
        fileName: 'page',
      },
    },
  })) as Bundle | readonly Bundle[];
  const [bundle] = Array.isArray(built) ? (built as readonly Bundle[]) : [built as Bundle];
  return bundle?.output.find(({ type }) => type === 'chunk')?.code ?? expect.unreachable();
}

async function enter(context: BrowserContext, code: string, { origin, token }: CloudProgram): Promise<Page> {
  const page = await context.newPage();
  // A page of the cloud's own: another one is refused.
  await page.goto(`${origin}/health`);
  await page.addScriptTag({ content: code });
  const address = `${origin.replace('http', 'ws')}/api/signal?token=${token}`;
  await page.evaluate(
    ([room, signaling]) => {
      const { meeting } = globalThis as unknown as { meeting: { meet(room: string, signaling: string): Met } };
      Object.assign(globalThis, { met: meeting.meet(room, signaling) });
    },
    ['a room', address] as const,
  );
  return page;
}

const textOf = (page: Page): Promise<string> =>
  page.evaluate(() => (globalThis as unknown as { met: Met }).met.text.toString());
const type = (page: Page, text: string): Promise<void> =>
  page.evaluate((typed) => (globalThis as unknown as { met: Met }).met.text.insert(0, typed), text);

test('two browsers meet at the cloud, and go on without it', async ({ browser, skip }) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  const code = await bundled();
  await using cloud = await startCloud();
  const contexts = [await (await browser()).newContext(), await (await browser()).newContext()] as const;
  const [one, two] = [await enter(contexts[0], code, cloud), await enter(contexts[1], code, cloud)];
  await type(one, 'from the one ');
  await expect.poll(() => textOf(two), SOON).toBe('from the one ');
  await cloud.kill();
  await type(two, 'from the other ');
  await expect.poll(() => textOf(one), SOON).toBe('from the other from the one ');
  for (const context of contexts) await context.close();
});
