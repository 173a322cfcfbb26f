/** An edit goes to each device once, from whoever wrote it, and by another way where that one fails. */
import { CONTROL_CHANNEL, decodeEntries, decodeFrame, type DocumentId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { connect, replicaDevice, type ReplicaDevice, type Wire } from './device.fixture.ts';
import { ENTRIES_MAX } from './gather-entries.ts';
import { pageOf, SOON } from './page.fixture.ts';

const COUNT = 6;
const WORDS = 20;

/** Updates among what is sent on the channels of documents. */
function updatesIn(message: Uint8Array | string): number {
  if (typeof message === 'string') return 0;
  return [...decodeEntries(message, ENTRIES_MAX)].filter(
    ({ channel, payload }) => channel !== CONTROL_CHANNEL && decodeFrame(payload).type === 'update',
  ).length;
}

/** Devices of which each is connected to each, with one document; \`sent\` are the updates between two since it was cleared. */
async function devices() {
  const all = await Promise.all(Array.from({ length: COUNT }, () => replicaDevice()));
  const [first, ...others] = all as [ReplicaDevice, ...ReplicaDevice[]];
  const project = await first.open({ 'one.md': '# One\n' });
  const sent = new Map<string, number>();
  const wires = new Map<string, Wire>();
  const dead = new Set<string>();
  for (let a = 0; a < COUNT; a++)
    for (let b = a + 1; b < COUNT; b++) {
      const [here, there] = [all[a], all[b]];
      if (here === undefined || there === undefined) continue;
      const wire = connect(
        here,
        there,
        (from, message) => {
          const key = from === 'a' ? `${a} ${b}` : `${b} ${a}`;
          sent.set(key, (sent.get(key) ?? 0) + updatesIn(message));
        },
        (from) => !dead.has(from === 'a' ? `${a} ${b}` : `${b} ${a}`),
      );
      wires.set(`${a} ${b}`, wire);
    }
  const heard = await others[0]?.hears();
  if (heard === undefined) throw new Error('nothing was heard');
  for (const device of others) await device.join(heard);
  const id: DocumentId = first.idOf(project, 'one.md');
  const texts = () =>
    Promise.all(all.map(async (device) => (await device.documents.read(id).catch(() => ({ text: '' }))).text));
  await expect.poll(async () => new Set(await texts()).size === 1 && (await texts())[0] === '# One\n', SOON).toBe(true);
  const pages = await Promise.all(all.map((device) => pageOf(device, id)));
  const isHeldFrom = (at: number): boolean => all[at]?.held.get(id) === all[at]?.rooms.peek(id)?.seq;
  return {
    ...{ all, id, sent, wires, dead, pages, texts, isHeldFrom },
    total: (): number => [...sent.values()].reduce((sum, each) => sum + each, 0),
    async [Symbol.asyncDispose]() {
      for (const page of pages) page.leave();
      for (const device of all) await device[Symbol.asyncDispose]();
    },
  };
}

test(`ONCE-1 what is typed on one of ${COUNT} devices goes to each of the others once, and all know that all have it`, async () => {
  await using world = await devices();
  const { all, pages, sent, texts } = world;
  // A channel of each two is open, as everybody looks at it.
  pages[0]?.text.insert(0, 'first ');
  await expect.poll(async () => (await texts()).every((text) => text.startsWith('first ')), SOON).toBe(true);
  await expect.poll(() => all.every((_, at) => world.isHeldFrom(at)), SOON).toBe(true);
  sent.clear();
  for (let n = 0; n < WORDS; n++) {
    pages[0]?.text.insert(0, `${n} `);
    await expect.poll(async () => (await texts()).every((text) => text.startsWith(`${n} `)), SOON).toBe(true);
  }
  await expect.poll(() => all.every((_, at) => world.isHeldFrom(at)), SOON).toBe(true);
  console.log(
    `  ${WORDS} words, ${COUNT} devices: ${world.total()} updates sent, where each passes each on ${WORDS * (COUNT - 1) ** 2}`,
  );
  // What is said late, as on a machine that is busy, is passed on after all.
  expect(world.total()).toBeGreaterThanOrEqual(WORDS * (COUNT - 1));
  expect(world.total()).toBeLessThan(2 * WORDS * (COUNT - 1));
  expect(all.flatMap(({ troubles }) => troubles)).toEqual([]);
});

test('ONCE-2 a device that hears nothing of the writer, though both believe it, is told by the others', async () => {
  await using world = await devices();
  const { all, pages, dead, texts } = world;
  pages[0]?.text.insert(0, 'first ');
  await expect.poll(async () => (await texts()).every((text) => text.startsWith('first ')), SOON).toBe(true);
  await expect.poll(() => all.every((_, at) => world.isHeldFrom(at)), SOON).toBe(true);
  pages[0]?.leave();
  // Half open: nobody is told, and nothing arrives either way.
  for (const way of ['0 3', '3 0']) dead.add(way);
  await all[0]?.type(world.id, 0, 'by another way ');
  await expect.poll(async () => (await texts())[3], SOON).toMatch(/^by another way first/);
});

test('ONCE-3 what is typed on a device that is connected to one other alone is passed on at once', async () => {
  await using world = await devices();
  const { pages, wires, sent, texts } = world;
  for (const at of [1, 2, 3, 4]) wires.get(`0 ${at}`)?.cut();
  sent.clear();
  pages[0]?.text.insert(0, 'through one ');
  await expect.poll(async () => (await texts()).every((text) => text.startsWith('through one ')), SOON).toBe(true);
  expect([1, 2, 3, 4].map((at) => sent.get(`5 ${at}`) ?? 0)).toEqual([1, 1, 1, 1]);
});
