/** A folder of a thousand pages that nobody here wrote, in the page. */
import { rm } from 'node:fs/promises';
import { copyMarkdown } from '../failure/real-folder.ts';
import { SOON } from './notebook.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

test('a thousand pages of other people open, scroll, switch and are searched without a pause', async ({
  openFolder,
  openPage,
}) => {
  const { folder: source, names } = await copyMarkdown();
  try {
    const files = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await source.read(name)] as const)),
    );
    const started = performance.now();
    const folder = await openFolder({ ...files, '00-start.md': '# Start\n' });
    const opened = performance.now() - started;
    const notebook = await openPage(folder, '00-start');
    const { page, press } = notebook;
    await expect.poll(() => page.locator('.tree-row').count(), SOON).toBeGreaterThan(0);
    const walked = await page.evaluate(async () => {
      const list = document.querySelector('.tree-row')?.parentElement?.parentElement;
      const start = performance.now();
      let worst = 0;
      for (let step = 0; step < 30; step++) {
        const before = performance.now();
        list?.scrollBy(0, 400);
        await new Promise((painted) => requestAnimationFrame(painted));
        worst = Math.max(worst, performance.now() - before);
      }
      return { worst, all: performance.now() - start };
    });
    expect(walked.worst).toBeLessThan(250);
    const open = performance.now();
    await press('Control+P');
    await page.locator('.picker-input').fill('readme');
    await page.getByRole('option').first().waitFor();
    await press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await notebook.loaded();
    const switched = performance.now() - open;
    await press('Control+Shift+F');
    const asked = performance.now();
    await page.keyboard.type('license');
    await page.locator('.hit').first().waitFor();
    const found = performance.now() - asked;
    process.stderr.write(
      `${names.length} pages: opened ${Math.round(opened)} ms, tree step ${Math.round(walked.worst)} ms, quick open ${Math.round(switched)} ms, search ${Math.round(found)} ms\n`,
    );
    expect(found).toBeLessThan(5_000);
  } finally {
    await rm(source.path, { recursive: true, force: true });
  }
});
