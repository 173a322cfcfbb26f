/**
 * Who changed what and when: the history of the mesh record in facts, newest first. Each change names its device in its
 * author, and a device is believed about itself only.
 */
import { getChangesMetaSince, getObjectId, inspectChange, type Doc } from '@automerge/automerge';
import {
  DeviceIdSchema,
  DevicePolicySchema,
  formatUuid,
  LIMITS,
  type Change,
  type DeviceId,
  type ProjectId,
} from '@markco/protocol';
import { TABLES, type RawRecord, type Row, type TableName } from './beginning.ts';
import { plain } from './view.ts';

type Place = { readonly table: TableName; readonly row: string | null };
type Op = { readonly action: string; readonly obj: string; readonly key?: unknown; readonly value?: unknown };

/** @param limit of what is told */
export function readHistory(raw: Doc<RawRecord>, limit: number): readonly Change[] {
  const places = placesOf(raw);
  const found: Change[] = [];
  /** Of each device and project, the place of the change after the one that is looked at. */
  const later = new Map<string, number>();
  const newestFirst = getChangesMetaSince(raw, [])
    .map((meta, index) => ({ ...meta, index }))
    .toSorted((a, b) => b.time - a.time || b.index - a.index);
  for (const { actor, hash, time } of newestFirst) {
    if (found.length >= limit) break;
    const author = authorOf(actor);
    if (author === null || time <= 0 || time > SECONDS_MAX) continue;
    const told = { at: new Date(time * 1_000).toISOString(), by: { id: author, name: nameOf(raw, author) } };
    for (const fact of factsOf(raw, places, author, inspectChange(raw, hash)?.ops ?? []).toReversed()) {
      if ('project' in fact) {
        const key = `${author} ${fact.project.id}`;
        const next = found[later.get(key) ?? -1];
        // What was attached after its files had lagged was not opened: they have caught up.
        if (fact.what === 'lags' && next?.what === 'opened')
          found[later.get(key) ?? -1] = { ...next, what: 'caught-up' };
        later.set(key, found.length);
      }
      found.push({ ...told, ...fact });
    }
  }
  return found.slice(0, limit);
}

type Fact = Change extends infer C ? (C extends Change ? Omit<C, 'at' | 'by'> : never) : never;

function factsOf(raw: RawRecord, places: ReadonlyMap<string, Place>, author: DeviceId, ops: readonly Op[]): Fact[] {
  const facts: Fact[] = [];
  const isFirst = ops.some(({ obj, key }) => places.get(obj)?.table === 'devices' && key === author);
  if (isFirst) facts.push({ what: 'joined' });
  const policy: Row = {};
  for (const { action, obj, key, value: given } of ops) {
    const place = places.get(obj);
    if (place?.row === undefined || place.row === null || typeof key !== 'string' || action !== 'set') continue;
    const value = plain(given);
    if (place.table === 'members' && value === author) {
      const device = DeviceIdSchema.safeParse(place.row);
      if (device.success && (key === 'addedBy' || key === 'removedBy'))
        facts.push({
          what: key === 'addedBy' ? 'added' : 'removed',
          device: { id: device.data, name: nameOf(raw, device.data) },
        });
    }
    if (place.row !== author) continue;
    if (place.table === 'attachments') {
      const what = ATTACHMENT_WORDS[String(value)];
      if (what !== undefined) facts.push({ what, project: projectOf(raw, key) });
    } else if (place.table === 'devices' && !isFirst) {
      if (key === 'name' && typeof value === 'string') facts.push({ what: 'called', name: cut(value) });
      else if (key === 'version' && typeof value === 'string') facts.push({ what: 'upgraded', version: cut(value) });
      else if (key === 'opensAll' && typeof value === 'boolean') facts.push({ what: 'opens-all', on: value });
      else if (POLICY[key]?.safeParse(value).success === true) policy[key] = value;
    }
  }
  if (Object.keys(policy).length > 0) facts.push({ what: 'policy', policy });
  return facts;
}

const POLICY: Readonly<Record<string, { safeParse(value: unknown): { readonly success: boolean } } | undefined>> =
  DevicePolicySchema.shape;

/** What is on its way is not told: it arrives or is given up. */
const ATTACHMENT_WORDS: Readonly<Record<string, 'opened' | 'closed' | 'lags' | undefined>> = {
  attached: 'opened',
  detached: 'closed',
  stale: 'lags',
};

/** Where each object of the record is in it. An object that lost to another one in the same place is nowhere. */
function placesOf(raw: RawRecord): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const table of TABLES) {
    const rows = raw[table];
    const tableId = getObjectId(rows);
    if (tableId !== null) places.set(tableId, { table, row: null });
    for (const [row, fields] of Object.entries(rows)) {
      const id = getObjectId(fields);
      if (id !== null) places.set(id, { table, row });
    }
  }
  return places;
}

/** Unix seconds that are still a date people write. */
const SECONDS_MAX = 253_402_300_799;
const UUID_HEX = 32;

function authorOf(actor: string): DeviceId | null {
  if (actor.length < UUID_HEX) return null;
  const id = DeviceIdSchema.safeParse(formatUuid(new Uint8Array(Buffer.from(actor.slice(0, UUID_HEX), 'hex'))));
  return id.success ? id.data : null;
}

const cut = (text: string): string => text.slice(0, LIMITS.nameCharsMax);

function nameOf(raw: RawRecord, id: DeviceId): string {
  const name = plain(raw.devices[id]?.['name']);
  return typeof name === 'string' && name !== '' ? cut(name) : id.slice(-4);
}

function projectOf(raw: RawRecord, id: string): { id: ProjectId; displayName: string } {
  const name = plain(raw.projects[id]?.['displayName']);
  return { id: id as ProjectId, displayName: typeof name === 'string' && name !== '' ? cut(name) : id.slice(-4) };
}
