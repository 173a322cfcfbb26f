/** A document that is opened while its file is being renamed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTestFolder, never, type TestFolder } from './folder.fixture.ts';

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
