/** A document that is opened while its file is being renamed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { createTestFolder, eventually, never, type TestFolder } from './folder.fixture.ts';

test('a document that is opened for the first time while its file is being renamed is read under its new name', async () => {
  const root = await mkdtemp(join(tmpdir(), 'markco-files-'));
  await writeFile(join(root, 'a.md'), 'text of a\n');
  const begun: { reading?: ReturnType<TestFolder['folder']['initialText']> } = {};
  const looked = Promise.withResolvers<void>();
  await using test = await createTestFolder({
    root,
    wrap: (files) => ({
      ...files,
      async resolve(path) {
        const resolved = await files.resolve(path);
        if (begun.reading !== undefined && path === 'a.md') looked.resolve();
        return resolved;
      },
      async move(from, to) {
        const isMoved = await files.move(from, to);
        // Now the file has its new name, and its row the old one.
        begun.reading = test.folder.initialText(test.record('a.md').id);
        begun.reading.catch(() => undefined);
        await looked.promise;
        return isMoved;
      },
    }),
  });
  await test.folder.open(never);
  await test.folder.rename(test.record('a.md').id, 'b.md');
  expect((await begun.reading)?.text).toBe('text of a\n');
});

test('a document whose file is gone is not opened, and the answer says so', async () => {
  await using test = await createTestFolder({
    watcher: { open: () => Promise.resolve({ close: () => Promise.resolve() }) },
  });
  await writeFile(join(test.root, 'a.md'), 'text of a\n');
  await test.folder.open(never);
  const { id } = test.record('a.md');
  await rm(join(test.root, 'a.md'));
  await expect(test.folder.initialText(id)).rejects.toMatchObject({ code: 'not_found' });
});

type Armed = { swap?: () => Promise<void> };

/** With two documents; what is armed happens just before the next file is opened. */
async function folderWith(armed: Armed): Promise<TestFolder> {
  const test = await createTestFolder({
    wrap: (files) => ({
      ...files,
      async open(path) {
        const now = armed.swap;
        delete armed.swap;
        await now?.();
        return files.open(path);
      },
    }),
  });
  await writeFile(join(test.root, 'a.md'), 'text of a\n');
  await writeFile(join(test.root, 'c.md'), 'text of c\n');
  await test.folder.open(never);
  return test;
}

async function swap({ folder }: TestFolder, a: DocumentId, c: DocumentId): Promise<void> {
  await folder.rename(a, 'b.md');
  await folder.rename(c, 'a.md');
}

test('a document whose file is renamed just before it is looked at, and another one put in its place, keeps its own text', async () => {
  const armed: Armed = {};
  await using test = await folderWith(armed);
  const [a, c] = [await test.import('a.md'), await test.import('c.md')];
  armed.swap = () => swap(test, a, c);
  test.type('a.md', 'typed ');
  await eventually(() => armed.swap === undefined, 'the file to be looked at');
  await test.folder.flush('all', never);
  expect([test.texts.text(a), test.texts.text(c)]).toEqual(['typed text of a\n', 'text of c\n']);
  expect([await test.read('b.md'), await test.read('a.md')]).toEqual(['typed text of a\n', 'text of c\n']);
});

test('a document whose file is renamed just before it is read for the first time, and another one put in its place, has its own text', async () => {
  const armed: Armed = {};
  await using test = await folderWith(armed);
  const [a, c] = [test.record('a.md').id, test.record('c.md').id];
  armed.swap = () => swap(test, a, c);
  expect((await test.folder.initialText(a)).text).toBe('text of a\n');
});
