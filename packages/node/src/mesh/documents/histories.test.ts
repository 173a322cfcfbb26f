/**
 * R16, R18, R19: whatever three devices do, apart and together, with clocks that jump, in the end they have the same documents under the same names
 * with the same text; every word that was typed is there once, and what was deleted stays deleted.
 */
import { Failure, type DocumentId, type ProjectId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../../setup/trials.ts';
import { connect, replicaDevice, type ReplicaDevice, type Wire } from './device.fixture.ts';
import { pageOf } from './page.fixture.ts';

const TRIALS = 12;
const STEPS = 40;
const NAMES = ['a', 'b', 'c', 'deep/d', 'e'];
const PAIRS = [
  [0, 1],
  [1, 2],
  [0, 2],
] as const;

type Random = () => number;
const pick = <T>(random: Random, from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];

type World = {
  readonly devices: readonly ReplicaDevice[];
  readonly project: ProjectId;
  readonly wires: Map<number, Wire>;
  /** Words that were typed, by document. */
  readonly typed: Map<DocumentId, string[]>;
  readonly deleted: Set<DocumentId>;
  /** What people look at, by device and document. */
  readonly pages: Map<string, Page>;
};

type Page = Awaited<ReturnType<typeof pageOf>>;

/** At a page, where somebody goes on under one name, or by the device itself. */
async function write(
  device: ReplicaDevice,
  id: DocumentId,
  pages: Map<string, Page> | null,
  word: string,
): Promise<void> {
  if (pages === null) return device.type(id, 0, word);
  const key = `${device.deviceId} ${id}`;
  const page = pages.get(key) ?? (await pageOf(device, id));
  pages.set(key, page);
  page.text.insert(0, word);
}

/** What a person or a program does on one device; refusals (a name is taken, a document is gone) are answers too. */
async function step(
  { devices, project, wires, typed, deleted, pages }: World,
  random: Random,
  count: number,
): Promise<void> {
  const device = pick(random, devices);
  if (device === undefined) return;
  const documents = [...device.catalog.list(project)];
  const found = pick(random, documents);
  const what = random();
  if (what < 0.4 && found !== undefined) {
    const word = `w${count}x `;
    const isTyped = await write(device, found.id, random() < 0.5 ? pages : null, word).then(
      () => true,
      (why: unknown) => {
        // Another device's deletion came in the same moment.
        if (why instanceof Failure && why.code === 'document_deleted') return false;
        throw why;
      },
    );
    if (isTyped) typed.set(found.id, [...(typed.get(found.id) ?? []), word]);
  } else if (what < 0.55) {
    const made = await device.projects
      .create(project, pick(random, NAMES) ?? 'a', '.md', `made ${count}\n`)
      .catch(() => null);
    if (made !== null) typed.set(made.id, [`made ${count}\n`]);
  } else if (what < 0.65 && found !== undefined) {
    await device.projects.move(project, found.id, pick(random, NAMES) ?? 'a', '.md').catch(() => undefined);
  } else if (what < 0.73 && found !== undefined) {
    const isGone = await device.projects.remove(project, found.id).then(
      () => true,
      () => false,
    );
    if (isGone) deleted.add(found.id);
  } else if (what < 0.76) {
    // Somebody, or a bad battery, sets its clock.
    device.clock.skewMs = pick(random, [-3_600_000, -600_000, 0, 600_000]) ?? 0;
  } else {
    const at = Math.floor(random() * PAIRS.length);
    const wire = wires.get(at);
    if (wire !== undefined) {
      wire.cut();
      wires.delete(at);
    } else join(devices, wires, at);
  }
}

function join(devices: readonly ReplicaDevice[], wires: Map<number, Wire>, at: number): void {
  const [from, to] = PAIRS[at] ?? [0, 1];
  const [a, b] = [devices[from], devices[to]];
  if (a !== undefined && b !== undefined) wires.set(at, connect(a, b));
}

async function stateOf(device: ReplicaDevice, project: ProjectId): Promise<string> {
  const rows = await Promise.all(
    [...device.catalog.list(project)].map(async ({ id, path, ext }) => {
      const { text } = await device.documents.read(id);
      return [`${path}${ext}`, id, text, (await device.file(`${path}${ext}`)) === text];
    }),
  );
  return JSON.stringify(rows.toSorted((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1)));
}

test(`R16 R18 R19 ${TRIALS} histories of three devices: the same names and texts everywhere, every word once, nothing comes back`, async () => {
  const { numRuns, seed } = trials('R16 R18 R19 histories of three devices', TRIALS);
  for (let trial = 0; trial < numRuns; trial++) {
    const random = chance(seed + trial);
    await using a = await replicaDevice();
    await using b = await replicaDevice(600_000);
    await using c = await replicaDevice(-600_000);
    const devices = [a, b, c];
    const project = await a.open({ 'one.md': 'one\n', 'two.md': 'two\n' });
    const wires = new Map<number, Wire>();
    for (const at of [0, 1]) join(devices, wires, at);
    await b.join(await b.hears());
    await c.join(await c.hears());
    const world: World = { devices, project, wires, typed: new Map(), deleted: new Set(), pages: new Map() };
    for (let count = 0; count < STEPS; count++) {
      await step(world, random, count);
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 30));
    }
    for (const at of PAIRS.keys()) if (!wires.has(at)) join(devices, wires, at);
    const what = `trial ${trial} of seed ${seed}`;
    let states: readonly string[] = [];
    await expect
      .poll(
        async () => {
          states = await Promise.all(devices.map((device) => stateOf(device, project)));
          return new Set(states).size === 1 && !states[0]?.includes(',false]');
        },
        { timeout: 30_000, interval: 100, message: what },
      )
      .toBe(true)
      .catch(() =>
        expect([what, ...states, ...devices.flatMap(({ troubles }) => troubles)]).toEqual([
          what,
          states[0],
          states[0],
          states[0],
        ]),
      );
    for (const { id } of a.catalog.list(project)) {
      expect([what, world.deleted.has(id)]).toEqual([what, false]);
      const { text } = await a.documents.read(id);
      for (const word of world.typed.get(id) ?? [])
        expect([what, text, word, text.split(word).length]).toEqual([what, text, word, 2]);
    }
    const alive = new Set([...a.catalog.list(project)].map(({ id }) => id));
    for (const id of world.typed.keys())
      expect([what, id, alive.has(id) || world.deleted.has(id)]).toEqual([what, id, true]);
    expect([what, ...devices.flatMap(({ troubles }) => troubles)]).toEqual([what]);
  }
});
