/** Several replicas on one store, which lies, with a way between them that loses and delays what they tell each other. */
import { Failure, newId, type DeviceId, type DocumentId, type ProjectId, type UserId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { sitDown, type Typist } from '../documents/device.fixture.ts';
import type { ProjectRow } from '../documents/catalog.ts';
import type { DocumentRecord } from '../documents/document-record.ts';
import { sharedStoreContract } from '../store/shared-store.contract.ts';
import { createSharedMemory, type SharedMemory } from '../store/shared-memory.fixture.ts';
import { openSharedReplica, type SharedReplica } from './open-shared-replica.ts';
import type { Committed } from './shared-log.ts';

const DOCUMENT = '00000000-0000-7000-8000-0000000000d1' as DocumentId;
const PROJECT = '00000000-0000-7000-8000-0000000000a1' as ProjectId;
const SELF = '00000000-0000-7000-8000-0000000000c1' as DeviceId;
const USER = '00000000-0000-7000-8000-0000000000b1' as UserId;

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

sharedStoreContract('a store in memory that is shared', async () => {
  const memory = createSharedMemory(randomOf(0));
  return { one: memory.open(), two: memory.open(), close: () => Promise.resolve() };
});

type Way = { readonly replicas: SharedReplica[]; loss: number };

async function join(memory: SharedMemory, way: Way, random: () => number): Promise<SharedReplica> {
  const tell = (each: SharedReplica, what: Committed): void => {
    if (random() < way.loss) return;
    if (random() < 0.5) each.log.hear(what);
    else setTimeout(() => each.log.hear(what), random() * 10);
  };
  const replica: SharedReplica = await openSharedReplica({
    ...{ store: memory.open(), now: Date.now, self: SELF },
    beginning: async () => 'empty',
    begun: async () => {},
    onTrouble: (_id, doing, cause) => {
      // While the store lies nothing is compacted.
      if (!(cause instanceof Failure && cause.retryable)) throw new Error(doing, { cause });
    },
    onStorage: () => {},
    retryMs: () => 2,
    onCommitted: (committed) => {
      for (const each of way.replicas) if (each !== replica) tell(each, committed);
    },
    onNamed: () => {},
    onPresence: () => {},
    onLoaded: () => {},
    onName: () => {},
    onPath: () => {},
  });
  way.replicas.push(replica);
  return replica;
}

const textOf = (typist: Typist): string => typist.doc.getText('content').toString();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test.for([1, 2, 3, 4, 5, 6])(
  'three processes on one store take in the same log, whatever is lost, late or compacted (seed %i)',
  async (seed) => {
    const random = randomOf(seed);
    const memory = createSharedMemory(random);
    const way: Way = { replicas: [], loss: 0.3 };
    for (let at = 0; at < 3; at++) await join(memory, way, random);
    const typists: Typist[] = [];
    for (const { rooms } of way.replicas) {
      const room = await rooms.open(DOCUMENT);
      typists.push(sitDown(room), sitDown(room));
    }
    memory.lies = true;
    for (let round = 0; round < 60; round++) {
      for (const [who, typist] of typists.entries()) if (random() < 0.6) typist.type(`⟦${who}.${round}⟧`);
      const some = way.replicas[Math.floor(random() * 3)];
      if (random() < 0.15) some?.pull().catch(() => undefined);
      const room = some?.rooms.peek(DOCUMENT);
      if (random() < 0.1 && room !== undefined) void some?.rooms.compact(room);
      await pause(random() * 4);
    }
    memory.lies = false;
    await Promise.all(way.replicas.map(({ rooms }) => rooms.hold(DOCUMENT, (room) => room.durable())));
    // A change that was given up may still come.
    await pause(25);
    await Promise.all(way.replicas.map(({ pull }) => pull()));
    const texts = (): string[] => typists.map(textOf);
    await expect.poll(() => new Set(texts()).size, { interval: 5, timeout: 5_000 }).toBe(1);
    const seqs = way.replicas.map(({ rooms }) => rooms.peek(DOCUMENT)?.seq);
    expect(new Set(seqs).size).toBe(1);
    for (const typist of typists) {
      expect(typist.refusals).toEqual([]);
      for (const marker of typist.saved()) expect(textOf(typist).split(marker)).toHaveLength(2);
    }
    expect(typists.flatMap((typist) => typist.saved()).length).toBeGreaterThan(150);
    const fresh = await join(memory, way, random);
    expect((await fresh.documents.read(DOCUMENT)).text).toBe(texts()[0]);
    const { moments } = await fresh.documents.moments(DOCUMENT);
    expect(moments.at(-1)?.seq).toBe(seqs[0]);
    await Promise.all(way.replicas.map(({ log, rooms }) => Promise.all([rooms.close(), log.close()])));
  },
);

test('a process at which nobody is leaves a document that another one writes, and compacting it, to that one', async () => {
  const random = randomOf(9);
  const memory = createSharedMemory(random);
  const way: Way = { replicas: [], loss: 0 };
  const [one, two] = [await join(memory, way, random), await join(memory, way, random)];
  await one.rooms.open(DOCUMENT);
  const room = await two.rooms.open(DOCUMENT);
  const typist = sitDown(room);
  typist.type('a');
  await room.durable();
  await expect.poll(() => one.rooms.peek(DOCUMENT)?.seq).toBe(1);
  // More all the time than one that nobody has open any more is left with.
  const writing = setInterval(() => {
    for (let letter = 0; letter < 60; letter++) typist.type('b');
  }, 100);
  await expect.poll(() => one.rooms.peek(DOCUMENT), { timeout: 5_000 }).toBeUndefined();
  clearInterval(writing);
  expect(two.rooms.peek(DOCUMENT)).toBe(room);
  await room.durable();
  expect(typist.refusals).toEqual([]);
  expect((await one.documents.read(DOCUMENT)).text).toBe(textOf(typist));
  await Promise.all(way.replicas.map(({ log, rooms }) => Promise.all([rooms.close(), log.close()])));
});

test('a process with readers compacts what another one writes once that one has ended', async () => {
  const random = randomOf(10);
  const memory = createSharedMemory(random);
  const way: Way = { replicas: [], loss: 0 };
  const [one, two] = [await join(memory, way, random), await join(memory, way, random)];
  const read = await one.rooms.open(DOCUMENT);
  const reader = sitDown(read);
  const room = await two.rooms.open(DOCUMENT);
  const typist = sitDown(room);
  for (let letter = 0; letter < 1_200; letter++) typist.type('b');
  await room.durable();
  // Before it has looked whether there is much to compact.
  await Promise.all([two.rooms.close(), two.log.close()]);
  await expect.poll(() => read.seq).toBe(1_200);
  await expect.poll(() => read.tail.length, { timeout: 5_000 }).toBe(0);
  expect(textOf(reader)).toBe(textOf(typist));
  await Promise.all([one.rooms.close(), one.log.close()]);
});

const row = (path: string): DocumentRecord => ({
  id: newId<DocumentId>({ now: Date.now, randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)) }),
  projectId: PROJECT,
  path,
  ext: '.md',
  createdAt: new Date().toISOString(),
  updatedAt: new Date().toISOString(),
  sizeBytes: 0,
  contentHash: '',
  file: null,
});

