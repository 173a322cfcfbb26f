/** What the page says of its own copy is so: reloaded in the instant it says that an edit is kept, it has it. */
import { expect, testWithOwnDevice as test } from './page-test.ts';
import { createNotebook, type Notebook } from './notebook.ts';

const RELOADS = 25;

/** Those that the browser asks before a page is left; each is answered with "leave". */
function questionsOf({ page }: Notebook): string[] {
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  return asked;
}

/** Until the shell of the page is kept, a page without its device cannot be opened again. */
const shellKept = ({ page }: Notebook): Promise<unknown> =>
  page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => active?.state));

test('R1 an edit that is said to be on this device only is there after a reload in that instant', async ({
  openFolder,
  openPage,
  device,
}) => {
  const folder = await openFolder({ 'kept.md': '# Kept\n\nHere:' });
  const notebook = await openPage(folder, 'kept');
  const asked = questionsOf(notebook);
  await notebook.saved();
  await shellKept(notebook);
  await device.kill();
  try {
    let text = await notebook.text();
    for (let trial = 1, edits = 0; trial <= RELOADS; trial++) {
      const word = ` ${trial}`;
      await notebook.caretAfter(text);
      await notebook.type(word);
      text += word;
      edits += word.length;
      await notebook.keptHere(edits);
      await notebook.page.reload();
      await notebook.loaded();
      expect(await notebook.text(), `after reload ${trial}`).toBe(text);
    }
    process.stderr.write(`own copy: ${RELOADS} reloads in the instant it was said to be kept, 0 lost\n`);
    expect(asked).toEqual([]);
    await device.start();
    await folder.reads('kept.md', text);
    await notebook.page.locator('.save-line.ok').waitFor({ timeout: 30_000 });
  } finally {
    if (device.pid() === -1) await device.start();
  }
});

declare global {
  interface Window {
    noRoom: boolean | undefined;
  }
}

/** Writes are given up for want of room while `window.noRoom`, as a browser does whose disk is full. */
function giveUpWrites(): void {
  const { add, put } = IDBObjectStore.prototype;
  const spoil = (store: IDBObjectStore, request: IDBRequest<IDBValidKey>): IDBRequest<IDBValidKey> => {
    const { transaction } = store;
    if (window.noRoom === true)
      request.addEventListener('success', () => {
        Object.defineProperty(transaction, 'error', { value: new DOMException('full', 'QuotaExceededError') });
        transaction.abort();
      });
    return request;
  };
  Object.assign(IDBObjectStore.prototype, {
    add(this: IDBObjectStore, ...input: Parameters<typeof add>) {
      return spoil(this, add.apply(this, input));
    },
    put(this: IDBObjectStore, ...input: Parameters<typeof put>) {
      return spoil(this, put.apply(this, input));
    },
  });
}

test('a browser without room says that it keeps nothing, and keeps all by itself once there is room', async ({
  openFolder,
  openPage,
  device,
}) => {
  const folder = await openFolder({ 'full.md': '# Full\n\nHere:' });
  const notebook = await openPage(folder, 'full');
  const { page } = notebook;
  const asked = questionsOf(notebook);
  await notebook.saved();
  await shellKept(notebook);
  await device.kill();
  try {
    await page.evaluate(giveUpWrites);
    await page.evaluate(() => void (window.noRoom = true));
    await notebook.caretAfter('Here:');
    const typed = ' typed without room';
    await notebook.type(typed);
    await page
      .locator('.save-line.danger')
      .getByText(/^Offline · not kept: this browser has no room left/)
      .waitFor();
    await notebook.toast('no room for copies').waitFor();
    expect(await page.locator('.device-bar').textContent()).not.toContain('kept here');
    await page.evaluate(() => void (window.noRoom = false));
    await notebook.keptHere(typed.length);
    expect(await page.locator('.device-bar').textContent()).toContain('kept here');
    await page.reload();
    await notebook.loaded();
    expect(await notebook.text()).toBe(`# Full\n\nHere:${typed}`);
    expect(asked).toEqual([]);
  } finally {
    await device.start();
  }
});

test('a browser that stores nothing shows the document all the same, says so, and asks before an edit is lost', async ({
  openFolder,
  browser,
  device,
}) => {
  const folder = await openFolder({ 'private.md': '# Private\n\nHere:' });
  const context = await (await browser()).newContext({ locale: 'en-US' });
  await context.addInitScript(() => {
    Object.defineProperty(IDBFactory.prototype, 'open', {
      value: () => {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  });
  const notebook = await createNotebook(context);
  const asked = questionsOf(notebook);
  await notebook.page.goto(device.link(`/p/${folder.project.slug}/private`));
  await notebook.loaded();
  await notebook.toast('This browser keeps no copies').waitFor();
  await notebook.caretAfter('Here:');
  await notebook.type(' saved');
  await notebook.saved();
  await device.kill();
  try {
    await notebook.type(', not kept');
    await notebook.page
      .locator('.save-line.danger')
      .getByText(/^Offline · not kept/)
      .waitFor();
    const left = notebook.page.waitForEvent('dialog');
    await notebook.page.close({ runBeforeUnload: true });
    await left;
    expect(asked).toEqual(['beforeunload']);
  } finally {
    await context.close();
    await device.start();
  }
  await folder.reads('private.md', 'Here: saved');
});
