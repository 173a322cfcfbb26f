/**
 * Keeps true what the catalog says of a document's text: its title, its size and its hash. A document that is being
 * written is read once it rests, and at the latest after a while; all the later, the longer it takes to read what is
 * due. That it is due is on disk before the change is, so that a kill leaves none behind.
 */
import { titleOf, type DocumentId } from '@markco/protocol';
import type { DocumentRecord } from '@markco/replica/documents/document-record';
import { TEXT_NAME } from '@markco/replica/documents/insertion';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Documents } from '@markco/replica/documents/documents';
import type { Rooms } from '@markco/replica/documents/rooms';
import { idOf, keyOf, tableRange } from '@markco/replica/store/key';
import type { Store, StoreWrite } from '@markco/replica/store/store';
import { factsOf } from '@markco/replica/projects/folderless';
import * as Y from 'yjs';
import type { DocumentRow, DocumentsTable } from '../store/documents-table.ts';

const REST_MS = 300;
const LATEST_MS = 2_000;
/** After reading, so many times as long is left to who writes; up to a bound, as a site lists its pages by what was read. */
const PAUSE = 9;
const PAUSE_MS_MAX = 4_000;
/** Documents that are read at once. */
const AT_ONCE = 4;
/** Documents, and bytes of them, that are written together: a commit each takes longer than all the rest. */
const GROUP_MAX = 64;
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
const AGAIN_MS = 5_000;
/** A mark is renewed while its process lives; one that is older was left behind. */
const LEFT_AFTER_MS = 60_000;
const LOOK_MS = 30_000;

/** What a document says. */
type Found = { readonly id: DocumentId; readonly text: string; readonly state: Uint8Array | null };

