/** Files under `_assets` on several devices: what is done with them on one is so on all. */
import { createHash, randomBytes } from 'node:crypto';
import { open, rename, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { group, isConnected, SOON, type AssetDevice } from './devices.fixture.ts';

const MB = 1024 * 1024;

const meet = (one: AssetDevice, other: AssetDevice): Promise<void> =>
  expect.poll(() => isConnected(one, other) && isConnected(other, one), SOON).toBe(true);

async function alike(path: string, bytes: Uint8Array | undefined, devices: readonly AssetDevice[]): Promise<void> {
  const hash = (found: Uint8Array | undefined): string | undefined =>
    found === undefined ? undefined : createHash('sha256').update(found).digest('hex');
  for (const device of devices) await expect.poll(async () => hash(await device.bytes(path)), SOON).toBe(hash(bytes));
}

test('FILES-1 a picture that one device has is on the others, also one that comes later, and it is what it was', async () => {
  const [early, late] = [randomBytes(70_000), randomBytes(300_000)];
  await using made = await group(['laptop', 'desktop', 'box'], { '_assets/early.png': early });
  const [laptop, desktop, box] = made.devices;
  await alike('_assets/early.png', early, made.devices);
  await desktop.put('_assets/generated/late.png', late);
  await alike('_assets/generated/late.png', late, [laptop, box]);
  for (const device of made.devices)
    expect(await device.files()).toEqual(['_assets/early.png', '_assets/generated/late.png', 'page.md']);
});

test('FILES-2 what is replaced or deleted on one is so on the others, and one that was away brings nothing back', async () => {
  const [first, second, gone] = [randomBytes(5_000), randomBytes(5_000), randomBytes(6_000)];
  await using made = await group(['laptop', 'desktop', 'box'], { '_assets/a.png': first, '_assets/b.png': gone });
  const [laptop, desktop, box] = made.devices;
  await alike('_assets/b.png', gone, made.devices);
  await alike('_assets/a.png', first, made.devices);
  await box.mesh.close();
  await laptop.put('_assets/a.png', second);
  await desktop.drop('_assets/b.png');
  await alike('_assets/a.png', second, [laptop, desktop]);
  await alike('_assets/b.png', undefined, [laptop, desktop]);
  await box.restart();
  await alike('_assets/a.png', second, made.devices);
  await alike('_assets/b.png', undefined, made.devices);
  for (const device of made.devices) expect(await device.files()).toEqual(['_assets/a.png', 'page.md']);
});

test('FILES-3 of two that were put in one place apart the later one counts, and the other one is kept beside on all', async () => {
  const [base, one, two] = [randomBytes(5_000), randomBytes(5_000), randomBytes(5_000)];
  await using made = await group(['laptop', 'desktop'], { '_assets/plot.png': base });
  const [laptop, desktop] = made.devices;
  await alike('_assets/plot.png', base, made.devices);
  await desktop.mesh.close();
  await laptop.put('_assets/plot.png', one);
  await expect.poll(() => laptop.hashAt(made.id, '_assets/plot.png'), SOON).toBe(laptop.hashOf(one));
  await desktop.put('_assets/plot.png', two);
  await desktop.restart();
  await alike('_assets/plot.png', two, made.devices);
  const beside = `_assets/plot (${laptop.hashOf(one).slice(0, 8)}).png`;
  await alike(beside, one, made.devices);
  for (const device of made.devices) expect(await device.files()).toEqual([beside, '_assets/plot.png', 'page.md']);
});

test('FILES-4 a file that got another name, small or large, is not asked for again', async () => {
  const [small, large] = [randomBytes(100_000), randomBytes(6 * MB)];
  await using made = await group(['laptop', 'desktop'], { '_assets/a.png': small, '_assets/b.bin': large });
  const [laptop, desktop] = made.devices;
  await alike('_assets/a.png', small, made.devices);
  await expect.poll(() => desktop.hashAt(made.id, '_assets/b.bin'), SOON).toBe(laptop.hashOf(large));
  await (await desktop.read(made.id, '_assets/b.bin')).arrayBuffer();
  await alike('_assets/b.bin', large, made.devices);
  const asked = desktop.asked.length;
  await rename(join(laptop.folder, '_assets/a.png'), join(laptop.folder, '_assets/c.png'));
  await rename(join(laptop.folder, '_assets/b.bin'), join(laptop.folder, '_assets/d.bin'));
  await alike('_assets/a.png', undefined, made.devices);
  await alike('_assets/b.bin', undefined, made.devices);
  await alike('_assets/c.png', small, made.devices);
  await alike('_assets/d.bin', large, made.devices);
  expect(desktop.asked.slice(asked)).toEqual([]);
});

test('FILES-5 a large file comes when somebody looks, while it comes, and from then on it is there', async () => {
  const bytes = randomBytes(9 * MB);
  await using made = await group(['laptop', 'desktop'], { '_assets/film.bin': bytes, '_assets/small.png': 'x' });
  const [laptop, desktop] = made.devices;
  await alike('_assets/small.png', Buffer.from('x'), made.devices);
  await expect.poll(() => desktop.hashAt(made.id, '_assets/film.bin'), SOON).toBe(laptop.hashOf(bytes));
  expect(await desktop.bytes('_assets/film.bin')).toBeUndefined();
  const answer = await desktop.read(made.id, '_assets/film.bin');
  expect(answer.headers.get('content-length')).toBe(String(bytes.length));
  expect(answer.headers.get('content-security-policy')).toContain('sandbox');
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  await expect.poll(async () => (await desktop.bytes('_assets/film.bin'))?.equals(bytes), SOON).toBe(true);
  expect(await desktop.files()).toEqual(['_assets/film.bin', '_assets/small.png', 'page.md']);
});

test('FILES-6 a transfer that is cut goes on where it stopped', async () => {
  const bytes = randomBytes(64 * MB);
  await using made = await group(['laptop', 'desktop'], { '_assets/film.bin': bytes });
  const [laptop, desktop] = made.devices;
  await expect.poll(() => desktop.hashAt(made.id, '_assets/film.bin'), SOON).toBe(laptop.hashOf(bytes));
  const reader = (await desktop.read(made.id, '_assets/film.bin')).body?.getReader();
  await reader?.read();
  await laptop.mesh.host.disconnect(desktop.mesh.host.peerId);
  // Whoever looked is told that it is not all of it.
  await expect(
    (async () => {
      for (;;) if ((await reader?.read())?.done === true) return 'whole';
    })(),
  ).rejects.toThrow();
  expect(await desktop.bytes('_assets/film.bin')).toBeUndefined();
  expect((await desktop.files()).filter((name) => name.endsWith('.part'))).toHaveLength(1);
  await meet(laptop, desktop);
  await expect
    .poll(async () => {
      const answer = await desktop.read(made.id, '_assets/film.bin').catch(() => undefined);
      return answer === undefined ? undefined : Buffer.from(await answer.arrayBuffer()).equals(bytes);
    }, SOON)
    .toBe(true);
  await expect.poll(async () => (await desktop.bytes('_assets/film.bin'))?.equals(bytes), SOON).toBe(true);
  const froms = desktop.asked.filter(({ path }) => path === '_assets/film.bin').map(({ from }) => from);
  expect(froms[0]).toBe(0);
  expect(froms.at(-1)).toBeGreaterThan(0);
});

test('FILES-7 a device whose bytes are not what it says is found out, and the next one is asked', async () => {
  const [film, forged] = [randomBytes(6 * MB), randomBytes(6 * MB)];
  await using made = await group(['laptop', 'desktop', 'box'], { '_assets/film.bin': film });
  const [laptop, desktop, box] = made.devices;
  for (const other of [desktop, box])
    await expect.poll(() => other.hashAt(made.id, '_assets/film.bin'), SOON).toBe(laptop.hashOf(film));
  // It keeps size, time and inode, so that the laptop itself does not notice.
  await forge(laptop, '_assets/film.bin', forged);
  const read = async (): Promise<unknown> => {
    try {
      return Buffer.from(await (await box.read(made.id, '_assets/film.bin')).arrayBuffer()).equals(film);
    } catch (error) {
      return error;
    }
  };
  const askedOf = (device: AssetDevice): number => box.asked.filter(({ of }) => of === device.trust.deviceId).length;
  expect(await read()).toBeInstanceOf(Error);
  expect(await box.files()).not.toContain('_assets/film.bin');
  // Who reads is told at once; then the next one is asked, as soon as it is connected.
  const asked = async (): Promise<readonly number[]> => {
    if (askedOf(desktop) === 0) await read();
    return [askedOf(laptop), askedOf(desktop)];
  };
  await expect.poll(asked, SOON).toEqual([1, 1]);
  await expect.poll(read, SOON).toMatchObject({ code: 'not_found' });
  expect(askedOf(laptop)).toBe(1);
  // The desktop gets it from elsewhere.
  await desktop.put('_assets/film.bin', film);
  await expect.poll(read, SOON).toBe(true);
  await expect.poll(async () => (await box.bytes('_assets/film.bin'))?.equals(film), SOON).toBe(true);
  expect(askedOf(laptop)).toBe(1);
});

test('FILES-8 a picture elsewhere in the folder comes when a page shows it; other files stay where they are', async () => {
  const picture = randomBytes(20_000);
  await using made = await group(['laptop', 'desktop'], { 'img/cat.png': picture, 'data/table.csv': 'a,b\n' });
  const [laptop, desktop] = made.devices;
  const answer = await desktop.read(made.id, 'img/cat.png');
  expect(Buffer.from(await answer.arrayBuffer()).equals(picture)).toBe(true);
  await expect(desktop.read(made.id, 'data/table.csv')).rejects.toMatchObject({ code: 'not_found' });
  expect(await desktop.files()).toEqual(['img/cat.png', 'page.md']);
  const other = randomBytes(10_000);
  await laptop.put('img/cat.png', other);
  await alike('img/cat.png', other, made.devices);
});

test('FILES-9 a file that no device here has is said to be on another one, and what is asked for is never outside', async () => {
  const bytes = randomBytes(5 * MB);
  await using made = await group(['laptop', 'desktop'], { '_assets/film.bin': bytes });
  const [laptop, desktop] = made.devices;
  await expect.poll(() => desktop.hashAt(made.id, '_assets/film.bin'), SOON).toBe(laptop.hashOf(bytes));
  await laptop.mesh.close();
  await expect.poll(() => isConnected(desktop, laptop), SOON).toBe(false);
  await expect(desktop.read(made.id, '_assets/film.bin')).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('on another of your devices'),
  });
  for (const path of ['../page.md', '/etc/passwd', '_assets/../../x.png', '_assets/..', '.markco/x.png', 'a\0.png'])
    await expect(desktop.read(made.id, path)).rejects.toMatchObject({ code: 'not_found' });
});

