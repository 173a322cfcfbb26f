/** A disk that failed once is not believed afterwards. */
import { createHash, randomBytes } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { createDiskFiles } from '../../files/files-disk.ts';
import { KB, rowOf, test } from './download.fixture.ts';
import { openPart } from './part.ts';

test('after a sync that failed nothing of a file counts, although the next one says that all is well', async ({
  place,
}) => {
  const { root } = await place();
  const bytes = randomBytes(300 * KB);
  const other = await open(join(root, 'other'), 'w');
  await other.close();
  const sync = vi.spyOn(Object.getPrototypeOf(other) as FileHandle, 'sync');
  sync.mockRejectedValueOnce(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
  const part = await openPart(root, createDiskFiles(root), rowOf(bytes));
  try {
    await part.append([bytes]);
    await expect(part.finish()).rejects.toThrow();
    expect([part.length, part.beginnings]).toEqual([0, 1]);
    await part.append([bytes]);
    expect(await part.finish()).toBe(createHash('sha256').update(bytes).digest('hex'));
  } finally {
    await part.close();
    sync.mockRestore();
  }
});
