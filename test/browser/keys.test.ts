/** Jupyter's keys, the page's keys, and a walk through the page with the keyboard alone. */
import { expect, testWithOwnDevice as test } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;
const TWO_CELLS = `# Keys\n\n${cell('1 + 1')}\nBetween.\n\n${cell('2 + 2')}`;

/** The line the caret is on. */
function line({ page }: Notebook): Promise<string> {
  // Seen at one moment: an output may move the caret between two looks.
  return page.evaluate(() => {
    const { doc, selection } = window.editorInView().state;
    const [before, after] = [doc.toString().slice(0, selection.main.head), doc.toString().slice(selection.main.head)];
    return `${before.split('\n').at(-1)}${after.split('\n')[0]}`;
  });
}

test('Shift+Enter runs and goes to the next cell, and makes a new one at the end', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'keys.md': TWO_CELLS });
  const notebook = await openPage(folder, 'keys');
  await notebook.caretAfter('1 + 1');
  await notebook.press('Shift+Enter');
  expect(await line(notebook)).toBe('2 + 2');
  await notebook.press('Shift+Enter');
  await notebook.type('"typed in the new cell"');
  await folder.reads('keys.md', /```output\n2\n```\n\nBetween/);
  await folder.reads('keys.md', /```output\n4\n```\n\n```python\n"typed in the new cell"\n```/);
  await notebook.says('✓', 0);
  await notebook.says('✓', 1);
});

test('however quick a cell is, its output is above the cell that Shift+Enter or Alt+Enter adds', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'quick.md': cell('0').trimEnd() });
  const notebook = await openPage(folder, 'quick');
  await notebook.caretAfter('python\n0');
  const pairs = (count: number): string =>
    Array.from({ length: count }, (_, at) => `\`\`\`python\n${at}\n\`\`\`\n\n\`\`\`output\n${at}\n\`\`\`\n\n`).join('');
  for (let count = 1; count <= 12; count++) {
    await notebook.press(count % 2 === 0 ? 'Alt+Enter' : 'Shift+Enter');
    await notebook.says('✓', count - 1);
    await folder.reads('quick.md', /^```output\n\d+\n```$/m);
    await expect.poll(async () => (await folder.read('quick.md')).match(/```output/g)?.length, SOON).toBe(count);
    expect(await folder.read('quick.md')).toContain(`${pairs(count)}\`\`\`python\n`);
    await notebook.type(`${count}`);
  }
});

test('Ctrl+Enter runs and stays; Alt+Enter runs and inserts a cell below', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'keys.md': TWO_CELLS });
  const notebook = await openPage(folder, 'keys');
  await notebook.caretAfter('1 + 1');
  await notebook.press('Control+Enter');
  expect(await line(notebook)).toBe('1 + 1');
  await notebook.says('✓');
  await notebook.press('Alt+Enter');
  await notebook.type('"inserted"');
  await folder.reads('keys.md', /```output\n2\n```\n\n```python\n"inserted"\n```\n\nBetween/);
});

test('Escape selects the cell, and single keys walk, insert, delete, undo and turn it to text and back', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'keys.md': TWO_CELLS });
  const notebook = await openPage(folder, 'keys');
  await notebook.caretAfter('1 + 1');
  await notebook.press('Escape');
  await notebook.page.locator('.mc-command-mode').waitFor();
  await notebook.press('j');
  expect(await line(notebook)).toBe('2 + 2');
  await notebook.press('k');
  expect(await line(notebook)).toBe('1 + 1');
  await notebook.press('x');
  expect(await notebook.text()).toBe(TWO_CELLS);

  await notebook.press('d');
  expect(await notebook.text()).toBe(TWO_CELLS);
  await notebook.press('d');
  await notebook.reads(/^# Keys\n\nBetween/);
  await notebook.press('z');
  await notebook.reads(TWO_CELLS);

  await notebook.caretAfter('1 + 1');
  await notebook.press('Escape', 'a', 'Enter');
  await notebook.type('above = 1');
  await notebook.reads(/```python\nabove = 1\n```\n\n```python\n1 \+ 1/);
  await notebook.caretAfter('1 + 1');
  await notebook.press('Escape', 'b', 'Enter');
  await notebook.type('below = 1');
  await notebook.reads(/1 \+ 1\n```\n\n```python\nbelow = 1\n```\n\nBetween/);

  await notebook.caretAfter('2 + 2');
  await notebook.press('Escape', 'm');
  await notebook.reads(/Between\.\n\n2 \+ 2\n/);
  await notebook.press('y');
  await notebook.reads(/Between\.\n\n```python\n2 \+ 2\n```/);
  await notebook.press('Enter');
  await notebook.page.locator('.mc-command-mode').waitFor({ state: 'hidden' });
});

