/** A phone at a cloud that is one of its user's devices: added by a code, runs cells on the laptop, and is removed. */
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noise } from '@libp2p/noise';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { HTTP, STREAM } from '@markco/client/mesh/protocol-names';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';
import { addPhone, devicesOf, keepInCloud, PHONE, runsOf, SOON, SOON_MS } from './phone.ts';

const WAITS = 'echo "one $((40 + 2))"; until [ -e go ]; do sleep 0.05; done; echo done';
const ASKS = 'name = input("Who? ")\nprint("hi", name)';
const PAGE = `# Page\n\n\`\`\`bash\n${WAITS}\n\`\`\`\n\n\`\`\`python\n${ASKS}\n\`\`\`\n`;

/** Bytes that somebody who is none of the devices gets of each protocol, through the cloud's own port. */
async function heardByStranger({ origin }: { readonly origin: string }): Promise<readonly number[]> {
  const stranger = await createLibp2p({
    ...{ transports: [webSockets()], connectionEncrypters: [noise()], streamMuxers: [yamux()] },
  });
  try {
    const connection = await stranger.dial(multiaddr(`/ip4/127.0.0.1/tcp/${new URL(origin).port}/ws`));
    return await Promise.all(
      [STREAM, HTTP].map(async (protocol) => {
        const stream = await connection.newStream(protocol).catch(() => null);
        let bytes = 0;
        stream?.addEventListener('message', ({ data }) => void (bytes += data.byteLength));
        if (stream !== null && stream.status === 'open') await once(stream, 'close');
        return bytes;
      }),
    );
  } finally {
    await stranger.stop();
  }
}

test('a phone at a cloud is added by a code, runs cells on the laptop and sees them live, and is refused once removed', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  await using cloud = await startCloud({ MARKCO_NAME: 'server' });
  await using laptop = await startDevice({ files: { 'page.md': PAGE }, env: { MARKCO_NAME: 'laptop' } });
  await keepInCloud(cloud, laptop);

  const context = await (await browser()).newContext(PHONE);
  const page = await context.newPage();
  const thrown: unknown[] = [];
  page.on('pageerror', (error) => thrown.push(error));
  await page.goto(`${cloud.origin}/p/${laptop.project.slug}/page#token=${cloud.token}`);
  const says = (words: string | RegExp): Promise<void> =>
    page.locator('.mc-status-text').getByText(words).first().waitFor(SOON);
  const prints = (words: string): Promise<void> => page.locator('.mc-output').getByText(words).first().waitFor(SOON);
  const press = page.locator('.mc-run');
  await press.first().waitFor(SOON);

  // The cloud starts nothing, whoever asks with its token.
  await press.first().click();
  await page.getByText('Add this browser to them').first().waitFor(SOON);
  expect(await runsOf(laptop)).toEqual([]);

  const asked = { projectId: laptop.project.id, language: 'bash', code: 'true' };
  const headers = { authorization: `Bearer ${cloud.token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${cloud.origin}/api/runs`, { method: 'POST', headers, body: JSON.stringify(asked) });
  expect(answer.status).toBe(503);
  expect(await heardByStranger(cloud)).toEqual([0, 0]);
  expect(await runsOf(laptop)).toEqual([]);

  const loaded = (): Promise<number> =>
    page.evaluate(
      () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/browser-')).length,
    );
  expect(await loaded(), 'what only a device needs is not loaded').toBe(0);

  // By the code of the laptop, which shows the same words and says yes.
  const dialog = await addPhone(page, cloud, laptop);
  expect(await loaded()).toBe(1);
  await dialog.getByRole('listitem').filter({ hasText: 'laptop' }).filter({ hasText: 'Online' }).waitFor(SOON);
  await page.keyboard.press('Escape');

  // Live: the cell says something, waits, and goes on.
  await press.first().click();
  await prints('one 42');
  await says(/● Running \d:\d\d · laptop/);
  await writeFile(join(laptop.folder, 'go'), '');
  await prints('done');
  await says(/✓.*laptop/);
  expect((await runsOf(laptop)).map(({ state, ranOn }) => [state, ranOn])).toEqual([['completed', 'laptop']]);

  // It is asked for a line, is answered; and the other is stopped. After a reload the browser is still a device.
  await page.reload();
  await press.nth(1).click();
  await page.getByRole('textbox', { name: 'Who?' }).fill('phone');
  await page.keyboard.press('Enter');
  await prints('hi phone');
  await rm(join(laptop.folder, 'go'));
  await page.locator('.mc-place').first().click();
  const menu = page.getByRole('dialog', { name: 'Run this cell on' });
  await menu.locator('.place').filter({ hasText: 'server' }).waitFor(SOON);
  await menu.getByRole('button', { name: /^laptop/ }).click();
  await says(/● Running/);
  await press.first().click();
  await says(/■ Stopped.*laptop/);

  // Removed, it is cut off, and starts nothing any more.
  const before = (await runsOf(laptop)).length;
  const me = (await devicesOf(laptop)).find(({ kind }) => kind === 'web');
  await laptop.ask(`/api/devices/${me?.id}`, { method: 'DELETE' });
  const isGone = async (): Promise<boolean> => !(await devicesOf(laptop)).some(({ kind }) => kind === 'web');
  await eventually(isGone, 'the browser to be removed', SOON_MS);
  await press.first().click();
  await page.getByText('it was removed').first().waitFor(SOON);
  expect((await runsOf(laptop)).length).toBe(before);
  expect(thrown).toEqual([]);
  await context.close();
}, 120_000);
