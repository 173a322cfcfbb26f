/**
 * Documents that begin by a sync address, while the device is killed or loses its power at any access to its disk and
 * at each named point, programs write and delete the same file, and the page creates and deletes the same name.
 *
 * Nothing acknowledged is lost, a name is one document, what was deleted stays so, and in the end file and document
 * are equal.
 */
import {
  Failure,
  filePathOf,
  newId,
  type DeviceId,
  type DocumentId,
  type IdSource,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../setup/trials.ts';
import { openCatalog, type DocumentCatalog } from '@markco/replica/documents/catalog';
import {
  laterTurns,
  sitDown,
  startDevice,
  timesIn,
  type Device,
  type Typist,
} from '@markco/replica/documents/device.fixture';
import { createMemoryFolder } from '../files/files-memory.ts';
import { createFolder, type Folder } from '../files/folder.ts';
import { FAULT_POINTS, type FaultPoint } from '../files/reconcile.ts';
import { createVirtualTimer } from '../files/timer-virtual.ts';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { createBeginnings } from '@markco/replica/projects/beginnings';

/** Worlds that wait for the same real milliseconds. */
const AT_ONCE = 50;
const PROJECT = '00000000-0000-7000-8000-00000000abcd' as ProjectId;
const FILE = 'deep/new.md';
const ADDRESS = 'deep/new';
const POINTS = [...FAULT_POINTS, 'beforeRow', 'afterRow', 'beforeFirstUpdate', 'never'] as const;
type Point = (typeof POINTS)[number];

type Tally = { acknowledged: number; deleted: number; both: number; crashes: Map<Point, number> };

class World {
  readonly disk = createSimulatedDisk();
  readonly folder = createMemoryFolder();
  readonly time = createVirtualTimer();
  readonly acknowledged: { readonly id: DocumentId; readonly marker: string }[] = [];
  readonly written: string[] = [];
  readonly deletedIds = new Set<DocumentId>();
  /** In the page, and by a program. */
  wasDeleted = false;
  wasRemoved = false;
  crashAt: Point = 'never';
  crashAfter = Number.POSITIVE_INFINITY;
  crashed: Point | undefined;
  private counter = 0;
  private typists: { readonly id: DocumentId; readonly typist: Typist }[] = [];
  private life:
    | { device: Device; catalog: DocumentCatalog; files: Folder; beginnings: ReturnType<typeof createBeginnings> }
    | undefined;
  private notify: (paths: readonly string[]) => void = () => undefined;
  /** What happened, for the report of a failure: real milliseconds have a part in it, so a seed does not repeat all. */
  readonly trace: string[] = [];
  private readonly next: () => number;
  /** How the disk dawdles; apart from what is done, so that a seed does the same again. */
  private readonly turns: () => number;
  private readonly ids: IdSource;

  constructor(seed: number) {
    this.next = chance(seed);
    this.turns = chance(~seed);
    this.ids = {
      now: () => 1_700_000_000_000 + this.counter++,
      randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(this.turns() * 256)),
    };
  }

  upTo(end: number): number {
    return Math.floor(this.next() * end);
  }

  get catalog(): DocumentCatalog {
    if (this.life === undefined) throw new Error('the device is down');
    return this.life.catalog;
  }

  async start(): Promise<void> {
    const mine = { alive: true };
    const never = new Promise<never>(() => undefined);
    const access = (): void | Promise<never> => {
      if (mine.alive && --this.crashAfter < 0) this.crash();
      if (!mine.alive) return never;
    };
    const point = (name: Point): void => {
      if (!mine.alive || name !== this.crashAt) return;
      this.crashed = name;
      this.crash();
    };
    const device: Device = startDevice(this.disk, {
      delay: async () => {
        await laterTurns(Math.floor(this.turns() * 3));
        await access();
      },
      beginning: async (id) => {
        point('beforeRow');
        // Reading the log takes as long as the disk does.
        await laterTurns(Math.floor(this.turns() * 4));
        if (this.turns() < 0.3) await new Promise<void>((resolve) => void this.time.after(this.turns() * 80, resolve));
        const begins = await beginnings.beginning(id);
        point('afterRow');
        return begins;
      },
      begun: (id) => beginnings.begun(id),
    });
    this.kill = () => {
      mine.alive = false;
      if (this.upTo(2) === 0) device.kill();
      else device.cutPower(this.upTo(this.disk.unsynced() + 1));
    };
    const catalog = await openCatalog({
      store: device.store,
      log: device.log,
      device: newId<DeviceId>(this.ids),
      now: () => this.ids.now(),
    });
    catalog.onChange(({ changed, removed }) => {
      if (!mine.alive) return;
      for (const id of removed) {
        this.deletedIds.add(id);
        device.rooms.peek(id)?.refuseAll(new Failure('document_deleted', 'This document was deleted.'));
      }
      for (const { id } of changed) expect(this.deletedIds.has(id), 'a tombstone came back').toBe(false);
    });
    const files = createFolder(
      {
        files: this.folder.files(access),
        catalog,
        texts: device.documents,
        ids: this.ids,
        timer: { now: this.time.now, after: (ms, run) => this.time.after(ms, () => mine.alive && run()) },
        watcher: {
          open: (_root, { changed }) => {
            this.notify = (paths) => void this.time.after(10, () => mine.alive && changed(paths));
            return Promise.resolve({ close: () => Promise.resolve() });
          },
        },
        fault(name) {
          point(name);
          if (!mine.alive) throw new Error('crashed');
        },
      },
      { root: '/world', projectId: PROJECT },
    );
    const beginnings = createBeginnings({
      catalog,
      ids: this.ids,
      log: { warn: () => undefined },
      folderOf: () => files,
      folderIfThere: () => files,
    });
    if (catalog.project(PROJECT) === undefined)
      await catalog.putProject({
        project: {
          id: PROJECT,
          userId: newId<UserId>(this.ids),
          slug: 'world',
          displayName: 'World',
          configPath: 'mrmd.md',
          source: 'opened-local',
          syncMode: 'active',
          visibility: 'private',
          createdAt: '2026-01-01T00:00:00.000Z',
          updatedAt: '2026-01-01T00:00:00.000Z',
        },
      });
    this.life = { device, catalog, files, beginnings };
    files.open(new AbortController().signal).catch(() => undefined);
    await this.pass(800);
  }

  private kill: () => void = () => undefined;

  crash(): void {
    if (this.life === undefined) return;
    this.trace.push(`crash ${this.crashed ?? ''}`);
    this.life = undefined;
    this.noteSaved();
    this.typists = [];
    this.kill();
  }

  noteSaved(): void {
    const known = new Set(this.acknowledged.map(({ marker }) => marker));
    for (const { id, typist } of this.typists)
      for (const marker of typist.saved()) if (!known.has(marker)) this.acknowledged.push({ id, marker });
  }

  get isDown(): boolean {
    return this.life === undefined;
  }

  /** Virtual milliseconds for the folder, and real turns and moments for the log. */
  async pass(ms: number): Promise<void> {
    for (let part = 0; part < 4; part++) {
      await this.time.drain(ms / 4);
      await new Promise((resolve) => void setTimeout(resolve, 2));
    }
  }

  /** Somebody opens the address and types. */
  type(): void {
    const { life } = this;
    if (life === undefined) return;
    const there = this.typists.at(-1);
    if (there !== undefined && this.upTo(2) === 0) return there.typist.type(this.marker('t'));
    let id: DocumentId;
    try {
      id = life.beginnings.resolve(PROJECT, ADDRESS);
    } catch {
      return;
    }
    if (life.beginnings.refusal(id) !== undefined) return;
    const types = this.upTo(4) > 0;
    life.device.rooms
      .open(id)
      .then((room) => {
        if (this.life !== life) return;
        const typist = sitDown(room);
        this.typists.push({ id, typist });
        if (this.crashAt === 'beforeFirstUpdate') {
          this.crashed = this.crashAt;
          typist.type(this.marker('t'));
          this.crash();
        } else if (types) typist.type(this.marker('t'));
      })
      .catch(() => undefined);
  }

  /** A program appends to the file, or makes it. */
  write(): void {
    const before = this.folder.nodes.get(FILE)?.bytes ?? new Uint8Array();
    const marker = this.marker('p');
    this.written.push(marker);
    this.folder.write(FILE, Buffer.concat([before, new TextEncoder().encode(`${marker}\n`)]), 'replace');
    this.notify([FILE]);
  }

  create(): void {
    const marker = this.marker('c');
    this.life?.files
      .create(FILE, `${marker}\n`)
      .then(() => this.written.push(marker))
      .catch(() => undefined);
  }

  remove(): void {
    const record = this.life?.catalog.byPath(PROJECT, FILE);
    if (record === undefined) return;
    this.trace.push('remove');
    this.wasDeleted = true;
    this.life?.files.remove(record.id).catch(() => undefined);
  }

  removeFile(): void {
    if (!this.folder.nodes.delete(FILE)) return;
    this.trace.push('remove file');
    this.wasRemoved = true;
    this.notify([FILE]);
  }

  private marker(kind: string): string {
    const marker = `⟦${kind}${this.counter++}⟧`;
    this.trace.push(marker);
    return marker;
  }

  async check(): Promise<void> {
    if (this.life === undefined) throw new Error('the device is down');
    const { catalog, device } = this.life;
    this.noteSaved();
    const live = [...catalog.list(PROJECT)];
    expect(new Set(live.map(filePathOf)).size, 'documents of one path').toBe(live.length);
    for (const { id, marker } of this.acknowledged) {
      expect(catalog.get(id), `the row of ${marker}`).toBeDefined();
      const { text, seq } = await device.documents.read(id);
      const times = timesIn(text, marker);
      // Where a program writes the file anew that was removed, the text is out of the document, but not of its history.
      if (times === 0 && (this.wasRemoved || this.wasDeleted))
        expect(await this.wasEver(id, marker, seq), `${marker} in history`).toBe(true);
      else expect(times, `${marker} in ${text}`).toBe(1);
    }
    const record = catalog.byPath(PROJECT, FILE);
    const file = this.folder.nodes.get(FILE);
    if (file !== undefined) expect(record, 'a document of the file').toBeDefined();
    if (record === undefined) return;
    const bytes = file === undefined ? '' : new TextDecoder().decode(file.bytes);
    const text = record.file?.seq === -1 ? bytes : (await device.documents.read(record.id)).text;
    expect(bytes).toBe(text);
    if (!this.wasDeleted && !this.wasRemoved)
      for (const marker of this.written) expect(timesIn(text, marker), `${marker} in ${text}`).toBe(1);
  }

  private async wasEver(id: DocumentId, marker: string, seq: number): Promise<boolean> {
    for (let at = seq; at > 0; at--)
      if ((await this.life?.device.documents.textAt(id, at))?.includes(marker) === true) return true;
    return false;
  }

  async stop(): Promise<void> {
    await this.life?.files.close();
    await this.life?.device.close();
  }
}

