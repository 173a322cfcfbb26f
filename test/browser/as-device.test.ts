/** A phone at a cloud that is one of its user's devices: added by a code, runs cells on the laptop, and is removed. */
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noise } from '@libp2p/noise';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { HTTP, STREAM } from '@markco/client/mesh/protocol-names';
import type { DeviceHere, PairingHere, Run } from '@markco/protocol';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { Locator, Page } from 'playwright-core';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice, type Device } from '../conformance/device.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
const SOON_MS = 20_000;
const SOON = { timeout: SOON_MS } as const;
const WAITS = 'echo "one $((40 + 2))"; until [ -e go ]; do sleep 0.05; done; echo done';
const ASKS = 'name = input("Who? ")\nprint("hi", name)';
const PAGE = `# Page\n\n\`\`\`bash\n${WAITS}\n\`\`\`\n\n\`\`\`python\n${ASKS}\n\`\`\`\n`;

const offered = async (device: Device): Promise<PairingHere['offered']> =>
  (await device.get<PairingHere>('/api/pairing')).offered;
const devicesOf = async (device: Device): Promise<readonly DeviceHere[]> =>
  (await device.get<{ devices: DeviceHere[] }>('/api/devices')).devices;
const runsOf = async (device: Device): Promise<readonly Run[]> => (await device.get<{ runs: Run[] }>('/api/runs')).runs;

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

async function openDevices(page: Page): Promise<Locator> {
  await page.getByRole('navigation', { name: 'Main actions' }).getByRole('button', { name: 'More' }).tap();
  await page.getByRole('dialog', { name: 'More' }).getByRole('button', { name: 'Devices' }).tap();
  return page.getByRole('dialog', { name: 'Devices' });
}

test('a phone at a cloud is added by a code, runs cells on the laptop and sees them live, and is refused once removed', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  await using cloud = await startCloud({ MARKCO_NAME: 'server' });
  await using laptop = await startDevice({ files: { 'page.md': PAGE }, env: { MARKCO_NAME: 'laptop' } });
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  // The server is one of the devices, so that the others are reached through it.
  await laptop.get('/api/pairing', { method: 'POST' });
  await cloud.device.get('/api/pairing/join', { code: (await offered(laptop))?.link });
  await eventually(async () => (await offered(laptop))?.state === 'asked', 'the server to ask', SOON_MS);
  await laptop.get('/api/pairing/approve', { method: 'POST' });
  const isThere = async (): Promise<boolean> =>
    (await devicesOf(laptop)).some(({ connection }) => connection?.state === 'connected');
  await eventually(isThere, 'the server to be connected', SOON_MS);
  const documents = async (): Promise<number> =>
    (await cloud.get<{ documents: unknown[] }>(`/api/documents/${laptop.userId}`)).json.documents.length;
  await eventually(async () => (await documents()) === 1, 'the document to be in the cloud', SOON_MS);

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
  await laptop.get('/api/pairing', { method: 'POST' });
  const dialog = await openDevices(page);
  await dialog.getByRole('button', { name: 'Add this browser to your devices' }).tap();
  const showing = async (): Promise<number> => (await cloud.get<{ showing: [] }>('/api/peer')).json.showing.length;
  await eventually(async () => (await showing()) === 1, 'the cloud to hear of the code', SOON_MS);
  await dialog.getByRole('textbox', { name: 'Code or link' }).fill((await offered(laptop))?.code ?? '');
  await dialog.getByRole('button', { name: 'Add it' }).tap();
  await dialog.getByText('The other device must show the same.').waitFor(SOON);
  const newcomer = await offered(laptop);
  expect(newcomer?.device).toMatchObject({ kind: 'web', name: expect.stringMatching(/^Chrome on /) });
  expect(await dialog.locator('.check-signs').innerText()).toContain(newcomer?.check?.words);
  await laptop.get('/api/pairing/approve', { method: 'POST' });
  await dialog.getByText('This browser is one of your devices now.').waitFor(SOON);
  expect(await loaded()).toBe(1);
  await dialog.getByRole('button', { name: 'Done' }).tap();
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