test('i i interrupts, 0 0 asks and restarts, Ctrl+Shift+Enter runs all', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'keys.md': `${cell('kept = 41')}\n${cell('import time\ntime.sleep(600)')}` });
  const notebook = await openPage(folder, 'keys');
  await notebook.caretAfter('kept = 41');
  await notebook.press('Control+Shift+Enter');
  await notebook.says('✓', 0);
  await notebook.says('● Running', 1);
  await notebook.caretAfter('time.sleep(600)');
  await notebook.press('Escape', 'i', 'i');
  await notebook.says('Stopped', 1);

  await notebook.press('0', '0');
  const ask = notebook.page.getByRole('dialog');
  await ask.getByText(/Its variables are lost/).waitFor();
  await notebook.press('Escape');
  await ask.waitFor({ state: 'hidden' });
  await notebook.caretAfter('time.sleep(600)');
  await notebook.press('Escape', '0', '0');
  await ask.getByRole('button', { name: 'OK' }).click();
  await notebook.toast('Session restarted').waitFor();
  await notebook.setCaret((await notebook.text()).indexOf('kept = 41'));
  await notebook.press('Shift+End');
  await notebook.type('kept');
  await notebook.press('Control+Enter');
  await notebook.says('NameError', 0);
});

test('the page has its own keys and leaves those of the browser alone', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'one.md': '# One\n\nFirst words.\n', 'two.md': '# Two\n\nSecond words.\n' });
  const notebook = await openPage(folder, 'one');
  const { page, press } = notebook;
  await notebook.caretAfter('First words.');

  await press('Control+P');
  await page.locator('.picker-input').fill('two');
  await press('Enter');
  await notebook.reads('Second words.');
  expect(new URL(page.url()).pathname).toMatch(/\/two$/);

  await press('Control+P');
  await page.locator('.picker-input').fill('ideas/new page');
  await page.getByRole('option', { name: 'Create “ideas/new page”' }).waitFor();
  await press('Enter');
  await page.waitForURL(/\/ideas\/new%20page$/);
  await notebook.loaded();
  await expect.poll(() => page.evaluate(() => document.activeElement?.className), SOON).toContain('cm-content');
  await notebook.type('Words of the new page.');
  await folder.reads('ideas/new page.md', 'Words of the new page.');

  await press('Control+Shift+P');
  const options = page.getByRole('option');
  await page
    .getByRole('option', { name: /Run cell.*Ctrl.*Enter/ })
    .first()
    .waitFor();
  expect(await options.count()).toBeGreaterThan(30);
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });

  await press('Control+B');
  await page.locator('.sidebar').waitFor({ state: 'hidden' });
  await press('Control+B');
  await page.locator('.sidebar').waitFor();

  await press('Control+S');
  await notebook.toast(/saved/i).waitFor();

  await notebook.caretAfter('Words of');
  await press('Control+F');
  await page.locator('.cm-search input[name=search]').waitFor();
  await press('Escape');

  await press('Control+Shift+F');
  await page.getByRole('searchbox').waitFor();
  await page.keyboard.type('second');
  await page.locator('.hit').filter({ hasText: 'Second words.' }).waitFor();
  await press('ArrowDown', 'Enter');
  await page.waitForURL(/\/two$/);
  await notebook.reads('Second words.');
  await expect
    .poll(
      () =>
        page.evaluate(() => {
          const { state } = window.editorInView();
          const { anchor, head } = state.selection.main;
          return state.doc.toString().slice(anchor, head);
        }),
      SOON,
    )
    .toBe('Second');

  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await press('Escape');
  for (const never of ['Control+W', 'Control+T', 'Control+N', 'Control+L']) {
    const taken = await page.evaluate((keys) => {
      const event = new KeyboardEvent('keydown', {
        key: keys.slice(-1).toLowerCase(),
        ctrlKey: true,
        bubbles: true,
        cancelable: true,
      });
      document.querySelector('.cm-content')?.dispatchEvent(event);
      return event.defaultPrevented;
    }, never);
    expect(taken, `${never} is the browser's`).toBe(false);
  }
});

