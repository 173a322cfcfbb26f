import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { lstatSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createTestFolder, never, PROJECT } from './folder.fixture.ts';
import { createDiskFiles } from './files-disk.ts';
import { folderOf, isSameFile } from './files.ts';
import { HOSTILE_NAMES } from './hostile-names.fixture.ts';

const SCALE = Number(process.env.MARKCO_TRIALS ?? 1);

test('R8 a reader never sees a part of a file', async ({ annotate }) => {
  const root = await mkdtemp(join(tmpdir(), 'markco-atomic-'));
  try {
    const files = createDiskFiles(root);
    const whole = (n: number): Buffer =>
      Buffer.from(`${n}:`.padEnd(8, '.') + String(n % 10).repeat(3_000 + (n % 7) * 1_000) + '\n');
    await writeFile(join(root, 'a.md'), whole(0));
    const reader = new Worker(new URL('./atomic-reader.fixture.ts', import.meta.url), {
      workerData: join(root, 'a.md'),
    });
    const finished = new Promise<{ reads: number; torn: number }>((resolve, reject) => {
      reader.on('message', (message: { reads: number; torn: number }) => resolve(message));
      reader.on('error', reject);
    });
    await new Promise((resolve) => reader.once('online', resolve));
    const startedAt = performance.now();
    const writes = Math.ceil(10_000 * SCALE);
    for (let n = 1; n <= writes; n++) {
      const there = await files.stat('a.md');
      await files.writeNew('.t.tmp', whole(n), there);
      expect(await files.replace('.t.tmp', 'a.md', (now) => isSameFile(now, there))).toBe(true);
      await files.syncFolder(folderOf('a.md'));
    }
    const took = performance.now() - startedAt;
    reader.postMessage(100_000 * SCALE);
    const { reads, torn } = await finished;
    await reader.terminate();
    await annotate(
      `${writes} atomic writes in ${(took / 1000).toFixed(1)} s (${(took / writes).toFixed(2)} ms each), ${reads} reads, ${torn} torn`,
    );
    expect(reads).toBeGreaterThanOrEqual(100_000 * SCALE);
    expect(torn).toBe(0);
    expect(await readdir(root)).toEqual(['a.md']);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}, 180_000);

test('T13 no name makes MarkCo write outside of its folder', async () => {
  await using t = await createTestFolder();
  const parent = join(t.root, '..');
  const before = (await readdir(parent)).length;
  await t.folder.open(never);
  expect(HOSTILE_NAMES.length).toBeGreaterThanOrEqual(300);
  let refused = 0;
  for (const name of HOSTILE_NAMES) {
    for (const path of [name, `${name}.md`]) {
      const record = await t.folder.create(path, 'text').catch((error: unknown) => error);
      if (record instanceof Error) {
        expect(record).toMatchObject({
          name: 'Failure',
          code: expect.stringMatching(/^(bad_request|conflict|storage_failed)$/),
        });
        refused++;
      }
    }
  }
  const inside = (await readdir(t.root, { recursive: true })).filter(
    (name) => name.endsWith('.md') || name.endsWith('.qmd'),
  ).length;
  expect(inside + refused).toBe(HOSTILE_NAMES.length * 2);
  expect(inside).toBe([...t.catalog.list(PROJECT)].length);
  expect((await readdir(parent)).length).toBe(before);
});

test('T13 a folder that is swapped for a link, again and again, lets nothing out', async ({ annotate }) => {
  const outside = await mkdtemp(join(tmpdir(), 'markco-outside-'));
  const root = await mkdtemp(join(tmpdir(), 'markco-inside-'));
  try {
    const files = createDiskFiles(root);
    await mkdir(join(root, 'sub'));
    await writeFile(join(root, 'sub', 'a.md'), 'inside');
    await writeFile(join(outside, 'a.md'), 'outside');
    let isOver = false;
    let swaps = 0;
    /** Every tenth write has the folder to itself, and every tenth only the link: both ends are met for certain. */
    let rest: 'folder' | 'link' | undefined;
    const turn = async (as: 'folder' | 'link'): Promise<void> => {
      do await new Promise((resolve) => void setImmediate(resolve));
      while (rest === as && !isOver);
    };
    const swap = async (): Promise<void> => {
      while (!isOver) {
        renameSync(join(root, 'sub'), join(root, 'hidden'));
        symlinkSync(outside, join(root, 'sub'));
        await turn('link');
        unlinkSync(join(root, 'sub'));
        renameSync(join(root, 'hidden'), join(root, 'sub'));
        swaps++;
        await turn('folder');
      }
    };
    const isLink = (): boolean => lstatSync(join(root, 'sub')).isSymbolicLink();
    const swapping = swap();
    let written = 0;
    let refused = 0;
    let leaked = 0;
    for (let i = 0; i < 1_000 * SCALE; i++) {
      const temp = `sub/.${randomBytes(4).toString('hex')}.tmp`;
      rest = i % 10 === 0 ? 'folder' : i % 10 === 5 ? 'link' : undefined;
      while (rest !== undefined && isLink() !== (rest === 'link'))
        await new Promise((resolve) => void setImmediate(resolve));
      try {
        await files.writeNew(temp, Buffer.from(`${i}`), undefined);
        if (await files.replace(temp, 'sub/a.md', () => true)) written++;
        await files.move('sub/a.md', `sub/deep/${i}.md`);
        await files.move(`sub/deep/${i}.md`, 'sub/a.md');
      } catch {
        refused++;
      }
      const open = await files.open('sub/a.md').catch(() => undefined);
      if (open !== undefined && Buffer.from((await open.read(100)) ?? []).toString() === 'outside') leaked++;
      await open?.close();
    }
    isOver = true;
    await swapping;
    await annotate(`${swaps} swaps, ${written} writes inside, ${refused} refused, 0 outside`);
    expect(await readdir(outside)).toEqual(['a.md']);
    expect(await readFile(join(outside, 'a.md'), 'utf8')).toBe('outside');
    expect([leaked, written > 0, refused > 0]).toEqual([0, true, true]);
  } finally {
    await rm(root, { recursive: true, force: true });
    await rm(outside, { recursive: true, force: true });
  }
});

test('T13 a file that becomes a link out of the folder is neither read nor written through', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'markco-outside-'));
  await using t = await createTestFolder();
  try {
    await writeFile(join(outside, 'secret.md'), 'secret');
    await writeFile(join(t.root, 'a.md'), 'mine\n');
    await t.folder.open(never);
    const id = await t.import('a.md');
    await symlink(join(outside, 'secret.md'), join(t.root, 'link'));
    await rename(join(t.root, 'link'), join(t.root, 'a.md'));
    t.type('a.md', 'typed ');
    await expect(t.folder.flush([id], never)).rejects.toMatchObject({ code: 'conflict' });
    expect(await readFile(join(outside, 'secret.md'), 'utf8')).toBe('secret');
    expect(t.texts.text(id)).toBe('typed mine\n');
    await unlink(join(t.root, 'a.md'));
    await writeFile(join(t.root, 'a.md'), 'mine\n');
    await t.folder.flush([id], never);
    expect(await t.read('a.md')).toBe('typed mine\n');
  } finally {
    await rm(outside, { recursive: true, force: true });
  }
});
