/** The disk is full while a file comes from another device. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { downloadsFrom, KB, rowOf, sends, test } from '@markco/node/mesh/assets/download.fixture';
import { smallDisk } from '../small-disk.ts';

test('a full disk says so and leaves nothing half; with room again it comes', async ({ place, skip }) => {
  const disk = await smallDisk(4 * 1024 * KB);
  if (disk === undefined) return skip('no file system can be mounted here');
  await using small = disk;
  const root = await realpath(small.folder);
  const here = await place(root);
  const bytes = randomBytes(1024 * KB);
  const row = rowOf(bytes);
  await here.list.take([row], row.named.by);
  await small.fill(256 * KB);
  const good = sends(bytes);
  const downloads = downloadsFrom([good]);
  await expect(downloads.begin(here.list, row, true).done).rejects.toMatchObject({ code: 'disk_full' });
  expect(await readdir(join(root, '_assets'))).toEqual([]);
  await small.free();
  await downloads.begin(here.list, row, true).done;
  expect((await readFile(join(root, row.path))).equals(bytes)).toBe(true);
});