async function live(seed: number, tally: Tally): Promise<void> {
  const world = new World(seed);
  if (world.upTo(2) === 0) world.folder.write('other.md', new TextEncoder().encode('other\n'), 'replace');
  try {
    await world.start();
    for (let lives = 1 + world.upTo(3); lives > 0; lives--) {
      world.crashAt = POINTS[world.upTo(POINTS.length)] ?? 'never';
      world.crashAfter = world.upTo(2) === 0 ? world.upTo(40) : Number.POSITIVE_INFINITY;
      for (let steps = 2 + world.upTo(5); steps > 0; steps--) {
        const choice = world.upTo(12);
        if (choice < 6) world.type();
        else if (choice < 9) world.write();
        else if (choice === 9) world.create();
        else if (choice === 10) world.remove();
        else world.removeFile();
        await world.pass([0, 1, 60, 400][world.upTo(4)] ?? 0);
      }
      if (!world.isDown) world.crash();
      if (world.crashed !== undefined) tally.crashes.set(world.crashed, (tally.crashes.get(world.crashed) ?? 0) + 1);
      world.crashed = undefined;
      world.crashAt = 'never';
      world.crashAfter = Number.POSITIVE_INFINITY;
      await world.start();
    }
    await world.pass(10_000);
    await world.check();
  } catch (cause) {
    throw new Error(`failed with MARKCO_SEED=${seed} MARKCO_TRIALS=0.001: ${world.trace.join(', ')}`, { cause });
  }
  await world.stop();
  tally.acknowledged += world.acknowledged.length;
  tally.deleted += Number(world.wasDeleted || world.wasRemoved);
  tally.both += Number(world.written.length > 0 && world.acknowledged.length > 0);
}

test('R7 R9 R19 a document that begins by its address loses nothing that was acknowledged, is one, and stays deleted', async () => {
  const { numRuns, seed } = trials('R7 R9 R19 documents that begin by their address', 1_000);
  const tally: Tally = { acknowledged: 0, deleted: 0, both: 0, crashes: new Map() };
  for (let from = 0; from < numRuns; from += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, numRuns - from) }, (_, index) => live(seed + from + index, tally)),
    );
  console.log(
    `  ${tally.acknowledged} edits acknowledged, ${tally.both} files with another writer, ${tally.deleted} deleted; ended at ${[...tally.crashes].map(([point, count]) => `${point} ${count}`).join(', ')}`,
  );
  if (numRuns < 500) return;
  expect(tally.acknowledged).toBeGreaterThan(numRuns);
  for (const point of [
    'beforeRow',
    'afterRow',
    'beforeFirstUpdate',
    'afterTempWritten',
    'afterReplacementNoted',
    'afterRename',
    'afterFolderSynced',
    'afterRecordPut',
  ] as const satisfies readonly (FaultPoint | Point)[])
    expect(tally.crashes.get(point) ?? 0, point).toBeGreaterThanOrEqual(numRuns / 50);
}, 240_000);
