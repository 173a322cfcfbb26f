/** From the printed link to a kill -9 and back, in the Chromium that people start: what somebody does first, and must never lose. */
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import { fullChromiumPath, launchChromium, NO_CHROMIUM } from './chromium.ts';
import { startDevice } from './device.ts';
import { createNotebook, SOON } from './notebook.ts';

const PAGE =
  '# Notes\n\nBefore.\n\n```python\nimport time\nfor i in range(4):\n    print("line", i, flush=True)\n    time.sleep(0.1)\n```\n';

const test = base.extend<{ folder: string }>({
  folder: async ({ skip }, use) => {
    skip(fullChromiumPath === undefined, NO_CHROMIUM);
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'markco-thread-')));
    await writeFile(join(folder, 'notes.md'), PAGE);
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

test('typed, run, killed, gone on, started again: nothing is lost', async ({ folder }) => {
  const device = await startDevice(folder);
  const browser = await launchChromium(fullChromiumPath);
  const file = (): Promise<string> => readFile(join(folder, 'notes.md'), 'utf8');
  const { page, ...notebook } = await createNotebook(await browser.newContext({ locale: 'en-US' }));
  try {
    await page.goto(device.printedLink());
    await notebook.loaded();
    expect(page.url()).not.toContain('token');
    expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(3);
    expect(await page.evaluate(() => document.cookie)).toBe('');

    await notebook.caretAfter('Before.');
    await notebook.type(' Typed in the page.');
    await expect.poll(file, SOON).toContain('Before. Typed in the page.');
    await page
      .locator('.save-line.ok')
      .getByText(/^Saved here · /)
      .waitFor();

    await notebook.caretAfter('import time');
    await notebook.press('Shift+Enter');
    await page.locator('.mc-run-active').waitFor();
    await notebook.output().getByText('line 0').waitFor();
    await notebook.says(/✓ [\d.]+ m?s · .+ · .+/);
    await expect.poll(file, SOON).toContain('```\n\n```output\nline 0\nline 1\nline 2\nline 3\n```\n');

    await device.kill();
    await page
      .locator('.device-bar')
      .getByText(/does not answer since/)
      .waitFor();
    await notebook.caretAfter('Typed in the page.');
    const offline = ' Typed without the device.';
    await notebook.type(offline);
    await notebook.keptHere(offline.length);
    expect(await file()).not.toContain('without the device');

    // The page opens from its own copy, with the edits that nobody else has yet.
    await page.reload();
    await notebook.loaded();
    await notebook.reads('Typed in the page. Typed without the device.');
    await notebook.caretAfter('without the device.');
    await notebook.type(' And after a reload.');
    // Meanwhile another program writes into the file.
    await writeFile(join(folder, 'notes.md'), (await file()).replace('# Notes', '# Notes of mine'));

    await device.start();
    await page.locator('.device-bar').waitFor({ state: 'hidden', timeout: 30_000 });
    await page.locator('.save-line.ok').waitFor({ timeout: 30_000 });
    await expect.poll(file, SOON).toContain('Before. Typed in the page. Typed without the device. And after a reload.');
    expect(await file()).toContain('# Notes of mine\n');
    await notebook.reads('# Notes of mine\n');
    expect(await file()).toBe(await notebook.text());
    expect((await file()).match(/```output/g)).toHaveLength(1);
    expect(notebook.thrown).toEqual([]);
  } finally {
    await browser.close();
    await device.close();
  }
});
