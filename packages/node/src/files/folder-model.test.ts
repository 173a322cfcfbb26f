/**
 * R9 and R7: a page, programs that write the file in every way programs do, full disks and crashes at any moment,
 * in any order. Whoever wrote a marker finds it in the end, once, in the document and in the file.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DocumentId, ProjectId } from '@markco/protocol';
import { createMemoryCatalog } from './catalog-memory.ts';
import { decodeFile } from './endings.ts';
import { createMemoryFolder, systemError, type Inode, type Site } from './files-memory.ts';
import { createFolder, type Folder } from './folder.ts';
import { FAULT_POINTS, type FaultPoint } from './reconcile.ts';
import { createMemoryTexts } from './texts-memory.ts';
import { chance } from '../../../../setup/trials.ts';
import { createVirtualTimer } from './timer-virtual.ts';
import type { Timer } from './timer.ts';

const SCALE = Number(process.env.MARKCO_TRIALS ?? 1);
const PROJECT = '00000000-0000-7000-8000-00000000abcd' as ProjectId;
const PATH = 'notes.md';
const STARTS = ['', '⟦start⟧\n', 'one\ntwo\nthree\n', '\uFEFFone\r\ntwo\r\n', 'one\r\ntwo\nthree\rfour'];

/** `late`, `much-later`: it opened the file a moment, or seconds, before it writes into it. */
const HOWS = ['replace', 'in-place', 'truncate-first', 'late', 'much-later'] as const;
type How = (typeof HOWS)[number];
const WRITES_AFTER_MS = { 'truncate-first': 15, late: 120, 'much-later': 5_000 } as const;

type Action =
  | { readonly by: 'page'; readonly at: number; readonly deletes: boolean }
  | { readonly by: 'program'; readonly how: How; readonly at: number }
  | { readonly by: 'disk'; readonly code: 'ENOSPC' | 'EIO' }
  | { readonly by: 'crash' };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ by: fc.constant('page' as const), at: fc.nat(1_000), deletes: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      by: fc.constant('program' as const),
      how: fc.constantFrom(...HOWS),
      at: fc.nat(1_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      by: fc.constant('disk' as const),
      code: fc.constantFrom('ENOSPC' as const, 'EIO' as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ by: 'crash' as const }) },
);
/** An action happens after so many accesses to files, or so many milliseconds, whichever comes first. */
const step = fc.record({ action, accesses: fc.nat(14), ms: fc.constantFrom(0, 5, 30, 60, 300) });
type Step = { readonly action: Action; readonly accesses: number; readonly ms: number };

class World {
  readonly time = createVirtualTimer();
  readonly folder = createMemoryFolder();
  readonly texts = createMemoryTexts();
  readonly catalog = createMemoryCatalog();
  readonly expected = new Set<string>();
  readonly unlinked = new Set<Inode>();
  private readonly pendingWriters = new Set<{ readonly inode: Inode; readonly finish: () => void }>();
  private counter = 0;
  private readonly random = chance(7);
  private alive = { current: true };
  private running: Folder | undefined;
  private nextError: string | undefined;
  private notify: (paths: readonly string[]) => void = () => undefined;
  onAccess: (site: Site | FaultPoint) => void = () => undefined;

  get id(): DocumentId {
    const record = this.catalog.byPath(PROJECT, PATH);
    if (record === undefined) throw new Error('the document is gone');
    return record.id;
  }

