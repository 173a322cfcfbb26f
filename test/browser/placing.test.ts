/** Two devices and a page of one: where a cell runs, what is seen while the other is away, and what can be done then. */
import { dirname, join } from 'node:path';
import type { PairingHere } from '@markco/protocol';
import { startDevice as startOther, type Device as Other } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import type { Device } from './device.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

const PAIRED = { timeout: 60_000, interval: 100 } as const;
const LONG = { timeout: 60_000 } as const;

async function connected(device: Device): Promise<readonly string[]> {
  const { devices } = await device.api('devices', {});
  return devices.filter(({ connection }) => connection?.state === 'connected').map(({ name }) => name);
}

async function pair(device: Device, box: Other): Promise<void> {
  const { offered } = await box.get<PairingHere>('/api/pairing', { method: 'POST' });
  await device.api('joinPairing', { body: { code: offered?.link ?? '' } });
  await expect.poll(async () => (await box.get<PairingHere>('/api/pairing')).offered?.state, PAIRED).toBe('asked');
  await box.get('/api/pairing/approve', { method: 'POST' });
  await expect.poll(() => connected(device), PAIRED).toContain('box');
}

test('a cell says where it runs, is run on another device by hand, waits for it, and is copied when it is silent', async ({
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': '# Page\n\n```bash\necho "one $((40 + 2))"\n```\n' });
  const alone = await openPage(folder, 'page');
  await alone.seen.locator('.mc-run').waitFor();
  expect(await alone.seen.locator('.mc-place').count()).toBe(0);
  const env = { MARKCO_NAME: 'box', MARKCO_PROJECTS: join(dirname(folder.path), 'of the box') };
  await using box = await startOther({ files: { 'mine.md': '# Mine\n' }, env });
  await pair(device, box);

  const notebook = await openPage(folder, 'page');
  const { page, seen, press } = notebook;
  const chip = seen.locator('.mc-place');
  const menu = page.getByRole('dialog', { name: /^Run (this cell|a copy) on$/ });
  const says = (wanted: string | RegExp) => seen.locator('.mc-status-text').getByText(wanted).waitFor(LONG);
  await chip.getByText('Runs on: any device').waitFor();

  // By hand, with the keyboard.
  await notebook.caretAfter('echo');
  await press('Control+Alt+Enter');
  await menu.locator('.place.next').getByText('this device').waitFor();
  expect(await menu.locator('.place-words').allTextContents()).toEqual([
    'nothing waits, near',
    'gets this project first',
  ]);
  expect(await troubles(notebook)).toEqual([]);
  await press('ArrowDown');
  await press('Escape');
  await menu.waitFor({ state: 'hidden' });
  await chip.click();
  await menu.getByRole('button', { name: /^box/ }).click();
  await says(/✓.*box/);
  await chip.getByText('Runs on: box').waitFor();
  await folder.reads('page.md', 'one 42');

  // Kept there, as one step of undo, and let go again.
  const before = await notebook.text();
  await chip.click();
  await menu.getByRole('button', { name: 'Always run this cell on box' }).click();
  await notebook.reads('```bash\n#| on: box\necho');
  await chip.getByText('Always on: box').waitFor();
  await press('Control+z');
  await expect.poll(() => notebook.text()).toBe(before);
  await chip.click();
  await menu.getByRole('button', { name: 'Always run this cell on box' }).click();
  await chip.getByText('Always on: box').waitFor();
  await chip.click();
  await menu.getByRole('button', { name: 'Let the best device run it', exact: true }).click();
  await expect.poll(() => notebook.text()).toBe(before);

  // Away: it waits, and begins by itself.
  await box.stop();
  await expect.poll(() => connected(device), PAIRED).toEqual([]);
  await chip.click();
  await menu.locator('.place.refused').getByText('the run waits for it').waitFor();
  await menu.getByRole('button', { name: /^box/ }).click();
  await says(/⏳ Waits for box · away since \d\d:\d\d/);
  await seen.getByRole('button', { name: 'Wait', exact: true }).click();
  await seen.getByText('It starts by itself when box can take it').waitFor();
  expect(await troubles(notebook)).toEqual([]);
  await box.start();
  await says(/✓.*box/);
  expect(await seen.locator('.mc-away').isVisible()).toBe(false);

  // Killed in the middle: it is silent, not over, and a copy runs here.
  await notebook.caretAfter('+ 2))"');
  await notebook.type('; echo begun; sleep 40');
  await chip.click();
  await menu.getByRole('button', { name: /^box/ }).click();
  await seen.locator('.mc-output').getByText('begun').waitFor(LONG);
  await says(/● Running \d:\d\d · box/);
  await box.kill();
  await says(/⚠ box does not answer since \d\d:\d\d/);
  await seen.getByRole('button', { name: 'Wait', exact: true }).click();
  await seen.getByText('box may still run it').waitFor();
  expect(await troubles(notebook)).toEqual([]);
  await page.getByRole('button', { name: 'Runs', exact: true }).first().click();
  const listed = page.locator('.run').filter({ hasText: 'box does not answer since' });
  await listed.getByText('You chose box.').waitFor();
  await listed.getByRole('button', { name: 'Cancel' }).click();
  await listed.getByText('to be stopped once it answers').waitFor();
  expect(await troubles(notebook)).toEqual([]);
  await seen.getByRole('button', { name: 'Run a copy here' }).click();
  await says(/● Running/);
  expect(await listed.count()).toBe(1);
  await listed.getByRole('button', { name: /^Whole output/ }).click();
  await page.locator('.run-page .run-facts').getByText('box does not answer since').waitFor();
  await page.locator('.run-page .run-why').getByText('You chose box.').waitFor();
  // What it had printed has come here already.
  await page.locator('.run-page .log').getByText('begun').waitFor();
  await page.locator('.run-page').getByText('to be stopped once it answers').waitFor();
  await page.locator('.run-page').getByRole('button', { name: 'Run a copy here' }).waitFor();
  expect(await troubles(notebook)).toEqual([]);
  await page.goBack();
  await notebook.loaded();
  await box.start();
  await listed.waitFor({ state: 'hidden', ...LONG });
  await page.locator('.run.cancelled, .run.failed').filter({ hasText: 'box' }).first().waitFor(LONG);
}, 300_000);
