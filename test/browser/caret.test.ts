/** The caret and the letters typed stay where they are, whatever others do and whatever the network does. */
import { expect, test } from './page-test.ts';
import { SOON } from './notebook.ts';

const LINES = Array.from({ length: 60 }, (_, index) => `Line ${index} of the document.`).join('\n\n');
const PAGE = `# Caret\n\n${LINES}\n`;

test('edits of another page before, at and after the caret never move it, while one types', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'caret.md': PAGE });
  const mine = await openPage(folder, 'caret');
  const other = await openPage(folder, 'caret');
  await mine.caretAfter('Line 20 of');
  const words = ' my own letters typed one by one';
  const places = ['# Caret', 'Line 19 of', 'Line 20 of', 'Line 21 of', 'Line 59 of'];
  let sent = 0;
  for (const letter of words) {
    await mine.press(letter === ' ' ? 'Space' : letter);
    const place = places[sent % places.length] ?? '';
    await other.page.evaluate((needle) => {
      const view = window.editorInView();
      view.dispatch({ changes: { from: view.state.doc.toString().indexOf(needle), insert: '‹›' } });
    }, place);
    sent++;
  }
  await expect.poll(async () => (await mine.text()).match(/‹›/g)?.length, SOON).toBe(sent);
  const text = await mine.text();
  expect(text).toContain(`Line 20 of${words}`);
  expect(text.slice(0, await mine.caret())).toMatch(new RegExp(`Line 20 of${words}$`));
  await expect.poll(other.text, SOON).toBe(text);

  await mine.press('Control+Z');
  await expect.poll(mine.text, SOON).not.toContain('typed one by one');
  for (let presses = 0; presses < 5; presses++) await mine.press('Control+Z');
  const undone = await mine.text();
  expect(undone.match(/‹›/g)).toHaveLength(sent);
  expect(undone.replaceAll('‹›', '')).toBe(PAGE);
});

test('a file written by another program merges under the caret, and undo leaves it alone', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'caret.md': PAGE });
  const notebook = await openPage(folder, 'caret');
  await notebook.caretAfter('Line 30 of');
  await notebook.type(' mine,');
  await folder.reads('caret.md', 'Line 30 of mine, the document.');
  await folder.write(
    'caret.md',
    (await folder.read('caret.md'))
      .replace('Line 2 of', 'Line 2 (by vim) of')
      .replace('Line 30 of', 'Line 30 (by vim) of')
      .replace('Line 50 of', 'Line 50 (by vim) of'),
  );
  await notebook.type(' and more,');
  await notebook.reads('Line 50 (by vim) of');
  await notebook.type(' and the end');
  const text = await notebook.text();
  expect(text).toContain('Line 30 (by vim) of mine, and more, and the end the document.');
  expect(text.slice(0, await notebook.caret())).toMatch(/mine, and more, and the end$/);
  await folder.reads('caret.md', text);
  for (let presses = 0; presses < 5; presses++) await notebook.press('Control+Z');
  await notebook.reads('Line 30 (by vim) of the document.');
  expect(await notebook.text()).toContain('Line 2 (by vim) of');
});

test('the view does not jump when another edits far above it', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'caret.md': PAGE });
  const mine = await openPage(folder, 'caret');
  const other = await openPage(folder, 'caret');
  await mine.caretAfter('Line 40 of');
  const top = (): Promise<number> =>
    mine.page.evaluate(() => {
      const view = window.editorInView();
      return view.coordsAtPos(view.state.selection.main.head)?.top ?? -1;
    });
  await expect.poll(top, SOON).toBeGreaterThan(0);
  const before = await top();
  await other.page.evaluate(() =>
    window.editorInView().dispatch({ changes: { from: 9, insert: 'New line.\n\n'.repeat(10) } }),
  );
  await mine.reads('New line.');
  await expect.poll(async () => Math.abs((await top()) - before), SOON).toBeLessThan(2);
});

test('typing never waits for a device that does not answer', async ({ openFolder, openPage, device }) => {
  const folder = await openFolder({ 'caret.md': PAGE });
  const notebook = await openPage(folder, 'caret');
  await notebook.caretAfter('Line 3 of');
  process.kill(device.pid(), 'SIGSTOP');
  try {
    const slowest = await notebook.page.evaluate(async () => {
      const content = document.querySelector('.mc-pane:not(.mc-pane-hidden) .cm-content') as HTMLElement;
      let worst = 0;
      for (let letter = 0; letter < 40; letter++) {
        const start = performance.now();
        document.execCommand('insertText', false, 'x');
        await new Promise((painted) => requestAnimationFrame(painted));
        worst = Math.max(worst, performance.now() - start);
      }
      return { worst, focused: document.activeElement === content };
    });
    expect(slowest.focused).toBe(true);
    expect(slowest.worst).toBeLessThan(500);
    await notebook.reads(`Line 3 of${'x'.repeat(40)}`);
    await notebook.page.locator('.save-line.busy').waitFor();
  } finally {
    process.kill(device.pid(), 'SIGCONT');
  }
  await folder.reads('caret.md', `Line 3 of${'x'.repeat(40)}`);
  await notebook.saved();
});

test('the caret stands still while one types, and blinks afterwards', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'caret.md': PAGE });
  const notebook = await openPage(folder, 'caret');
  const blinks = (): Promise<boolean> =>
    notebook.seen
      .locator('.cm-cursorLayer')
      .evaluate((layer) => layer.getAnimations().some(({ playState }) => playState === 'running'));
  await notebook.caretAfter('Line 1 of');
  await expect.poll(blinks, SOON).toBe(true);
  await notebook.type('x');
  expect(await blinks()).toBe(false);
  await expect.poll(blinks, SOON).toBe(true);
});
