/** Rows of a device that means harm: names, sizes and stamps that no honest device would tell. */
import { newId, type DeviceId, type ProjectId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDiskFiles } from '../../files/files-disk.ts';
import { HOSTILE_NAMES } from '../../files/hostile-names.fixture.ts';
import { openLevelStore } from '@markco/replica/store/level';
import { createDownloads, type Source } from './download.ts';
import { openAssetList } from './list.ts';
import { AssetRowSchema, isAssetPath } from './row.ts';

const ids = { now: () => Date.now(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const named = { at: 1, by: newId<DeviceId>(ids) };

test('of 900 hostile names none is written outside of the folder, and what is refused is not remembered', async () => {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'markco-hostile-')));
  const root = join(home, 'inner', 'project');
  await mkdir(root, { recursive: true });
  const store = await openLevelStore(join(home, 'store'));
  try {
    const list = await openAssetList({
      ...{ projectId: newId<ProjectId>(ids), root, files: createDiskFiles(root), store, device: named.by },
      ...{ now: ids.now, onTrouble: () => undefined },
    });
    const names = HOSTILE_NAMES.flatMap((name) => [name, `_assets/${name}`, `_assets/${name}.png`, `${name}.png`]);
    const rows = names
      .map((path) => ({ path, hash: EMPTY, size: 0, named, replaced: [] }))
      .filter((row) => AssetRowSchema.safeParse(row).success);
    await list.take(rows, named.by);
    const taken = list.missing();
    expect(taken.length).toBeGreaterThan(50);
    expect(taken.every(({ path }) => isAssetPath(path))).toBe(true);
    expect([...list.rows()].length).toBe(taken.length);
    const source: Source = { device: named.by, open: () => Promise.reject(new Error('an empty file needs nobody')) };
    const downloads = createDownloads({ sources: () => [source], onAsk: () => undefined, onTrouble: () => undefined });
    await Promise.allSettled(taken.map((row) => downloads.begin(list, row, false).done));
    expect(await readdir(home)).toEqual(['inner', 'store']);
    expect(await readdir(join(home, 'inner'))).toEqual(['project']);
    const written = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(written.length).toBeGreaterThan(50);
    for (const entry of written) {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      expect(isAssetPath(path), path).toBe(true);
    }
    await list.close();
  } finally {
    await store.close();
    await rm(home, { recursive: true, force: true });
  }
});

test('a name is an asset only in its one spelling: no document, nothing hidden, and elsewhere a picture only', () => {
  const accepted = ['_assets/a.png', '_assets/generated/x.bin', '_assets/b/c/no-extension', 'img/cat.JPG', 'été.png'];
  const refused = [
    '_assets',
    '_assets/',
    '_assets/a.md',
    '_assets/.x.png',
    'data.csv',
    'script.py',
    'e\u0301te\u0301.png',
  ];
  expect(accepted.filter(isAssetPath)).toEqual(accepted);
  expect(refused.filter(isAssetPath)).toEqual([]);
});

test.each([
  ['a size below nothing', { size: -1 }],
  ['a size that is no number', { size: Number.NaN }],
  ['a hash that is none', { hash: '../../x' }],
  ['a hash in capitals', { hash: EMPTY.toUpperCase() }],
  ['a stamp of nobody', { named: { at: 1, by: 'x' } }],
  ['a past without an end', { replaced: Array.from({ length: 9 }, () => EMPTY) }],
])('a row is refused for %s', (_, wrong) => {
  const row = { path: '_assets/a.png', hash: EMPTY, size: 0, named, replaced: [] };
  expect(AssetRowSchema.safeParse(row).success).toBe(true);
  expect(AssetRowSchema.safeParse({ ...row, ...wrong }).success).toBe(false);
});
