/**
 * A phone at a cloud and the laptop on the same network: they talk directly by WebRTC, and what a cell prints does not go
 * through the cloud. When that is cut they go on through the cloud, with no line lost, and the page says by which way.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reach } from '@markco/protocol';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';
import {
  addPhone,
  devicesOf,
  keepInCloud,
  losingPackets,
  openDevices,
  PHONE,
  SOON,
  SOON_MS,
  whyNoWebRtc,
} from './phone.ts';

const LINES = 300;
const LINE_BYTES = 1_000;
const HALF_BYTES = LINES * LINE_BYTES;
const lines = (from: number): string =>
  `for i in $(seq ${from} ${from + LINES - 1}); do printf 'line %d %0990d\\n' $i 0; done`;
const PAGE = `# Page\n\n\`\`\`bash\n${lines(1)}\nuntil [ -e go ]; do sleep 0.05; done\n${lines(LINES + 1)}\n\`\`\`\n`;

test('what a cell prints comes to a phone directly, not through the cloud; with that cut it goes on through the cloud, and no line is lost', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  skip(whyNoWebRtc !== undefined, whyNoWebRtc);
  await using cloud = await startCloud({ MARKCO_NAME: 'server' });
  await using laptop = await startDevice({ files: { 'page.md': PAGE }, env: { MARKCO_NAME: 'laptop' } });
  await keepInCloud(cloud, laptop);
  const context = await (await browser()).newContext(PHONE);
  const page = await context.newPage();
  const thrown: unknown[] = [];
  page.on('pageerror', (error) => thrown.push(error));
  // All that comes to devices, or from them, by way of the cloud.
  let throughCloud = 0;
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).pathname !== '/') return;
    const count = ({ payload }: { readonly payload: string | Buffer }): void => void (throughCloud += payload.length);
    socket.on('framereceived', count).on('framesent', count);
  });
  const lose = await losingPackets(page);
  await page.goto(`${cloud.origin}/p/${laptop.project.slug}/page#token=${cloud.token}`);
  const press = page.locator('.mc-run');
  await press.first().waitFor(SOON);
  const loaded = (): Promise<number> =>
    page.evaluate(
      () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/direct-transports-')).length,
    );
  expect(await loaded(), 'what only a direct way needs is not loaded').toBe(0);
  const printed = async (): Promise<readonly string[]> =>
    ((await page.locator('.mc-output').first().textContent()) ?? '').match(/line \d+/g) ?? [];
  const asked = Array.from({ length: 2 * LINES }, (_, index) => `line ${index + 1}`);

  const dialog = await addPhone(page, cloud, laptop, 'link');
  const way = dialog.getByRole('listitem').filter({ hasText: 'laptop' });
  await way.getByText(/Online · direct/).waitFor(SOON);
  expect(await loaded()).toBe(1);
  await page.keyboard.press('Escape');
  // The laptop says the same of the phone.
  const phone = (await devicesOf(laptop)).find(({ kind }) => kind === 'web');
  const reach = (): Promise<Reach> => laptop.get<Reach>(`/api/devices/${phone?.id}/ping`, { method: 'POST' });
  const isReached = (isRelayed: boolean, by?: string) => async (): Promise<boolean> => {
    const now = await reach();
    return now.answered && now.path.relayed === isRelayed && now.path.relayedBy === by;
  };
  await eventually(isReached(false), 'the laptop to reach the phone directly', SOON_MS);

  let before = throughCloud;
  await press.first().click();
  await page.locator('.mc-output').getByText(`line ${LINES} `).first().waitFor(SOON);
  expect(throughCloud - before, 'of the first half').toBeLessThan(HALF_BYTES / 4);

  before = throughCloud;
  await lose(100);
  await writeFile(join(laptop.folder, 'go'), '');
  await page
    .locator('.mc-output')
    .getByText(`line ${2 * LINES} `)
    .first()
    .waitFor({ timeout: 2 * SOON_MS });
  await page
    .locator('.mc-status-text')
    .getByText(/✓.*laptop/)
    .first()
    .waitFor(SOON);
  expect(await printed()).toEqual(asked);
  expect(throughCloud - before, 'of the second half').toBeGreaterThan(HALF_BYTES);
  await openDevices(page);
  await way.getByText(/Online · relayed by server/).waitFor(SOON);
  await eventually(isReached(true, 'server'), 'the laptop to reach it through the server', SOON_MS);
  expect(thrown).toEqual([]);
  await context.close();
}, 120_000);
