/** A cell that says where it runs: its output comes from there as it is printed, and its question is answered from here. */
import type { PairingHere } from '@markco/protocol';
import { startDevice as startOther } from '../conformance/device.fixture.ts';
import { SOON } from './notebook.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

const PAIRED = { timeout: 30_000, interval: 100 } as const;
const CODE = `#| on: box
import os, time
print("in the folder", os.path.basename(os.getcwd()), flush=True)
name = input("Your name? ")
for i in range(3):
    print(name, i, flush=True)
    time.sleep(0.2)`;

test('a cell runs on the device that it names, is followed and answered in the page, and its output is in the document', async ({
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': `# Page\n\n\`\`\`python\n${CODE}\n\`\`\`\n` });
  await using box = await startOther({ files: { 'mine.md': '# Mine\n' }, env: { MARKCO_NAME: 'box' } });
  const { offered } = await box.get<PairingHere>('/api/pairing', { method: 'POST' });
  await device.api('joinPairing', { body: { code: offered?.link ?? '' } });
  await expect.poll(async () => (await box.get<PairingHere>('/api/pairing')).offered?.state, PAIRED).toBe('asked');
  await box.get('/api/pairing/approve', { method: 'POST' });
  const connected = async (): Promise<readonly string[]> =>
    (await device.api('devices', {})).devices
      .filter(({ connection }) => connection?.state === 'connected')
      .map(({ name }) => name);
  await expect.poll(connected, PAIRED).toEqual(['box']);

  const notebook = await openPage(folder, 'page');
  const { page, seen } = notebook;
  await notebook.caretAfter('import os, time');
  await notebook.press('Control+Enter');
  await seen.locator('.mc-output').getByText('in the folder').waitFor({ timeout: 30_000 });
  await page.getByRole('textbox', { name: 'Your name?' }).fill('Ada');
  await page.keyboard.press('Enter');
  await seen
    .locator('.mc-status')
    .getByText(/✓.*box/)
    .waitFor({ timeout: 30_000 });
  await expect.poll(() => folder.read('page.md'), { ...SOON, timeout: 30_000 }).toContain('Ada 0\nAda 1\nAda 2\n```');
});
