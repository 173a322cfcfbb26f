/** What a live session tells the page: its variables, completions, and what stands under the pointer. */
import { expect, test } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;

async function run(notebook: Notebook, index = 0): Promise<void> {
  await notebook.seen.locator('.mc-run').nth(index).click();
  await notebook.says('✓', index);
}

const panel = ({ page }: Notebook) => page.getByRole('complementary', { name: 'Variables' });

test('the variables of a session are listed, opened, filtered, and read again after a run', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'vars.md': `${cell('answer = 42\nnested = {"first": [1, 2, {"deep": "found"}], "second": None}')}\n${cell('answer = 43\nlater = "new"')}`,
  });
  const notebook = await openPage(folder, 'vars');
  const { page } = notebook;
  await page.getByRole('button', { name: 'Variables' }).click();
  await panel(notebook).getByText('python is not running').waitFor();
  await run(notebook);
  const row = (name: string) =>
    panel(notebook)
      .locator('.variable')
      .filter({ has: page.locator('.variable-name', { hasText: new RegExp(`^'?${name}'?$`) }) });
  await row('answer').getByText('42').waitFor();
  await row('answer').getByText('int').waitFor();

  await row('nested').focus();
  await notebook.press('ArrowRight');
  await row('first').waitFor();
  await notebook.press('ArrowDown');
  expect(await row('first').evaluate((element) => element === document.activeElement)).toBe(true);
  await notebook.press('Enter');
  await row('2').focus();
  await notebook.press('ArrowRight');
  await row('deep').getByText("'found'").waitFor();

  await run(notebook, 1);
  await row('answer').getByText('43').waitFor();
  await row('later').waitFor();
  expect(await row('first').count()).toBe(1);
  await panel(notebook).getByRole('searchbox').fill('late');
  await expect.poll(() => row('answer').count(), SOON).toBe(0);
  expect(await row('later').count()).toBe(1);
});

test('each language of a document has its own session, and its own variables', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    'many.md': `${cell('only_python = 1')}\n\`\`\`bash\nonly_bash=two\n\`\`\`\n\n\`\`\`js\nconst onlyJs = { deep: [3] }\n\`\`\`\n`,
  });
  const notebook = await openPage(folder, 'many');
  const { page } = notebook;
  await notebook.caretAfter('only_python');
  await notebook.press('Control+Shift+Enter');
  for (const index of [0, 1, 2]) await notebook.says('✓', index);
  await page.getByRole('button', { name: 'Variables' }).click();
  await panel(notebook).locator('.variable-name').getByText('only_python', { exact: true }).waitFor();
  await panel(notebook).getByRole('button', { name: 'bash', exact: true }).click();
  await panel(notebook).locator('.variable-name').getByText('only_bash', { exact: true }).waitFor();
  await panel(notebook).getByRole('button', { name: 'js', exact: true }).click();
  await panel(notebook).locator('.variable-name').getByText('onlyJs', { exact: true }).waitFor();
  expect(await panel(notebook).getByText('only_python').count()).toBe(0);
});

test('on a phone the variables are a sheet, and no row is wider than the screen', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'phone.md': cell('long_name_of_something = "x" * 5_000\nsmall = [1]') });
  const notebook = await openPage(folder, 'phone', {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  await run(notebook);
  await notebook.page.getByRole('button', { name: 'More' }).tap();
  await notebook.page.getByRole('button', { name: 'Variables' }).tap();
  await panel(notebook).getByText('small').waitFor();
  const widest = await panel(notebook)
    .locator('.variable')
    .evaluateAll((rows) => Math.max(...rows.map((row) => row.getBoundingClientRect().right)));
  expect(widest).toBeLessThanOrEqual(390);
});

test('typing is completed from the session, never held up by it, and never starts one', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'type.md': `${cell('class Thing:\n    def only_at_runtime(self):\n        "Says hello."\nsetattr(Thing, "made_later", 1)\nthing = Thing()')}\n${cell('thing')}`,
  });
  const notebook = await openPage(folder, 'type');
  const { page } = notebook;
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/mrp/')) asked.push(request.url());
  });
  const offered = page.locator('.cm-tooltip-autocomplete li');

  await notebook.caretAfter('```\n\n```python\nthing');
  await notebook.type('.ma');
  await notebook.reads('thing.ma\n');
  expect(asked).toEqual([]);
  await notebook.press('Escape', 'Backspace', 'Backspace', 'Backspace');
  await run(notebook);
  // Once they are seen, the page knows that the session is alive.
  await page.getByRole('button', { name: 'Variables' }).click();
  await panel(notebook).getByText('thing', { exact: true }).waitFor();

  await notebook.caretAfter('```\n\n```python\nthing');
  await notebook.type('.');
  await offered.filter({ hasText: 'made_later' }).waitFor();
  await notebook.type('on');
  await offered.filter({ hasText: 'only_at_runtime' }).waitFor();
  await notebook.press('Enter');
  await notebook.reads('thing.only_at_runtime\n');

  // An answer that does not come: the key and the document's own words are there all the same.
  await page.route('**/mrp/v1/complete', () => undefined);
  await notebook.type('\nthi');
  await notebook.reads('only_at_runtime\nthi');
  await page.getByRole('option', { name: 'thing', exact: true }).waitFor();

  // What is offered would lie over what the cell prints.
  await notebook.press('Control+Enter');
  await page.getByRole('listbox').waitFor({ state: 'hidden' });
});

test('the pointer on a name shows its type, its value and its documentation', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    'hover.md': cell(
      'def greet(name, times=2):\n    """Says hello.\n\n    More of it."""\n    return name * times\nanswer = 42\nanswer, greet',
    ),
  });
  const notebook = await openPage(folder, 'hover');
  await run(notebook);
  const hover = notebook.page.locator('.mc-hover');
  const pointAt = async (needle: string): Promise<void> => {
    const place = await notebook.page.evaluate((text) => {
      const view = window.editorInView();
      const at = view.state.doc.toString().lastIndexOf(text) + 2;
      const box = view.coordsAtPos(at) as unknown as { left: number; top: number; bottom: number };
      return { x: box.left, y: (box.top + box.bottom) / 2 };
    }, needle);
    await notebook.page.mouse.move(place.x - 30, place.y + 80);
    await notebook.page.mouse.move(place.x, place.y);
    await notebook.page.mouse.move(place.x + 1, place.y);
  };
  await pointAt('answer, greet');
  await hover.getByText('42').waitFor();
  await hover.getByText('answer: int').waitFor();
  await pointAt('greet\n```');
  await hover.getByText('greet(name, times=2)').waitFor();
  await hover.getByText('Says hello.').waitFor();

  await notebook.page.mouse.move(5, 5);
  await hover.first().waitFor({ state: 'detached' });
  await notebook.caretAfter('answer, gre');
  await notebook.press('Alt+F1');
  await hover.getByText('Says hello.').waitFor();
  await notebook.page.locator('[aria-live]').getByText('Says hello.').waitFor({ state: 'attached' });
  await notebook.press('ArrowLeft');
  await hover.waitFor({ state: 'detached' });
});
