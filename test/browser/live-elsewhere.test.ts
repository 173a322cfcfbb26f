/** A cell that runs on another device is completed, hovered and looked into as one that runs here. */
import type { PairingHere, SessionHere } from '@markco/protocol';
import { startDevice as startOther } from '../conformance/device.fixture.ts';
import { SOON } from './notebook.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

const PAIRED = { timeout: 30_000, interval: 100 } as const;
const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;

test('completion, hover and variables of a cell elsewhere come from its session there, which is listed and stopped from here', async ({
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'page.md': [
      '# Page\n',
      cell('#| on: box\nfaraway = {"inside": [1, 2.5]}'),
      cell('nearby = 1'),
      cell('#| on: box\nfaraway["more"] = 3\nfaraway'),
    ].join('\n'),
  });
  await using box = await startOther({ files: { 'mine.md': '# Mine\n' }, env: { MARKCO_NAME: 'box' } });
  const { offered } = await box.get<PairingHere>('/api/pairing', { method: 'POST' });
  await device.api('joinPairing', { body: { code: offered?.link ?? '' } });
  await expect.poll(async () => (await box.get<PairingHere>('/api/pairing')).offered?.state, PAIRED).toBe('asked');
  await box.get('/api/pairing/approve', { method: 'POST' });
  const connected = async (): Promise<boolean> =>
    (await device.api('devices', {})).devices.some(
      ({ name, connection }) => name === 'box' && connection?.state === 'connected',
    );
  await expect.poll(connected, PAIRED).toBe(true);

  const notebook = await openPage(folder, 'page');
  const { page, seen } = notebook;
  await page.getByRole('button', { name: 'Variables' }).click();
  const panel = page.getByRole('complementary', { name: 'Variables' });
  // First the one that names no device: after another had begun this session, it would go there too.
  await seen.locator('.mc-run').nth(1).click();
  await notebook.says('✓', 0);
  await seen.locator('.mc-run').nth(0).click();
  await seen
    .locator('.mc-status')
    .getByText(/✓.*box/)
    .waitFor({ timeout: 30_000 });

  // Each cell has the variables of where it runs.
  const names = panel.locator('.variable-name');
  await panel.getByRole('button', { name: 'python · box', exact: true }).click();
  await names.getByText('faraway', { exact: true }).waitFor();
  expect(await names.getByText('nearby').count()).toBe(0);
  await panel.locator('.variable').filter({ hasText: 'faraway' }).click();
  await names.getByText('inside').waitFor();
  await panel.getByRole('button', { name: 'python', exact: true }).click();
  await names.getByText('nearby', { exact: true }).waitFor();
  expect(await names.getByText('faraway').count()).toBe(0);

  // In a second cell for the box: what only the session there knows.
  const place = await page.evaluate(() => {
    const view = window.editorInView();
    const at = view.state.doc.toString().lastIndexOf('faraway') + 2;
    const rect = view.coordsAtPos(at) as unknown as { left: number; top: number; bottom: number };
    return { x: rect.left, y: (rect.top + rect.bottom) / 2 };
  });
  await page.mouse.move(place.x - 30, place.y + 80);
  await page.mouse.move(place.x, place.y);
  await page.mouse.move(place.x + 1, place.y);
  await page.locator('.mc-hover').getByText('faraway: dict').waitFor();
  await page.mouse.move(5, 5);
  await notebook.caretAfter('["more"] = 3\nfaraway');
  await notebook.type('["inside"].');
  await page.locator('.cm-tooltip-autocomplete li').filter({ hasText: 'append' }).waitFor();
  await notebook.press('Escape', 'Backspace');

  // It finds what the first has left there.
  await notebook.press('Control+Enter');
  await seen.locator('.mc-output').getByText('[1, 2.5]').waitFor({ timeout: 30_000 });

  await page.getByRole('button', { name: 'Runs', exact: true }).click();
  const listed = page.getByRole('region', { name: 'Sessions' }).getByRole('listitem').filter({ hasText: 'box' });
  await listed.getByText('python · box').waitFor();
  await listed.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
  const left = async () =>
    (await box.get<{ sessions: SessionHere[] }>('/api/sessions')).sessions.filter(
      ({ deviceName }) => deviceName === undefined,
    );
  await expect.poll(left, SOON).toEqual([]);
});