test('FILES-10 links are neither listed nor written through', async () => {
  await using made = await group(['laptop', 'desktop'], { '_assets/real.png': 'real' });
  const [laptop, desktop] = made.devices;
  await alike('_assets/real.png', Buffer.from('real'), made.devices);
  await symlink('/etc/hostname', join(laptop.folder, '_assets/leads-out.png'));
  await symlink(desktop.home, join(desktop.folder, '_assets/sub'));
  await laptop.put('_assets/sub/x.png', 'through');
  await laptop.put('_assets/after.png', 'after');
  await alike('_assets/after.png', Buffer.from('after'), made.devices);
  await expect.poll(() => desktop.hashAt(made.id, '_assets/sub/x.png'), SOON).toBe(laptop.hashOf('through'));
  await expect(desktop.read(made.id, '_assets/sub/x.png')).rejects.toThrow();
  expect(await desktop.bytes('_assets/leads-out.png')).toBeUndefined();
  expect(await desktop.homeFiles()).not.toContain('x.png');
  expect((await desktop.homeFiles()).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('who lost the connection for a moment opens each stream once, and keeps it', async () => {
  await using made = await group(['laptop', 'desktop'], { '_assets/a.png': 'a' });
  const [laptop, desktop] = made.devices;
  await alike('_assets/a.png', Buffer.from('a'), made.devices);
  const opened = (): number => laptop.opened.length + desktop.opened.length;
  const before = opened();
  await laptop.mesh.host.disconnect(desktop.mesh.host.peerId);
  // They may have found each other again before anybody can look.
  await expect.poll(opened, SOON).toBeGreaterThan(before);
  await meet(laptop, desktop);
  // A deletion is believed after two seconds: longer than it takes to open a stream again.
  await laptop.drop('_assets/a.png');
  await alike('_assets/a.png', undefined, made.devices);
  expect(opened() - before).toBe(before);
});

async function forge(device: AssetDevice, path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(join(device.folder, path), 'r+');
  const { atime, mtime } = await file.stat();
  await file.write(bytes);
  await utimes(join(device.folder, path), atime, mtime);
  expect((await file.stat()).mtimeMs).toBe(mtime.getTime());
}
