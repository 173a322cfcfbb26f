import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDiskWatch, measureFolders } from './disk-watch.ts';

const MB = 1024 * 1024;

/** Looks as often as there are sizes, and answers what was said after each. */
async function said(sizes: readonly (number | null)[], bytesMax = 10 * MB): Promise<readonly (string | null)[]> {
  let at = 0;
  let looks = 0;
  const watch = createDiskWatch({ bytesMax, measure: async () => sizes[looks++] ?? null, now: () => at });
  const words: (string | null)[] = [];
  for (let count = 0; count < sizes.length; count++) {
    watch.full();
    await new Promise((resolve) => setImmediate(resolve));
    words.push(watch.full());
    at += 2_000;
  }
  expect(looks).toBe(sizes.length);
  return words;
}

test('a run that takes a project over its bound is to end, and so is one that fills it further; others go on', async () => {
  const words = await said([9 * MB, 10 * MB, 12 * MB, 12 * MB, 12.5 * MB, 14 * MB, 6 * MB, 9 * MB].map(Math.floor));
  expect(words.map((each) => each !== null)).toEqual([false, false, true, false, false, true, false, false]);
  expect(words[2]).toBe(
    'This project fills 12 MB of the disk, and the most that a project may fill here is 10 MB. So this run was ended. Delete files that you do not need, with a cell: runs that only read and delete go on.',
  );
  // What was over before the first look may be deleted by the run that is on.
  expect(await said([20 * MB, 15 * MB])).toEqual([null, null]);
  expect(await said([Number.POSITIVE_INFINITY, null])).toEqual([expect.stringContaining('more files than'), null]);
});

test('what folders take of the disk is counted, each file once, and a folder that is not there is nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'markco-disk-'));
  await writeFile(join(folder, 'one'), Buffer.alloc(3 * MB, 1));
  const bytes = (await measureFolders([folder, join(folder, 'none')])) ?? 0;
  expect(bytes >= 3 * MB && bytes < 4 * MB).toBe(true);
  expect(await measureFolders([join(folder, 'none')])).toBe(0);
  await rm(folder, { recursive: true });
});