  /** A device that starts. What it holds ends with it: its accesses never return once it crashed. */
  async start(): Promise<void> {
    const alive = { current: true };
    this.alive = alive;
    const never = new Promise<never>(() => undefined);
    const checked = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!alive.current) return await never;
      const result = await work();
      return alive.current ? result : await never;
    };
    const access = (site: Site | FaultPoint): void | Promise<never> => {
      if (!alive.current) return never;
      this.onAccess(site);
      if (!alive.current) return never;
      if (
        this.nextError !== undefined &&
        (site === 'writeNew' || site === 'filled' || site === 'replace' || site === 'syncFolder')
      ) {
        const code = this.nextError;
        this.nextError = undefined;
        throw systemError(code);
      }
    };
    const timer: Timer = { now: this.time.now, after: (ms, run) => this.time.after(ms, () => alive.current && run()) };
    const { texts, catalog } = this;
    this.running = createFolder(
      {
        files: this.folder.files(access),
        catalog: { ...catalog, put: (rows) => checked(() => catalog.put(rows)) },
        texts: {
          read: (id) => checked(() => texts.read(id)),
          position: (id) => checked(() => texts.position(id)),
          textAt: (id, seq) => checked(() => texts.textAt(id, seq)),
          edit: (id, seq, steps, origin) => checked(() => texts.edit(id, seq, steps, origin)),
          onChange: (listener) => texts.onChange((id, seq) => alive.current && listener(id, seq)),
        },
        ids: {
          now: () => 1_700_000_000_000 + this.counter,
          // Of so many authors of steps no two are the same, as with real chance.
          randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(this.random() * 256)),
        },
        timer,
        watcher: {
          open: (_root, { changed }) => {
            this.notify = (paths) => void timer.after(10, () => changed(paths));
            return Promise.resolve({ close: () => Promise.resolve() });
          },
        },
        fault: (point) => {
          this.onAccess(point);
          if (!alive.current) throw new Crash();
        },
      },
      { root: '/model', projectId: PROJECT },
    );
    const opening = this.running.open(new AbortController().signal);
    opening.catch(() => undefined);
    await this.time.drain(400);
  }

  async import(): Promise<void> {
    if (this.running === undefined) throw new Error('not started');
    const { text, file } = await this.running.initialText(this.id);
    const record = this.catalog.get(this.id);
    if (record === undefined) throw new Error('no record');
    await this.catalog.put([{ ...record, file: { ...file, seq: this.texts.import(this.id, text) } }]);
  }

  crash(): void {
    this.alive.current = false;
    // What a program wrote into a file without a name goes with the one who still held it.
    const kept = this.texts.text(this.id) + new TextDecoder().decode(this.folder.nodes.get(PATH)?.bytes);
    for (const inode of this.unlinked) {
      for (const marker of new TextDecoder().decode(inode.bytes).match(MARKER) ?? [])
        if (!kept.includes(marker)) this.expected.delete(marker);
    }
    for (const writer of this.pendingWriters) {
      if (!this.isNamed(writer.inode)) this.pendingWriters.delete(writer);
    }
    this.unlinked.clear();
  }

  get isDown(): boolean {
    return !this.alive.current;
  }

  do(what: Action): void {
    if (what.by === 'crash') this.crash();
    else if (what.by === 'disk') this.nextError = what.code;
    else if (what.by === 'page') this.type(what.at, what.deletes);
    else this.write(what.how, what.at);
  }

  private type(at: number, deletes: boolean): void {
    if (this.isDown) return;
    const text = this.texts.text(this.id);
    if (deletes) {
      const filler = text.search(/[a-z](?![^⟦]*⟧)/);
      if (filler >= 0) this.texts.type(this.id, { at: filler, remove: 1, insert: '' });
      return;
    }
    const marker = this.newMarker('p');
    this.texts.type(this.id, { at: boundary(text, at), remove: 0, insert: marker });
    this.expected.add(marker);
  }

  private write(how: How, at: number): void {
    const inode = this.folder.nodes.get(PATH);
    if (inode === undefined) throw new Error('the file is gone');
    // A program that reads a file another one has just emptied would write back half of it; no sane one does.
    if ([...this.pendingWriters].some((writer) => writer.inode === inode)) return;
    const put = (bytes: Uint8Array): { readonly marker: string; readonly bytes: Uint8Array } => {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      const marker = this.newMarker(how === 'replace' ? 'r' : 'w');
      const cut = boundary(text, at);
      return { marker, bytes: new TextEncoder().encode(text.slice(0, cut) + marker + text.slice(cut)) };
    };
    if (how === 'replace' || how === 'in-place') {
      const next = put(inode.bytes);
      this.folder.write(PATH, next.bytes, how);
      this.expected.add(next.marker);
      this.notify([PATH]);
      return;
    }
    const before = inode.bytes;
    if (how === 'truncate-first') this.folder.fill(inode, new Uint8Array());
    const writer = {
      inode,
      finish: () => {
        if (!this.pendingWriters.delete(writer)) return;
        const next = put(how === 'truncate-first' ? before : inode.bytes);
        this.folder.fill(inode, next.bytes);
        this.expected.add(next.marker);
        if (this.isNamed(inode)) this.notify([PATH]);
        else this.unlinked.add(inode);
      },
    };
    this.pendingWriters.add(writer);
    this.notify([PATH]);
    this.time.after(WRITES_AFTER_MS[how], writer.finish);
  }

  private isNamed(inode: Inode): boolean {
    return this.folder.nodes.get(PATH) === inode;
  }
  private newMarker(kind: string): string {
    return `⟦${kind}${this.counter++}⟧`;
  }
  stop(): Promise<void> | undefined {
    return this.running?.close();
  }
}

