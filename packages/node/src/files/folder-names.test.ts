/**
 * R19: files and documents come, go and are renamed by programs and by the page, with crashes in between. In the end
 * each file is one live document, a file that was renamed has the id it had, and no tombstone ever came back.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filePathOf, type DocumentId, type ProjectId } from '@markco/protocol';
import type { Catalog } from '@markco/replica/documents/document-record';
import { createMemoryCatalog } from './catalog-memory.ts';
import { createMemoryFolder } from './files-memory.ts';
import { createFolder, type Folder } from './folder.ts';
import type { FaultPoint } from './reconcile.ts';
import { createMemoryTexts } from './texts-memory.ts';
import { createVirtualTimer } from './timer-virtual.ts';
import type { Timer } from './timer.ts';

const SCALE = Number(process.env.MARKCO_TRIALS ?? 1);
const PROJECT = '00000000-0000-7000-8000-00000000abcd' as ProjectId;
const NAMES = ['a.md', 'b.md', 'sub/c.md', 'sub/d.qmd', 'a.qmd', 'sub/deep/e.md'];
const name = fc.constantFrom(...NAMES);
const crashAt = fc.constantFrom<FaultPoint | 'never'>(
  'never',
  'never',
  'never',
  'afterMove',
  'afterUnlink',
  'afterRename',
);

const action = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      'program-creates' as const,
      'program-deletes' as const,
      'program-edits' as const,
      'page-creates' as const,
      'page-deletes' as const,
      'page-types' as const,
    ),
    name,
    crashAt,
  }),
  fc.record({ do: fc.constantFrom('program-renames' as const, 'page-renames' as const), name, to: name, crashAt }),
  fc.record({ do: fc.constantFrom('crash' as const, 'stale-peer' as const), name, crashAt }),
);
const step = fc.record({ action, ms: fc.constantFrom(0, 20, 100, 700) });
type Step = {
  readonly action: {
    readonly do: string;
    readonly name: string;
    readonly to?: string;
    readonly crashAt: FaultPoint | 'never';
  };
  readonly ms: number;
};

async function runNames(steps: readonly Step[]): Promise<void> {
  const time = createVirtualTimer();
  const disk = createMemoryFolder();
  const texts = createMemoryTexts();
  const rows = createMemoryCatalog();
  const idOf = new Map<string, DocumentId>();
  const everAt = new Map<string, Set<string>>();
  const unchecked = new Set<string>();
  let counter = 1;
  let alive: { current: boolean } = { current: false };
  let folder: Folder | undefined;
  let notify = (_paths: readonly string[]): void => undefined;
  let crashPoint: FaultPoint | 'never' = 'never';
  const never = new Promise<never>(() => undefined);

  const catalog: Catalog = {
    ...rows,
    put(records) {
      for (const record of records)
        if (rows.get(record.id)?.deletedAt !== undefined)
          expect(record.deletedAt, 'a tombstone came back').toBeDefined();
      return rows.put(records);
    },
  };
  const start = async (): Promise<void> => {
    const mine: { current: boolean } = { current: true };
    alive = mine;
    const timer: Timer = { now: time.now, after: (ms, run) => time.after(ms, () => mine.current && run()) };
    folder = createFolder(
      {
        files: disk.files(() => (mine.current ? undefined : never)),
        catalog: { ...catalog, put: (records) => (mine.current ? catalog.put(records) : never) },
        texts: { ...texts, onChange: (listener) => texts.onChange((id, seq) => mine.current && listener(id, seq)) },
        ids: {
          now: () => 1_700_000_000_000 + counter,
          randomBytes: (length) => Uint8Array.from({ length }, (_, i) => (counter++ * 89 + i * 13) & 255),
        },
        timer,
        watcher: {
          open: (_root, { changed }) => {
            notify = (paths) => void timer.after(10, () => changed(paths));
            return Promise.resolve({ close: () => Promise.resolve() });
          },
        },
        fault: (point) => {
          if (point !== crashPoint) return;
          crashPoint = 'never';
          mine.current = false;
          throw new Error('crash');
        },
      },
      { root: '/names', projectId: PROJECT },
    );
    folder.open(new AbortController().signal).catch(() => undefined);
    await time.drain(700);
    for (const record of rows.list(PROJECT)) {
      if (record.file === null || record.file.seq >= 0) continue;
      const initial = await Promise.race([
        folder.initialText(record.id).catch(() => null),
        time.drain(50).then(() => null),
      ]);
      const now = rows.get(record.id);
      if (initial !== null && now !== undefined && now.deletedAt === undefined && counter % 3 > 0)
        await rows.put([{ ...now, file: { ...initial.file, seq: texts.import(record.id, initial.text) } }]);
    }
  };
  const markerAt = (path: string): string | undefined =>
    new TextDecoder().decode(disk.nodes.get(path)?.bytes).match(/⟦\d+⟧/)?.[0];
  const noteIds = (): void => {
    for (const record of rows.list(PROJECT)) {
      const marker = markerAt(filePathOf(record));
      if (marker !== undefined && !idOf.has(marker)) idOf.set(marker, record.id);
    }
  };
  const occupy = (path: string, marker: string): void => {
    const before = everAt.get(path) ?? new Set();
    if (before.size > 0 && !before.has(marker)) for (const other of [...before, marker]) unchecked.add(other);
    everAt.set(path, before.add(marker));
  };
  const perform = ({ do: what, name: path, to = path }: Step['action']): void => {
    const inode = disk.nodes.get(path);
    const record = rows.byPath(PROJECT, path);
    const content = `⟦${counter++}⟧ content`;
    const asked: Promise<unknown>[] = [];
    if (what === 'program-creates' && inode === undefined) {
      disk.write(path, new TextEncoder().encode(content), 'replace');
      occupy(path, content.slice(0, -' content'.length));
    } else if (what === 'program-deletes') disk.nodes.delete(path);
    else if (what === 'program-edits' && inode !== undefined)
      disk.fill(inode, Buffer.concat([inode.bytes, new TextEncoder().encode(`+${counter}`)]));
    else if (what === 'program-renames' && inode !== undefined && disk.nodes.get(to) === undefined) {
      disk.nodes.delete(path);
      if (to.includes('/') && !disk.nodes.has('sub/deep')) disk.write('sub/deep/x.txt', new Uint8Array(), 'replace');
      disk.nodes.set(to, inode);
      occupy(to, markerAt(to) ?? '');
    } else if (alive.current && folder !== undefined) {
      if (what === 'page-creates')
        asked.push(folder.create(path, content).then(() => occupy(path, content.slice(0, -' content'.length))));
      else if (record !== undefined && what === 'page-deletes') asked.push(folder.remove(record.id));
      else if (record !== undefined && what === 'page-renames') {
        const marker = markerAt(path);
        if (marker !== undefined && to !== path) occupy(to, marker);
        asked.push(folder.rename(record.id, to));
      } else if (what === 'page-types' && record !== undefined && (record.file?.seq ?? -1) >= 0)
        texts.type(record.id, { at: texts.text(record.id).length, remove: 0, insert: `-${counter}` });
      else if (what === 'stale-peer') {
        const gone = [...idOf.values()].find(
          (id) => rows.get(id)?.deletedAt !== undefined && (rows.get(id)?.file?.seq ?? -1) >= 0,
        );
        if (gone !== undefined) texts.type(gone, { at: 0, remove: 0, insert: 'stale ' });
      }
    }
    for (const promise of asked) promise.catch(() => undefined);
    notify([path, to]);
  };

  disk.write('a.md', new TextEncoder().encode('⟦0⟧ text'), 'replace');
  occupy('a.md', '⟦0⟧');
  await start();
  for (const { action: next, ms } of steps) {
    noteIds();
    if (next.crashAt !== 'never') crashPoint = next.crashAt;
    perform(next);
    if (next.do === 'crash') alive.current = false;
    await time.drain(ms);
    if (!alive.current) await start();
  }
  crashPoint = 'never';
  await time.drain();
  if (!alive.current) await start();
  await time.drain();
  const onDisk = [...disk.nodes]
    .flatMap(([path, { kind }]) => (kind === 'file' && !path.endsWith('.txt') ? [path] : []))
    .toSorted();
  const live = [...rows.list(PROJECT)];
  // An empty folder is taken for a disk that is not mounted: then nothing is believed to be deleted.
  if (disk.nodes.size > 0) expect(live.map(filePathOf).toSorted()).toEqual(onDisk);
  expect(new Set(live.map(({ path, ext }) => `${path} ${ext}`)).size).toBe(live.length);
  for (const record of live) {
    const bytes = disk.nodes.get(filePathOf(record))?.bytes;
    if (bytes === undefined) continue;
    if ((record.file?.seq ?? -1) >= 0) expect(texts.text(record.id)).toBe(new TextDecoder().decode(bytes));
    const marker = markerAt(filePathOf(record));
    if (marker !== undefined && idOf.has(marker) && !unchecked.has(marker))
      expect(record.id, `${marker} at ${filePathOf(record)}`).toBe(idOf.get(marker));
  }
}

test('R19 each file is one live document, renamed ones keep their ids, and nothing deleted comes back', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), runNames), {
    numRuns: Math.ceil(1_000 * SCALE),
  });
}, 120_000);