test('from the tree to a restored moment with the keyboard alone, the focus always in sight', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ '01-one.md': '# One\n', '02-two.md': `# Two\n\nOld words.\n\n${cell('20 + 22')}` });
  const notebook = await openPage(folder, '01-one');
  const { page, press } = notebook;
  /** What has the focus, and whether one can see that. */
  const focus = (): Promise<{ name: string; seen: boolean }> =>
    page.evaluate(() => {
      const active = document.activeElement ?? document.body;
      const { outlineStyle, outlineWidth, boxShadow, backgroundImage } = getComputedStyle(active);
      const isText = active.matches('.cm-content, input');
      return {
        name: `${active.tagName.toLowerCase()}.${active.className} ${active.getAttribute('aria-label') ?? active.textContent?.slice(0, 40)}`,
        seen:
          isText ||
          (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) ||
          boxShadow !== 'none' ||
          backgroundImage !== 'none',
      };
    });
  /** Presses Tab until the focus is on this, at most once around the page. */
  const tabTo = async (wanted: RegExp, key = 'Tab'): Promise<void> => {
    const passed: string[] = [];
    for (let presses = 0; presses < 60; presses++) {
      await press(key);
      const { name, seen } = await focus();
      if (!name.startsWith('body')) expect(seen, `the focus on ${name} can be seen`).toBe(true);
      if (wanted.test(name)) return;
      passed.push(name);
    }
    expect.unreachable(`Tab never reached ${wanted}: ${passed.join(' → ')}`);
  };

  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await tabTo(/tree-row/);
  await press('ArrowDown');
  await expect.poll(async () => (await focus()).name, SOON).toContain('Two');
  await press('Enter');
  await notebook.reads('Old words.');
  await tabTo(/cm-content/);
  await notebook.caretAfter('Old words.');
  await notebook.type(' New words.');
  await folder.reads('02-two.md', 'Old words. New words.');
  await notebook.caretAfter('20 + 22');
  await press('Control+Enter');
  await notebook.says('✓');
  await folder.reads('02-two.md', '```output\n42\n```');

  // Tab indents while one edits, and leaves after Escape.
  await press('Escape', 'Tab');
  expect((await focus()).name).not.toContain('cm-content');

  await press('Control+Shift+H');
  await page.locator('.moment').last().waitFor();
  await tabTo(/moment/);
  while (
    !(await page
      .locator('.moment')
      .last()
      .evaluate((moment) => moment === document.activeElement))
  )
    await tabTo(/moment/);
  await press('Enter');
  await page.locator('.compare-bar').getByText('As it was').waitFor();
  await tabTo(/button.*Restore/, 'Shift+Tab');
  await press('Enter');
  await notebook.toast(/Restored/).waitFor();
  await folder.reads('02-two.md', /^# Two\n\nOld words\.\n\n```python\n20 \+ 22\n```\n$/);
});
