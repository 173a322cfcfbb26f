/**
 * Pictures of the page for people to look at: four of the sizes and themes, and one for the README, which is kept in
 * the repository and so is made only when it is not there.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SOON } from './notebook.ts';
import { expect, test } from './page-test.ts';

const root = join(import.meta.dirname, '../..');
const README_PICTURE = join(root, 'docs/screenshot.png');
const example = (file: string): Promise<string> => readFile(join(root, 'examples/welcome', file), 'utf8');

test('the welcome page with its outputs, wide and narrow, light and dark', async ({ openFolder, openPage }) => {
  const files = Object.fromEntries(
    await Promise.all(
      ['01-welcome.md', '02-notes/01-writing.md', 'mrmd.md'].map(async (file) => [file, await example(file)] as const),
    ),
  );
  const folder = await openFolder(files, 'welcome');
  await mkdir(join(root, 'test/screenshots'), { recursive: true });
  const first = await openPage(folder, '01-welcome');
  await first.caretAfter('import sys, time');
  await first.press('Control+Shift+Enter');
  await folder.reads('01-welcome.md', /40 steps, 3\.14159'?\n```/);
  for (const [width, height] of [
    [1280, 800],
    [390, 844],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, seen, ...notebook } = await openPage(folder, '01-welcome', {
        viewport: { width, height },
        colorScheme,
        deviceScaleFactor: 2,
      });
      await notebook.caretAfter('Below is a');
      await page
        .locator('.cm-scroller')
        .first()
        .evaluate((scroller, top) => scroller.scrollTo(0, top), width > 1000 ? 120 : 200);
      await expect.poll(() => seen.locator('.mc-output').count(), SOON).toBeGreaterThan(0);
      await notebook.saved();
      await page.screenshot({ path: join(root, `test/screenshots/${width}-${colorScheme}.png`) });
      if (width < 1000 || colorScheme === 'dark' || existsSync(README_PICTURE)) continue;
      await notebook.caretAfter('Plot([math');
      await seen.locator('.mc-figure img, .mc-output img').first().waitFor();
      await page
        .locator('.cm-scroller')
        .first()
        .evaluate((scroller) => {
          const figure = document.querySelector('.mc-figure, .mc-output img');
          if (figure !== null) scroller.scrollBy(0, figure.getBoundingClientRect().bottom - window.innerHeight + 120);
        });
      await page.screenshot({ path: README_PICTURE });
    }
});