class Crash extends Error {}

/** A place between two marks or at the start of a line. */
function boundary(text: string, at: number): number {
  const places = [0, text.length];
  for (const match of text.matchAll(/⟧|\n|\uFEFF/g)) places.push(match.index + match[0].length);
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  const place = places[at % places.length] ?? 0;
  return Math.max(start, place);
}

const MARKER = /⟦[a-z]+\d*⟧/g;

async function runModel(start: string, steps: readonly Step[], crashAt?: FaultPoint): Promise<boolean> {
  const world = new World();
  let hasCrashed = false;
  world.folder.write(PATH, new TextEncoder().encode(start), 'replace');
  for (const marker of start.match(MARKER) ?? []) world.expected.add(marker);
  await world.start();
  await world.import();
  for (const { action: what, accesses, ms } of steps) {
    if (world.isDown) {
      if (what.by === 'program') world.do(what);
      await world.time.drain(ms + 100);
      await world.start();
      continue;
    }
    let left = accesses;
    let isDone = false;
    world.onAccess = (site) => {
      if (site === crashAt && !hasCrashed) {
        hasCrashed = true;
        world.crash();
      } else if (left-- <= 0 && !isDone) {
        isDone = true;
        world.do(what);
      }
    };
    await world.time.drain(ms);
    if (!isDone && !world.isDown) world.do(what);
  }
  await world.time.drain();
  world.onAccess = () => undefined;
  if (world.isDown) await world.start();
  await world.time.drain();
  const file = decodeFile(world.folder.nodes.get(PATH)?.bytes ?? new Uint8Array()).text;
  const text = world.texts.text(world.id);
  expect(file).toBe(text);
  for (const marker of world.expected)
    expect(text.split(marker).length - 1, `${marker} in ${JSON.stringify(text)}`).toBe(1);
  expect((text.match(MARKER) ?? []).length).toBe(world.expected.size);
  const record = world.catalog.get(world.id);
  expect([record?.file?.taken, record?.file?.writing]).toEqual([undefined, undefined]);
  await world.stop();
  return hasCrashed;
}

test('R9 whatever the page and programs write survives, once, on both sides, through full disks and crashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...STARTS),
      fc.array(step, { minLength: 1, maxLength: 12 }),
      async (start, steps) => void (await runModel(start, steps)),
    ),
    { numRuns: Math.ceil(10_000 * SCALE) },
  );
}, 240_000);

/** The points of a file that is written; those of a file that is moved or deleted are in `folder-crash.test.ts`. */
const WRITING_POINTS = FAULT_POINTS.filter((point) => point !== 'afterMove' && point !== 'afterUnlink');

test.each(WRITING_POINTS)('R7 M4 a program that ends %s neither duplicates nor reverts anything', async (point) => {
  let crashes = 0;
  const needed = Math.ceil(20 * SCALE);
  for (let seed = 1; crashes < needed; seed++) {
    expect(seed, `reached only ${crashes} times`).toBeLessThan(100 * needed);
    for (const [start, steps] of fc.sample(
      fc.tuple(fc.constantFrom(...STARTS), fc.array(step, { minLength: 4, maxLength: 12 })),
      { numRuns: 1, seed },
    )) {
      const withoutCrashes = steps.filter(({ action: what }) => what.by !== 'crash' && what.by !== 'disk');
      try {
        if (await runModel(start, withoutCrashes, point)) crashes++;
      } catch (error) {
        throw new Error(`failed with seed ${seed}: ${JSON.stringify([start, withoutCrashes])}`, { cause: error });
      }
    }
  }
});
