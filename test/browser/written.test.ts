/** What a cell writes into the folder of its project is seen in the page, as if another program had written it. */
import { SOON } from './notebook.ts';
import { expect, test } from './page-test.ts';

const SQUARE = (side: number): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><rect width="${side}" height="${side}"/></svg>`;

test('a cell writes a page, a picture that the page shows, and the page itself', async ({ openFolder, openPage }) => {
  const code = `import pathlib
pathlib.Path("02-made.md").write_text("# Made by a cell\\n")
pathlib.Path("plot.svg").write_text('${SQUARE(40)}')
here = pathlib.Path("01-page.md")
here.write_text(here.read_text().replace("Old words", "New words"))
print("written")`;
  const again = `pathlib.Path("plot.svg").write_text('${SQUARE(60)}'); print("again")`;
  const folder = await openFolder({
    '01-page.md': `# Page\n\nOld words.\n\n![plot](plot.svg)\n\n\`\`\`python\n${code}\n\`\`\`\n\n\`\`\`python\n${again}\n\`\`\`\n`,
  });
  const notebook = await openPage(folder, '01-page');
  const { page, seen } = notebook;
  await seen.getByText('This picture could not be loaded: plot.svg').waitFor();
  await notebook.caretAfter('print("written")');
  await notebook.press('Shift+Enter');
  await notebook.reads('New words.');
  await page.getByRole('treeitem', { name: 'made' }).waitFor();
  const width = () =>
    seen
      .locator('.mc-image img')
      .evaluate((element: HTMLImageElement) => element.naturalWidth)
      .catch(() => 0);
  await expect.poll(width, SOON).toBe(40);
  await notebook.press('Shift+Enter');
  await expect.poll(width, SOON).toBe(60);
});
