/** An edit goes to each device once, from whoever wrote it, and by another way where that one fails. */
import {
  CONTROL_CHANNEL,
  decodeEntries,
  decodeFrame,
  decodeToDevice,
  encodeAwareness,
  encodeFrame,
  type DocumentId,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import { connect, replicaDevice, type ReplicaDevice, type Wire } from './device.fixture.ts';
import { ENTRIES_MAX } from '@markco/replica/replicate/gather-entries';
import { OPENER } from '@markco/replica/replicate/messages';
import { pageOf, SOON } from './page.fixture.ts';

const COUNT = 6;
const WORDS = 20;

/** Frames of a type among what is sent on the channels of documents. */
function framesIn(message: Uint8Array | string, type: 'update' | 'awareness'): number {
  if (typeof message === 'string') return 0;
  return [...decodeEntries(message, ENTRIES_MAX)].filter(
    ({ channel, payload }) => channel !== CONTROL_CHANNEL && decodeFrame(payload).type === type,
  ).length;
}

/** Channels that it opens. */
function opensIn(message: Uint8Array | string): number {
  if (typeof message === 'string') return 0;
  let count = 0;
  for (const { channel, payload } of decodeEntries(message, ENTRIES_MAX)) {
    if (channel !== CONTROL_CHANNEL || payload[0] !== OPENER) continue;
    const said = decodeToDevice(payload.subarray(1));
    if (said.type === 'open') count += said.openings.length;
  }
  return count;
}

/** Devices of which each is connected to each, with one document; \`sent\` are the updates between two since it was cleared. */
async function devices(looks = true) {
  const all = await Promise.all(Array.from({ length: COUNT }, () => replicaDevice()));
  const [first, ...others] = all as [ReplicaDevice, ...ReplicaDevice[]];
  const project = await first.open({ 'one.md': '# One\n' });
  const sent = new Map<string, number>();
  const carets = new Map<string, number>();
  const opens = new Map<string, number>();
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
          sent.set(key, (sent.get(key) ?? 0) + framesIn(message, 'update'));
          carets.set(key, (carets.get(key) ?? 0) + framesIn(message, 'awareness'));
          opens.set(`${a} ${b}`, (opens.get(`${a} ${b}`) ?? 0) + opensIn(message));
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
  const pages = looks ? await Promise.all(all.map((device) => pageOf(device, id))) : [];
  const isHeldFrom = (at: number): boolean => all[at]?.held.get(id) === all[at]?.rooms.peek(id)?.seq;
  return {
    ...{ all, id, sent, carets, opens, wires, dead, pages, texts, isHeldFrom },
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

test('ONCE-4 where a caret is goes to each of the others once', async () => {
  await using world = await devices();
  const { all, pages, carets } = world;
  pages[0]?.text.insert(0, 'first ');
  await expect.poll(async () => (await world.texts()).every((text) => text.startsWith('first ')), SOON).toBe(true);
  await expect.poll(() => all.every((_, at) => world.isHeldFrom(at)), SOON).toBe(true);
  carets.clear();
  const client = pages[0]?.doc.clientID ?? 0;
  pages[0]?.tell(encodeFrame({ type: 'awareness', update: encodeAwareness([{ client, clock: 1, state: '{"x":1}' }]) }));
  // Said after it on the same channels, so it has arrived where that has, and would have been passed on.
  pages[0]?.text.insert(0, 'second ');
  await expect.poll(async () => (await world.texts()).every((text) => text.startsWith('second ')), SOON).toBe(true);
  await expect.poll(() => all.every((_, at) => world.isHeldFrom(at)), SOON).toBe(true);
  expect(Object.fromEntries([...carets].filter(([, count]) => count > 0))).toEqual({
    ...{ '0 1': 1, '0 2': 1, '0 3': 1, '0 4': 1, '0 5': 1 },
  });
});

test('ONCE-5 of what nobody looks at the others say nothing to each other, and it arrives where the writer is not heard', async () => {
  await using world = await devices(false);
  const { all, opens, dead, texts } = world;
  // All channels are closed again.
  await expect.poll(() => all.every(({ rooms }) => rooms.peek(world.id)?.isIdle !== false), SOON).toBe(true);
  opens.clear();
  for (const way of ['0 3', '3 0']) dead.add(way);
  await all[0]?.type(world.id, 0, 'for later ');
  const has = async (at: number): Promise<boolean> => (await texts())[at]?.startsWith('for later ') === true;
  for (const at of [1, 2, 4, 5]) await expect.poll(() => has(at), SOON).toBe(true);
  expect(await has(3)).toBe(false);
  expect([...opens].filter(([pair, count]) => !pair.startsWith('0') && count > 0)).toEqual([]);
  await expect.poll(() => has(3), SOON).toBe(true);
});
