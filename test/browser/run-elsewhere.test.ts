/** The page of a run that one device asked of a second, opened on a third: whole, searched, saved, and still there when its host is not. */
import { readFile } from 'node:fs/promises';
import type { Run } from '@markco/protocol';
import { newRunId, startDevice as startOther, type Device } from '../conformance/device.fixture.ts';
import { SOON } from './notebook.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

const PAIRED = { timeout: 30_000, interval: 100 } as const;
const LINES = 3_000;

test('the output of a run elsewhere is read, searched and saved on a third device, also after its host has gone', async ({
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': '# Page\n' });
  await using laptop = await startOther({ files: { 'mine.md': '# Mine\n' }, env: { MARKCO_NAME: 'laptop' } });
  await using box = await startOther({ files: { 'mine.md': '# Mine\n' }, env: { MARKCO_NAME: 'box' } });
  const add = async (joiner: Device): Promise<void> => {
    const { offered } = await device.api('offerPairing', {});
    await joiner.get('/api/pairing/join', { body: { code: offered?.link } });
    await expect.poll(async () => (await device.api('pairing', {})).offered?.state, PAIRED).toBe('asked');
    await device.api('approvePairing', {});
  };
  await add(laptop);
  await add(box);
  const isThere = async (): Promise<boolean> =>
    (await laptop.get<{ devices: { name: string; connection?: { state: string } }[] }>('/api/devices')).devices.some(
      ({ name, connection }) => name === 'box' && connection?.state === 'connected',
    );
  await expect.poll(isThere, PAIRED).toBe(true);
  const code = `for i in range(${LINES}):\n    print("a needle" if i == 2_000 else f"line {i}")\nprint("the end")`;
  const { id } = await laptop.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: laptop.project.id, language: 'python', code, runOn: 'box' },
  });
  await expect
    .poll(async () => (await laptop.get<Run>(`/api/runs/${id}`)).state, { timeout: 30_000, interval: 100 })
    .toBe('completed');

  const { page } = await openPage(folder, 'page');
  for (const isHostThere of [true, false]) {
    if (!isHostThere) await box.kill();
    await page.goto(device.link(`/runs/${id}`));
    await page
      .locator('.to-end')
      .getByText(`${(LINES + 1).toLocaleString('en')} lines`)
      .waitFor();
    await page.locator('.run-facts').getByText('box').waitFor();
    await page.getByRole('searchbox').fill('needle');
    await expect.poll(() => page.locator('.run-count').textContent(), SOON).toBe('1 of 1');
    expect(await page.locator('.log mark').first().textContent()).toBe('needle');
    for (const name of ['Save as text', 'Save with colors']) {
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
      const saved = await readFile(await file.path(), 'utf8');
      expect([saved.split('\n').length, saved.endsWith('\nthe end\n')]).toEqual([LINES + 2, true]);
    }
    await page.goto('about:blank');
  }
});