export function keepFacts(parts: {
  readonly store: Pick<Store, 'range' | 'write'>;
  /** 8 bytes that are this process' alone. */
  readonly process: Uint8Array;
  /** Whether other processes mark what is due at them, too. */
  readonly isShared: boolean;
  readonly rooms: Pick<Rooms, 'onChange'>;
  readonly catalog: Pick<DocumentCatalog, 'all' | 'get' | 'onChange' | 'project' | 'projects' | 'put'>;
  readonly documents: Pick<Documents, 'inspect'>;
  /** Where it is written too, for whoever reads the database. */
  readonly table: DocumentsTable | null;
  readonly now: () => number;
  readonly onTrouble: (doing: string, cause: unknown) => void;
}): { close(): Promise<void> } {
  const { store, catalog, documents, table, now, onTrouble, process, isShared } = parts;
  /** Since when each is not what the catalog says, and when it changed last. */
  const due = new Map<DocumentId, { readonly since: number; last: number }>();
  /** Marks of processes that have ended. */
  const left = new Map<DocumentId, Uint8Array[]>();
  /** Rows that were put here: they are told of as those of others are. */
  const own = new WeakSet<DocumentRecord>();
  let pausesUntil = 0;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let closed = false;

  async function read(id: DocumentId): Promise<Found | undefined> {
    const found = await documents.inspect(id, (doc) => ({
      text: doc.getText(TEXT_NAME).toString(),
      state: table === null ? null : Y.encodeStateAsUpdate(doc),
    }));
    const record = catalog.get(id);
    if (record !== undefined && record.deletedAt === undefined) return { id, ...found };
    await table?.remove(id);
    await unmark([id]);
    return undefined;
  }

  /** Writes what was found of several: three statements, however many they are. */
  async function keep(found: readonly Found[]): Promise<void> {
    const changed: DocumentRecord[] = [];
    const rows: DocumentRow[] = [];
    for (const { id, text, state } of found) {
      const before = catalog.get(id);
      if (before === undefined || before.deletedAt !== undefined) continue;
      const facts = { ...factsOf(text), title: titleOf(text, before.path) };
      const isSame = facts.contentHash === before.contentHash && facts.title === before.title;
      const record = isSame ? before : { ...before, ...facts, updatedAt: new Date(now()).toISOString() };
      if (!isSame) changed.push(record);
      const project = catalog.project(record.projectId)?.project;
      if (state !== null && project !== undefined) rows.push({ record, project, text, state });
    }
    for (const record of changed) own.add(record);
    if (changed.length > 0) await catalog.put(changed);
    if (rows.length > 0) await table?.put(rows);
    await unmark(found.map(({ id }) => id));
  }

  /** While the store refuses nothing is written, and this neither: what is due is known here, and is written with the rest. */
  const write = (batch: readonly StoreWrite[]): Promise<void> =>
    store.write(batch, { sync: false }).catch(() => undefined);
  const markOf = (id: DocumentId): Uint8Array => Buffer.concat([keyOf('f', id), process]);

  function mark(id: DocumentId): Promise<void> {
    const at = new Uint8Array(8);
    new DataView(at.buffer).setFloat64(0, now());
    return write([{ key: markOf(id), value: at }]);
  }

  async function unmark(ids: readonly DocumentId[]): Promise<void> {
    const keys = ids.flatMap((id) => [...(left.get(id) ?? []), ...(due.has(id) ? [] : [markOf(id)])]);
    if (keys.length > 0) await write(keys.map((key) => ({ key, value: null })));
    for (const id of ids) left.delete(id);
  }

  /** What cannot be done now is due again. */
  async function orAgain(id: DocumentId, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      // It went with its account.
      if (catalog.get(id) === undefined) return;
      onTrouble(`describing ${id}`, cause);
      setTimeout(note, AGAIN_MS, id).unref();
    }
  }

  /** As many as may be written together, taken from those that wait. */
  async function readGroup(waiting: DocumentId[]): Promise<readonly Found[]> {
    const group: Found[] = [];
    let bytes = 0;
    const next = async (): Promise<void> => {
      while (group.length < GROUP_MAX && bytes < GROUP_BYTES_MAX) {
        const id = waiting.shift();
        if (id === undefined) return;
        await orAgain(id, async () => {
          const found = await read(id);
          if (found === undefined) return;
          group.push(found);
          bytes += found.text.length + (found.state?.length ?? 0);
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    return group;
  }

  async function keepAll(ids: readonly DocumentId[]): Promise<void> {
    const waiting = [...ids];
    while (waiting.length > 0) {
      const group = await readGroup(waiting);
      try {
        await keep(group);
      } catch {
        // One of them may be at fault: each by itself, so that the others are not held up by it.
        for (const found of group) await orAgain(found.id, () => keep([found]));
      }
    }
  }

  function look(isLast: boolean): void {
    timer = undefined;
    const at = now();
    const ready = [...due].filter(
      ([, { since, last }]) => isLast || at - last >= REST_MS || at - since >= LATEST_MS || at < last,
    );
    for (const [id] of ready) due.delete(id);
    working = keepAll(ready.map(([id]) => id)).finally(() => {
      working = undefined;
      if (ready.length > 0) pausesUntil = now() + Math.min(PAUSE_MS_MAX, PAUSE * (now() - at));
      plan();
    });
  }

  function plan(): void {
    if (due.size > 0 && working === undefined)
      timer ??= setTimeout(look, Math.max(REST_MS, Math.min(PAUSE_MS_MAX, pausesUntil - now())), false);
  }

  function note(id: DocumentId): void {
    if (closed) return;
    const at = now();
    const known = due.get(id);
    if (known === undefined) {
      due.set(id, { since: at, last: at });
      void mark(id);
    } else known.last = at;
    plan();
  }

  /** What a process left behind that was killed. */
  async function takeLeft(): Promise<void> {
    for await (const [key, value] of store.range(tableRange('f'))) {
      const at = value.length === 8 ? new DataView(value.buffer, value.byteOffset).getFloat64(0) : 0;
      if (isShared && now() - at < LEFT_AFTER_MS) continue;
      const id = idOf(key) as DocumentId;
      const keys = left.get(id);
      if (keys === undefined) left.set(id, [key]);
      else keys.push(key);
      note(id);
    }
  }

  async function resume(): Promise<void> {
    await takeLeft();
    const written = await table?.written();
    if (written === undefined) return;
    for (const { project } of catalog.projects())
      for (const record of catalog.all(project.id)) if (isStale(record, written.get(record.id))) note(record.id);
  }

  const stops = [
    // Whoever took it in keeps it.
    parts.rooms.onChange(({ id, isElsewhere }) => {
      if (isElsewhere !== true) note(id);
    }),
  ];
  if (isShared) {
    const looking = setInterval(() => void takeLeft().catch(() => undefined), LOOK_MS).unref();
    stops.push(() => clearInterval(looking));
  }
  resume().catch((cause: unknown) => onTrouble('looking for documents that are due', cause));
  if (table !== null) {
    // A name or a deletion is in the table too.
    stops.push(
      catalog.onChange(({ changed, removed, isElsewhere }) => {
        if (isElsewhere === true) return;
        const news = changed.filter((record) => isBegun(record) && !own.has(record));
        for (const id of [...news.map((record) => record.id), ...removed]) note(id);
      }),
    );
  }

  return {
    /** What is due is written first. */
    async close() {
      closed = true;
      for (const stop of stops) stop();
      clearTimeout(timer);
      await working;
      look(true);
      await working;
      clearTimeout(timer);
    },
  };
}

const isBegun = ({ contentHash }: DocumentRecord): boolean => contentHash !== '';

function isStale(record: DocumentRecord, writtenAt: number | undefined): boolean {
  if (record.deletedAt !== undefined) return writtenAt !== undefined;
  return isBegun(record) && writtenAt !== Date.parse(record.updatedAt);
}
