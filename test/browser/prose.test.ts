/** Markdown is drawn while it stays text: what is drawn, what a click on it does, and what is pasted. */
import { SOON } from './notebook.ts';
import { expect, test } from './page-test.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

test('tables, formulas, diagrams, pictures and tasks are drawn, and a click on a task writes it', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'page.md':
      '# Page\n\n| Name | Value |\n|---|---:|\n| one | 1 |\n\nInline $a^2$ and\n\n$$\\int_0^1 x$$\n\n```mermaid\ngraph TD\n  A[Start] --> B[End]\n```\n\n![a square](_assets/square.svg)\n\n- [ ] a task\n',
    '_assets/square.svg':
      '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" fill="teal"/></svg>',
  });
  const notebook = await openPage(folder, 'page');
  const { seen } = notebook;
  await seen.locator('table td', { hasText: 'one' }).waitFor();
  await expect.poll(() => seen.locator('.katex').count(), SOON).toBe(2);
  await seen.locator('.mc-diagram img').waitFor();
  const image = seen.locator('.mc-image img');
  await expect.poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth), SOON).toBe(40);
  await seen.getByRole('checkbox').click();
  await folder.reads('page.md', '- [x] a task');
  expect(await notebook.text()).toBe(await folder.read('page.md'));
});

test('wikilinks and links open their page, and a picture that is pasted becomes a file of the project', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    '01-page.md': '# Page\n\nTo [[02-other]] now.\n\nTo [other](02-other.md#part) too.\n\nHere: \n',
    '02-other.md': '# Other\n\n## Part\n\nWords.\n',
  });
  const notebook = await openPage(folder, '01-page');
  const { page, seen } = notebook;
  await notebook.caretAfter('Here: ');
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
    document
      .querySelector('.mc-pane:not(.mc-pane-hidden) .cm-content')
      ?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, PIXEL);
  await folder.reads('01-page.md', /Here: !\[photo\]\(_assets\/[\w-]+\.png\)/);
  await expect
    .poll(
      () =>
        seen
          .locator('.mc-image img')
          .evaluate((element: HTMLImageElement) => element.naturalWidth)
          .catch(() => 0),
      SOON,
    )
    .toBe(1);
  const path = /_assets\/[\w-]+\.png/.exec(await notebook.text())?.[0] ?? '';
  expect((await folder.read(path)).length).toBeGreaterThan(20);

  await notebook.caretAfter('# Page');
  await seen
    .locator('a.mc-link, .mc-wiki-link, [class*=wiki]')
    .first()
    .click({ modifiers: ['ControlOrMeta'] });
  await page.waitForURL(/02-other/);
  await page.goBack();
  await notebook.reads('To [[02-other]] now.');
  await seen.getByText('other', { exact: true }).click({ modifiers: ['ControlOrMeta'] });
  await page.waitForURL(/02-other#part$/);
  await notebook.reads('## Part');
});

test('code that says `echo: false` is one line until the cursor comes to it, and runs all the same', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'page.md': '# Page\n\n```python\n#| echo: false\nx = 6\nprint(x * 7)\n```\n\nAfter.\n',
  });
  const notebook = await openPage(folder, 'page');
  const { page, seen } = notebook;
  await notebook.caretAfter('After.');
  const line = seen.getByText('3 lines of code are hidden');
  await line.waitFor();
  expect(await seen.getByText('x = 6').count()).toBe(0);
  await seen.getByRole('button', { name: 'Run this cell' }).click();
  await folder.reads('page.md', '```output\n42\n```');
  await line.click();
  await seen.getByText('x = 6').waitFor();
  expect(await line.count()).toBe(0);
  await page.keyboard.press('Control+Home');
  await line.waitFor();
  expect(await notebook.text()).toBe(await folder.read('page.md'));
});

test('an option of a cell that cannot be read says so under the cell', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'page.md': '# Page\n\n```python\n#| timeout: soon\n1\n```\n\nAfter.\n' });
  const notebook = await openPage(folder, 'page');
  await notebook.seen.getByText('The option `timeout` cannot be "soon"; its default is used.').waitFor();
  await notebook.caretAfter('timeout: ');
  await notebook.page.keyboard.press('Shift+End');
  await notebook.page.keyboard.type('5m');
  await expect.poll(() => notebook.seen.getByText('cannot be').count(), SOON).toBe(0);
});
