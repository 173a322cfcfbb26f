/** Files that have more than one name. */
import { link, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTestFolder, never } from './folder.fixture.ts';

test('a linked file is edited through its link', async () => {
  await using t = await createTestFolder();
  await mkdir(join(t.root, '_assets'));
  await writeFile(join(t.root, '_assets', 'real.txt'), 'real\n');
  await symlink('_assets/real.txt', join(t.root, 'link.md'));
  await t.folder.open(never);
  const id = await t.import('link.md');
  t.type('link.md', 'new ');
  await t.folder.flush([id], never);
  expect((await lstat(join(t.root, 'link.md'))).isSymbolicLink()).toBe(true);
  expect(await readlink(join(t.root, 'link.md'))).toBe('_assets/real.txt');
  expect(await t.read('_assets/real.txt')).toBe('new real\n');
});

test('a file with a second hard link is replaced whole, and its other name keeps the old text', async () => {
  await using t = await createTestFolder();
  await writeFile(join(t.root, 'a.md'), 'text\n');
  await link(join(t.root, 'a.md'), join(t.root, 'other.txt'));
  await t.folder.open(never);
  const id = await t.import('a.md');
  t.type('a.md', 'new ');
  await t.folder.flush([id], never);
  t.type('a.md', 'newer ');
  await t.folder.flush([id], never);
  expect([await t.read('a.md'), await t.read('other.txt')]).toEqual(['newer new text\n', 'text\n']);
  expect(t.events.filter(({ type }) => type === 'links-parted')).toEqual([
    { type: 'links-parted', id, filePath: 'a.md', others: 1 },
  ]);
});
