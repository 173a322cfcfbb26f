/** One page in one browser, as a person uses it, and what of it can be seen. */
import type { BrowserContext, Locator } from 'playwright-core';
import { expect } from 'vitest';

/** How long anything a person waits for may take on a busy machine. */
export const SOON = { timeout: 15_000, interval: 50 } as const;

/** What the tests look at in CodeMirror: found through its element, as `EditorView.findFromDOM` does. */
type Seen = {
  readonly state: {
    readonly doc: { toString(): string };
    readonly selection: { readonly main: { readonly head: number; readonly anchor: number } };
  };
  dispatch(change: unknown): void;
  focus(): void;
  coordsAtPos(offset: number): { readonly top: number } | null;
};

declare global {
  interface Window {
    /** The editor in view. */
    editorInView(): Seen;
  }
}

function editorInView(): Seen {
  const content = document.querySelector('.mc-pane:not(.mc-pane-hidden) .cm-content') as
    | (Element & { readonly cmTile: { readonly root: { readonly view: Seen } } })
    | null;
  if (content === null) throw new Error('No document is in view.');
  return content.cmTile.root.view;
}

export type Notebook = Awaited<ReturnType<typeof createNotebook>>;

export async function createNotebook(context: BrowserContext) {
  await context.addInitScript(`window.editorInView = ${editorInView.toString()}`);
  const page = await context.newPage();
  page.setDefaultTimeout(SOON.timeout);
  /** What the page threw and nobody caught: a test ends with none. */
  const thrown: string[] = [];
  page.on('pageerror', (error) => thrown.push(error.stack ?? error.message));

  const text = (): Promise<string> => page.evaluate(() => window.editorInView().state.doc.toString());
  const caret = (): Promise<number> => page.evaluate(() => window.editorInView().state.selection.main.head);
  const setCaret = (offset: number): Promise<void> =>
    page.evaluate((at) => {
      const view = window.editorInView();
      view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
      view.focus();
    }, offset);

  /** The document in view; others stay in the page, hidden. */
  const seen = page.locator('.mc-pane:not(.mc-pane-hidden)');

  return {
    context,
    page,
    seen,
    thrown,
    text,
    caret,
    setCaret,
    /** Resolves when the document in view has loaded. */
    loaded: () => page.locator('.document[aria-busy=false] .mc-pane:not(.mc-pane-hidden) .cm-content').waitFor(),
    /** Puts the caret behind this text, the first in the document. */
    async caretAfter(needle: string): Promise<void> {
      const at = (await text()).indexOf(needle);
      expect(at, `"${needle}" is in the document`).toBeGreaterThanOrEqual(0);
      await setCaret(at + needle.length);
    },
    press: (...keys: readonly string[]): Promise<void> =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve()),
    type: (words: string): Promise<void> => page.keyboard.type(words),
    /** Waits until the text of the document says this. */
    reads: (wanted: string | RegExp): Promise<void> =>
      expect
        .poll(text, SOON)
        .toEqual(typeof wanted === 'string' ? expect.stringContaining(wanted) : expect.stringMatching(wanted)),
    /** Waits until it says, from facts, that everything is on the disk of the device. */
    saved: (): Promise<void> => page.locator('.save-line.ok').waitFor(),
    /** Waits until it says, from facts, that this many edits are on the disk of this browser and nowhere else. */
    keptHere: (edits: number): Promise<void> =>
      page
        .locator('.save-line.warn')
        .getByText(new RegExp(`^Offline · ${edits} edits? on this device only$`))
        .waitFor(),
    status: (index = 0): Locator => seen.locator('.mc-status-text').nth(index),
    /** Waits until the status line of a cell says this. */
    says: (wanted: string | RegExp, index = 0): Promise<void> =>
      expect
        .poll(() => seen.locator('.mc-status-text').nth(index).textContent({ timeout: 1_000 }), SOON)
        .toEqual(typeof wanted === 'string' ? expect.stringContaining(wanted) : expect.stringMatching(wanted)),
    output: (index = 0): Locator => seen.locator('.mc-output').nth(index),
    toast: (words: string | RegExp): Locator => page.locator('.toast').filter({ hasText: words }),
    row: (path: string): Locator => page.locator(`.tree-row[data-path="${path}"]`),
    /** Presses a command of the palette by its words. */
    async command(words: string): Promise<void> {
      await page.keyboard.press('Control+Shift+P');
      await page.locator('dialog .picker-input').fill(words);
      await page.locator('.picker-rows [role=option]').first().waitFor();
      await page.keyboard.press('Enter');
    },
  };
}
