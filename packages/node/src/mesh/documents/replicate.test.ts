/** Two devices, one project: what is done on either is on both, whatever was apart meanwhile. */
import { CONTROL_CHANNEL, decodeEntries, decodeToDevice, type ProjectId } from '@markco/protocol';
import { OPENER } from '@markco/replica/replicate/messages';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connect, replicaDevice, type ReplicaDevice } from './device.fixture.ts';

/** A few hundred files, each synced, on a disk that is busy. */
const SOON = { timeout: 45_000, interval: 50 };

/** Both have the same documents, texts and files. */
async function alike(projectId: ProjectId, ...devices: readonly ReplicaDevice[]): Promise<void> {
  const state = async (device: ReplicaDevice) => {
    const rows = [...device.catalog.list(projectId)].map(({ path, ext, id }) => [`${path}${ext}`, id] as const);
    const texts = await Promise.all(
      rows.map(async ([file, id]) => [file, id, (await device.documents.read(id)).text, await device.file(file)]),
    );
    return texts.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  };
  const count = (device: ReplicaDevice): number => [...device.catalog.list(projectId)].length;
  await expect
    .poll(async () => {
      if (new Set(devices.map(count)).size > 1) return false;
      const [first, ...others] = await Promise.all(devices.map(state));
      const isWritten = (first ?? []).every(([, , text, file]) => text === file);
      return isWritten && others.every((other) => JSON.stringify(other) === JSON.stringify(first));
    }, SOON)
    .toBe(true);
}

test('a project that was joined has every document, and an edit on either is on both', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const id = await a.open({ 'one.md': '# One\n', 'two.md': '# Two', 'deep/three.md': '# Three\n' });
  const wire = connect(a, b);
  await b.join(await b.hears());
  await alike(id, a, b);
  expect([...b.catalog.list(id)]).toHaveLength(3);
  expect(await b.file('one.md')).toBe('# One\n');
  const one = a.idOf(id, 'one.md');
  await a.type(one, 0, 'from a ');
  await b.type(one, 0, 'from b ');
  await alike(id, a, b);
  expect(await b.file('one.md')).toMatch(/from a .*One/);
  expect(await a.file('one.md')).toMatch(/from b .*One/);
  await expect.poll(() => a.held.get(one) === a.rooms.peek(one)?.seq, SOON).toBe(true);
  wire.cut();
  expect([a.troubles, b.troubles]).toEqual([[], []]);
});

test('edits, new documents, names and deletions of two devices that were apart meet', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const id = await a.open({ 'one.md': '# One\n', 'two.md': '# Two\n', 'three.md': '# Three\n', 'four.md': '# Four\n' });
  const first = connect(a, b);
  await b.join(await b.hears());
  await alike(id, a, b);
  first.cut();

  await a.type(a.idOf(id, 'one.md'), 0, 'A');
  await b.type(b.idOf(id, 'one.md'), 0, 'B');
  await a.projects.create(id, 'same', '.md', 'made on a\n');
  await b.projects.create(id, 'same', '.md', 'made on b\n');
  await a.projects.move(id, a.idOf(id, 'two.md'), 'renamed on a', '.md');
  await b.type(b.idOf(id, 'two.md'), 0, 'edited under its old name ');
  await b.projects.remove(id, b.idOf(id, 'three.md'));
  await a.type(a.idOf(id, 'three.md'), 0, 'edited while it was deleted ');
  await a.projects.move(id, a.idOf(id, 'four.md'), 'four on a', '.md');
  await b.projects.move(id, b.idOf(id, 'four.md'), 'four on b', '.md');

  connect(a, b);
  await expect.poll(() => a.catalog.byPath(id, 'three.md'), SOON).toBeUndefined();
  await alike(id, a, b);
  const names = [...a.catalog.list(id)].map(({ path }) => path).toSorted();
  expect(names).toEqual(['four on b', 'one', 'renamed on a', 'same', 'same 2']);
  expect(await b.file('renamed on a.md')).toBe('edited under its old name # Two\n');
  expect((await a.file('one.md')).length).toBe('AB# One\n'.length);
  expect([await a.file('same.md'), await a.file('same 2.md')].toSorted()).toEqual(['made on a\n', 'made on b\n']);
  expect([a.troubles, b.troubles]).toEqual([[], []]);
});

test('what other programs do to the folder of one is done in the folder of the other', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const id = await a.open({ 'one.md': '# One\n' });
  connect(a, b);
  await b.join(await b.hears());
  await alike(id, a, b);
  await b.write('new.md', '# New\n');
  await expect.poll(() => a.file('new.md'), SOON).toBe('# New\n');
  await b.write('one.md', '# One\n\nmore\n');
  await expect.poll(() => a.file('one.md'), SOON).toBe('# One\n\nmore\n');
  await alike(id, a, b);
});

test('a line of three devices carries an edit from one end to the other', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  await using c = await replicaDevice();
  const id = await a.open({ 'one.md': '# One\n' });
  connect(a, b);
  await b.join(await b.hears());
  await alike(id, a, b);
  connect(b, c);
  await c.join(await c.hears());
  await alike(id, a, b, c);
  await c.type(c.idOf(id, 'one.md'), 0, 'from c ');
  await a.projects.create(id, 'made', '.md', 'on a\n');
  await alike(id, a, b, c);
  expect(await a.file('one.md')).toBe('from c # One\n');
  expect(await c.file('made.md')).toBe('on a\n');
});

