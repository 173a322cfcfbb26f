/** What a download does with devices that stop, lie or lack the file. */
import { newId, type DeviceId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { downloadsFrom, holder, KB, lacks, pipe, rowOf, sends, test } from './download.fixture.ts';
import { partPath } from './part.ts';
import { serveAsset } from './transfer.ts';

test('what one device began another one finishes, from where it stopped', async ({ place }) => {
  const here = await place();
  const bytes = randomBytes(300 * KB);
  const row = rowOf(bytes);
  await here.list.take([row], row.named.by);
  const [first, second] = [sends(bytes, 160 * KB), sends(bytes)];
  await downloadsFrom([lacks(), first, second]).begin(here.list, row, true).done;
  expect([first.asked, second.asked]).toEqual([[0], [160 * KB]]);
  expect(await readFile(join(here.root, row.path))).toEqual(bytes);
  expect(await here.parts()).toEqual([]);
  expect(here.list.missing()).toEqual([]);
});

test('what is left of an earlier start is gone on with, and wrong rests are found out', async ({ place }) => {
  const here = await place();
  const bytes = randomBytes(200 * KB);
  const row = rowOf(bytes);
  await here.list.take([row], row.named.by);
  await writeFile(join(here.root, partPath(row)), bytes.subarray(0, 64 * KB));
  const good = sends(bytes);
  await downloadsFrom([good]).begin(here.list, row, true).done;
  expect(good.asked).toEqual([64 * KB]);

  const other = randomBytes(200 * KB);
  const next = rowOf(other, '_assets/other.bin');
  await here.list.take([next], next.named.by);
  await writeFile(join(here.root, partPath(next)), bytes.subarray(0, 64 * KB));
  const again = sends(other);
  await downloadsFrom([again]).begin(here.list, next, true).done;
  expect(again.asked).toEqual([64 * KB, 0]);
  expect(await readFile(join(here.root, next.path))).toEqual(other);
});

test('a liar that sends a part and stops spoils nothing for those who do not lie, and no wrong byte gets a name', async ({
  place,
}) => {
  const here = await place();
  const [bytes, lies] = [randomBytes(200 * KB), randomBytes(200 * KB)];
  const row = rowOf(bytes);
  await here.list.take([row], row.named.by);
  const [liar, good] = [sends(lies, 96 * KB), sends(bytes)];
  const downloads = downloadsFrom([liar, good]);
  const download = downloads.begin(here.list, row, true);
  await download.done;
  expect(good.asked).toEqual([96 * KB, 0]);
  expect(await readFile(join(here.root, row.path))).toEqual(bytes);
});

test('who sent all of it wrong, or more, or of another size, is not asked for these bytes again', async ({ place }) => {
  const here = await place();
  const bytes = randomBytes(100 * KB);
  const row = rowOf(bytes);
  await here.list.take([row], row.named.by);
  const liars = [
    sends(randomBytes(100 * KB)),
    sends(randomBytes(150 * KB), 150 * KB, 100 * KB),
    sends(bytes.subarray(0, 90 * KB)),
    holder((stream) => stream.sendText('{"op":"have","size":-1}')),
    holder((stream) => stream.sendBytes(new Uint8Array(10))),
  ];
  const downloads = downloadsFrom(liars);
  await expect(downloads.begin(here.list, row, true).done).rejects.toMatchObject({ code: 'not_found' });
  await expect(downloads.begin(here.list, row, true).done).rejects.toMatchObject({ code: 'not_found' });
  expect(liars.map(({ asked }) => asked)).toEqual(liars.map(() => [0]));
  expect(await readdir(join(here.root, '_assets'))).toEqual(await here.parts());
});

test('a device sends no more than the window ahead of what was taken, and nothing of a project it does not share', async ({
  place,
}) => {
  const here = await place();
  await writeFile(join(here.root, '_assets/film.bin'), Buffer.alloc(32 * 1024 * KB, 7));
  const old = new Date(Date.now() - 60_000);
  await utimes(join(here.root, '_assets/film.bin'), old, old);
  await here.list.scan();
  const hash = here.list.row('_assets/film.bin')?.hash;
  const ask = JSON.stringify({ op: 'get', projectId: here.list.projectId, hash, from: 0 });
  const [mine, theirs] = pipe();
  let got = 0;
  let quiet = Promise.withResolvers<void>();
  mine.onMessage((message) => {
    got += typeof message === 'string' ? 0 : message.length;
    if (got > 8 * 1024 * KB - 256 * KB) quiet.resolve();
  });
  serveAsset(
    theirs,
    () => here.list,
    (_, cause) => quiet.reject(cause),
  );
  mine.sendText(ask);
  await quiet.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toBeLessThanOrEqual(8 * 1024 * KB);
  quiet = Promise.withResolvers();
  const before = got;
  mine.sendText(JSON.stringify({ op: 'taken', bytes: 4 * 1024 * KB }));
  await expect.poll(() => got).toBe(before + 4 * 1024 * KB);
  mine.close();

  const [asker, other] = pipe();
  const answer = new Promise((resolve) => asker.onMessage(resolve));
  serveAsset(
    other,
    () => undefined,
    () => undefined,
  );
  asker.sendText(ask);
  expect(await answer).toBe('{"op":"absent"}');
});

test('what somebody waits for comes before what comes by itself, and never more at once than a device takes', async ({
  place,
}) => {
  const here = await place();
  const rows = Array.from({ length: 60 }, (_, at) => rowOf(randomBytes(KB), `_assets/${at}.bin`));
  const by = newId<DeviceId>({ now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) });
  await here.list.take(rows, by);
  let [open, most] = [0, 0];
  const source = holder((stream) => {
    most = Math.max(most, ++open);
    setImmediate(() => {
      open--;
      stream.sendText('{"op":"absent"}');
    });
  });
  const downloads = downloadsFrom([source]);
  const over: number[] = [];
  const all = rows.map(async (row, at) => {
    const { done } = downloads.begin(here.list, row, at >= 30);
    await done.catch(() => over.push(at));
  });
  // Nobody waited for this one when it was asked for first.
  const [wished] = rows.slice(29);
  if (wished !== undefined) downloads.begin(here.list, wished, true);
  await Promise.all(all);
  expect(over.toSorted((a, b) => a - b)).toEqual(rows.map((_, at) => at));
  expect(most).toBeLessThanOrEqual(12);
  expect(most).toBeGreaterThan(4);
  expect(over.indexOf(29)).toBeLessThan(over.indexOf(10));
});