test('of two processes that make a document of one name at once one is told that the name is taken', async () => {
  const random = randomOf(7);
  const memory = createSharedMemory(random);
  const way: Way = { replicas: [], loss: 0 };
  const [one, two] = [await join(memory, way, random), await join(memory, way, random)];
  for (let round = 0; round < 20; round++) {
    const path = `page ${round}`;
    const done = await Promise.allSettled([one.catalog.put([row(path)]), two.catalog.put([row(path)])]);
    expect(done.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(done.find((each) => each.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' });
  }
  // Once it is known here, too.
  await two.pull();
  await expect(two.catalog.put([row('page 0')])).rejects.toMatchObject({ code: 'conflict' });
  await Promise.all([one.pull(), two.pull()]);
  const names = ({ catalog }: SharedReplica): string[] =>
    [...catalog.list(PROJECT)].map(({ id, path }) => `${id} ${path}`).toSorted();
  expect(names(one)).toHaveLength(20);
  expect(names(two)).toEqual(names(one));
});

test('what two processes change of one row at once is both kept, and every process ends with the same rows', async () => {
  const random = randomOf(8);
  const memory = createSharedMemory(random);
  const way: Way = { replicas: [], loss: 0 };
  const [one, two] = [await join(memory, way, random), await join(memory, way, random)];
  const page = row('page');
  await one.catalog.put([page]);
  await two.pull();
  const { named: _, ...known } = two.catalog.get(page.id) ?? expect.unreachable();
  const facts = {
    ...page,
    ...one.catalog.get(page.id),
    title: 'Fresh',
    updatedAt: new Date(Date.now() + 1).toISOString(),
  };
  await Promise.all([one.catalog.put([facts]), two.catalog.put([{ ...known, path: 'moved' }])]);
  await Promise.all([one.pull(), two.pull()]);
  for (const { catalog } of [one, two]) expect(catalog.get(page.id)).toMatchObject({ path: 'moved', title: 'Fresh' });
  // A deletion counts, whatever it is called meanwhile.
  const now = one.catalog.get(page.id) ?? expect.unreachable();
  await Promise.all([
    one.catalog.put([{ ...now, deletedAt: new Date().toISOString() }]),
    two.catalog.put([{ ...known, path: 'again' }]),
  ]);
  await Promise.all([one.pull(), two.pull()]);
  for (const { catalog } of [one, two]) expect(catalog.get(page.id)?.deletedAt).toBeDefined();
  expect(one.catalog.get(page.id)).toEqual(two.catalog.get(page.id));
});

test('of two processes that make a project at once the second knows that of the first, and may try again', async () => {
  const random = randomOf(9);
  const memory = createSharedMemory(random);
  const way: Way = { replicas: [], loss: 0 };
  const [one, two] = [await join(memory, way, random), await join(memory, way, random)];
  const project = (id: string): ProjectRow => ({
    project: {
      ...{ id: id as ProjectId, userId: USER, slug: 'notes', displayName: 'Notes' },
      ...{ configPath: 'mrmd.md', source: 'opened-local', syncMode: 'active', visibility: 'private' },
      ...{ createdAt: new Date().toISOString(), updatedAt: new Date().toISOString() },
    },
  });
  const [a, b] = [project(PROJECT), project('00000000-0000-7000-8000-0000000000a2')];
  const done = await Promise.allSettled([one.catalog.putProject(a), two.catalog.putProject(b)]);
  expect(done.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(done.find((each) => each.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' });
  const [loser, theirs, mine] = done[0]?.status === 'rejected' ? [one, b, a] : [two, a, b];
  expect(loser.catalog.project(theirs.project.id)).toBeDefined();
  await loser.catalog.putProject(mine);
  await Promise.all([one.pull(), two.pull()]);
  for (const { catalog } of [one, two]) expect([...catalog.projects()]).toHaveLength(2);
});