test('coming back with nothing changed says one message a side, with three of a thousand changed it says little', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const files = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, n) => [`${n}.md`, `# Page ${n}\n\n${'text '.repeat(40)}\n`]),
  );
  const id = await a.open(files);
  const first = connect(a, b);
  await b.join(await b.hears());
  const written = (): number => [...b.catalog.list(id)].filter(({ file }) => (file?.seq ?? 0) > 0).length;
  await expect.poll(written, { timeout: 60_000, interval: 100 }).toBe(1_000);
  first.cut();
  const still = connect(a, b);
  await expect.poll(() => still.messages, SOON).toBe(2);
  await a.quiet();
  await b.quiet();
  expect([still.messages, still.bytes < 2_048]).toEqual([2, true]);
  still.cut();
  for (const n of [3, 500, 999]) await a.type(a.idOf(id, `${n}.md`), 0, 'new ');
  const back = connect(a, b);
  for (const n of [3, 500, 999]) await expect.poll(() => b.file(`${n}.md`), SOON).toMatch(/^new # Page/);
  console.log(`  three of a thousand changed: ${back.bytes} bytes in ${back.messages} messages`);
  expect(back.bytes).toBeLessThan(64 * 1024);
});

test('what was on its way when a document was closed for the time being comes after all', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const id = await a.open({ 'one.md': '# One\n' });
  const isClose = (message: Uint8Array | string): boolean =>
    typeof message !== 'string' &&
    decodeEntries(message).some(
      ({ channel, payload }) =>
        channel === CONTROL_CHANNEL && payload[0] === OPENER && decodeToDevice(payload.subarray(1)).type === 'close',
    );
  const { promise: closed, resolve: note } = Promise.withResolvers<string>();
  const { promise: crossed, resolve: go } = Promise.withResolvers<void>();
  let closer: string | undefined;
  connect(
    a,
    b,
    (from, message) => {
      if (closer === undefined && isClose(message)) note((closer = from));
    },
    undefined,
    (from) => (from === closer ? crossed : undefined),
  );
  await b.join(await b.hears());
  await alike(id, a, b);
  const one = a.idOf(id, 'one.md');
  for (const each of [a, b]) each.clock.skewMs += 60_000;
  const [there, here] = (await closed) === 'a' ? [b, a] : [a, b];
  const told = new Promise<void>((resolve) => there.rooms.onChange(() => resolve()));
  await there.type(one, 0, 'meanwhile ');
  await told;
  go();
  await expect.poll(() => here.file('one.md'), SOON).toBe('meanwhile # One\n');
});

test('what is edited while the other one still looks through what both have is there too', async () => {
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const id = await a.open({ 'one.md': '# One\n' });
  const before = connect(a, b);
  await b.join(await b.hears());
  await alike(id, a, b);
  before.cut();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  connect(
    a,
    b,
    (from, message) => {
      if (from === 'b') tell();
      else if (typeof message !== 'string') open();
    },
    undefined,
    (from) => (from === 'a' ? arrived : undefined),
  );
  await told;
  await setImmediate();
  await a.quiet();
  await a.type(a.idOf(id, 'one.md'), 0, 'meanwhile ');
  await opened;
  // What both have, and the document, in one moment.
  arrive();
  await expect.poll(() => b.file('one.md'), SOON).toBe('meanwhile # One\n');
});

test.each([true, false])(
  'what came to be before the other one opened the project is there too (who joins leads: %s)',
  async (leads) => {
    await using a = await replicaDevice();
    await using b = await replicaDevice();
    const id = await a.open({ 'no-document.txt': '' });
    if (leads) connect(b, a);
    else connect(a, b);
    const project = await b.hears();
    await a.quiet();
    await a.projects.create(id, 'early', '.md', '# Early\n');
    await b.join(project);
    await alike(id, a, b);
    expect(await b.file('early.md')).toBe('# Early\n');
  },
);

test('a device that gets a project for the first time tells no names back, so that it is not taken for one that repeats itself', async () => {
  const COUNT = 300;
  await using a = await replicaDevice();
  await using b = await replicaDevice();
  const files = Object.fromEntries(Array.from({ length: COUNT }, (_, at) => [`page-${at}.md`, `# Page ${at}\n`]));
  const id = await a.open(files);
  let told = 0;
  connect(a, b, (from, message) => {
    if (from === 'b' && typeof message === 'string' && (JSON.parse(message) as { op: string }).op === 'rows') told++;
  });
  await b.join(await b.hears());
  await expect.poll(() => [...b.catalog.list(id)].length, SOON).toBe(COUNT);
  await alike(id, a, b);
  expect(told).toBeLessThan(5);
  // A name that is given then is news.
  await b.projects.move(id, b.idOf(id, 'page-7.md'), 'renamed', '.md');
  await expect.poll(() => a.catalog.byPath(id, 'renamed.md')?.id, SOON).toBe(b.idOf(id, 'renamed.md'));
});
