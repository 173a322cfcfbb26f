/**
 * The laptop is off. On a phone at the cloud its documents are there to be read and edited; a cell runs on the device that
 * stands in, or waits for the laptop, as its author chose; and when the laptop is back it is the one again.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { freePort } from '@markco/replica/free-port.fixture';
import { afterAll, beforeAll } from 'vitest';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { startDocker, whyNoDocker, type TestDocker } from '../conformance/docker.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';
import { addPhone, keepInCloud, PHONE, runsOf, SOON, SOON_MS } from './phone.ts';

/** How long a device that is gone may be taken to be there. */
const SEEN_AWAY = { timeout: 30_000 } as const;
const PAGE = `# Page

\`\`\`python
print("first", 6 * 7)
\`\`\`

\`\`\`python
#| on: laptop
print("second", 6 * 9)
\`\`\`
`;
// In containers where all is tested, on the machine itself elsewhere: what is seen of it is the same.
let docker: TestDocker | undefined;
beforeAll(async () => {
  if (env['MARKCO_LAB'] === 'all' && (await whyNoDocker()) === null) docker = await startDocker();
}, 180_000);
afterAll(async () => docker?.[Symbol.asyncDispose](), 60_000);

test('with the laptop off a phone opens, edits, runs on the device that stands in or waits; with the laptop back it is merged and runs there', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  await using cloud = await startCloud({
    MARKCO_NAME: 'server',
    // It is found again after a restart.
    MARKCO_PEER_PORT: String(await freePort()),
    ...(docker === undefined ? {} : { MARKCO_CONTAINERS: 'own', MARKCO_DOCKER: docker.socket }),
  });
  await using laptop = await startDevice({ files: { 'page.md': PAGE }, env: { MARKCO_NAME: 'laptop' } });
  await keepInCloud(cloud, laptop);
  const context = await (await browser()).newContext(PHONE);
  let page = await context.newPage();
  const thrown: unknown[] = [];
  const open = async (): Promise<void> => {
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(`${cloud.origin}/p/${laptop.project.slug}/page#token=${cloud.token}`);
    await press(0).waitFor(SOON);
  };
  const press = (cell: number) => page.locator('.mc-run').nth(cell);
  const says = (words: string | RegExp, cell: number, soon: { timeout: number } = SOON): Promise<void> =>
    page.locator('.mc-foot-frame').nth(cell).getByText(words).first().waitFor(soon);
  const file = (): Promise<string> => readFile(join(laptop.folder, 'page.md'), 'utf8');
  await open();
  await addPhone(page, cloud, laptop);
  await page.keyboard.press('Escape');
  // The device that stands in has the pages by then, and so the laptop may go.
  const kept = async () => (await cloud.device.get<{ projects: [] }>('/api/projects')).projects.length > 0;
  await eventually(kept, 'the project to be on the server', SOON_MS);
  await press(0).click();
  await says(/✓.*laptop/, 0);

  await laptop.kill();
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('Typed on the phone.');
  await page.getByText(/^Saved here/).waitFor(SOON);
  await page.locator('.mc-place').first().click();
  const menu = page.getByRole('dialog', { name: 'Run this cell on' });
  await menu.locator('.place').filter({ hasText: 'laptop' }).getByText('is away').waitFor(SEEN_AWAY);
  await page.keyboard.press('Escape');

  // The one goes to the device that stands in, the other waits, also without the page and through a restart of the cloud.
  await press(0).click();
  await says(/✓.*server/, 0);
  await press(1).click();
  await says('Waits for laptop', 1);
  await page.locator('.mc-away').getByRole('button', { name: 'Cancel' }).click();
  await says(/■/, 1);
  await press(1).click();
  await says('Waits for laptop', 1);
  await page.close();
  await cloud.kill();
  await cloud.start();
  page = await context.newPage();
  await open();
  await says('Waits for laptop', 1, SEEN_AWAY);
  expect(await file()).not.toContain('Typed on the phone.');

  await page.close();
  await laptop.start();
  await eventually(async () => (await file()).includes('Typed on the phone.'), 'the edit to be in the file', SOON_MS);
  await eventually(async () => (await file()).includes('second 54'), 'the run to be over', 60_000);
  page = await context.newPage();
  await open();
  await says(/✓.*laptop/, 1, SEEN_AWAY);
  await press(0).click();
  await says(/✓.*laptop/, 0);
  const { length: secondRuns } = (await runsOf(laptop)).filter(({ code }) => code.includes('second'));
  expect(secondRuns, 'it ran once, and not what was canceled').toBe(1);
  expect(thrown).toEqual([]);
  await context.close();
}, 240_000);
