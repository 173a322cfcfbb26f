/** Copies of files at the cloud: verified, kept once, and bounded. */
import { newId, type ProjectId } from '@markco/protocol';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createCopies } from './copies.ts';

const project = newId<ProjectId>({ now: Date.now, randomBytes });
const other = newId<ProjectId>({ now: Date.now, randomBytes });
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function start(bytesMax?: number) {
  const { store } = createSimulatedDisk();
  const clock = { now: 1 };
  const copies = createCopies({
    ...{ store, now: () => clock.now++, log: { write: (batch) => store.write(batch, { sync: true }) } },
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  const put = (path: string, bytes: Uint8Array): Promise<void> => copies.put(project, path, hashOf(bytes), bytes);
  const offer = (files: Readonly<Record<string, Uint8Array>>): Promise<readonly string[]> =>
    copies.offer(
      project,
      Object.entries(files).map(([path, bytes]) => ({ path, contentHash: hashOf(bytes), sizeBytes: bytes.length })),
    );
  return { copies, clock, put, offer, store };
}

test('bytes are taken once, by what they are, and are their project\u2019s alone', async () => {
  const { copies, put, offer } = start();
  const [one, two] = [randomBytes(10), randomBytes(10)];
  expect(await offer({ '_assets/a.png': one, 'b c.csv': two })).toEqual(['_assets/a.png', 'b c.csv']);
  await put('_assets/a.png', one);
  await expect(copies.put(project, 'b c.csv', hashOf(two), one)).rejects.toMatchObject({ code: 'bad_request' });
  expect(await offer({ '_assets/a.png': one, 'b c.csv': two, 'again/a.png': one })).toEqual(['b c.csv']);
  expect(Buffer.from((await copies.read(project, 'again/a.png'))?.bytes ?? []).equals(one)).toBe(true);
  expect(await copies.read(other, '_assets/a.png')).toBeUndefined();
  expect(await copies.read(project, 'b c.csv')).toBeUndefined();
});

test('what no project may hold is not taken', async () => {
  const { put, offer, copies } = start();
  for (const path of ['../a.png', '/a.png', '.env', 'a/.git/x', 'page.md', 'a//b.png', '']) {
    await expect(put(path, randomBytes(1))).rejects.toMatchObject({ code: 'bad_request' });
    expect(await offer({ [path]: randomBytes(1) })).toEqual([]);
    expect(await copies.read(project, path)).toBeUndefined();
  }
});

test('at its bound the one that was named longest ago goes, and bytes that nothing names go with it', async () => {
  const { copies, clock, put, offer, store } = start(30);
  const files = ['a', 'b', 'c', 'd'].map(() => randomBytes(10));
  const [a, b, c, d] = files as [Buffer, Buffer, Buffer, Buffer];
  await put('a.png', a);
  await put('b.png', b);
  await put('c.png', c);
  clock.now += 2 * 24 * 3_600_000;
  expect(await offer({ 'a.png': a })).toEqual([]);
  await put('d.png', d);
  expect([...(await copies.list(project)).keys()].toSorted()).toEqual(['a.png', 'c.png', 'd.png']);
  // One that is replaced leaves no bytes behind.
  await put('c.png', a);
  let rows = 0;
  for await (const [,] of store.range({ gte: Buffer.from('bbytes'), lt: Buffer.from('bbytet') })) rows++;
  expect([(await copies.list(project)).size, rows]).toEqual([3, 2]);
});
