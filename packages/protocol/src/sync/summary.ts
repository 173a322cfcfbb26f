/**
 * What a replica holds, without holding the document: how far it has each client's edits (the state vector) and
 * which of them are deleted. It decides whether an update may be stored as bytes, and its digest tells two replicas
 * that they are equal.
 *
 * Invariants
 * 1. An update is `fresh` only if everything it refers to is held already or comes with it. So no update waits for
 *    another inside a stored document, and none is kept that shows nothing.
 * 2. Absorbing the same updates in any order gives the same digest.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { readTyped, type Typed } from './typed.ts';

/** A half-open range of one client's clock. */
type Range = { from: number; to: number };

export type Summary = {
  readonly clocks: Map<number, number>;
  /** Sorted, and never touching each other. */
  readonly deleted: Map<number, Range[]>;
};

export type Inspection =
  /** `overlap`: edits in it are held already; the caller must check that both say the same. */
  | {
      readonly kind: 'fresh';
      readonly overlap: boolean;
      readonly clocks: Iterable<readonly [client: number, clock: number]>;
      readonly deleted: Iterable<readonly [client: number, ranges: readonly Range[]]>;
    }
  /** All of it is held already. */
  | { readonly kind: 'known'; readonly overlap: boolean }
  /** It refers to edits that are not held: ask for them first. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'invalid'; readonly why: string };

const OUT_OF_RANGE = 'a clock is out of range';
const SELF_REFERENCE = 'text in it refers to itself';

export function emptySummary(): Summary {
  return { clocks: new Map(), deleted: new Map() };
}

/** Looks at an update without applying it. Never throws: what cannot be parsed is `invalid`. */
export function inspectUpdate(summary: Summary, update: Uint8Array): Inspection {
  const typed = readTyped(update);
  return typed === undefined ? inspectAny(summary, update) : inspectTyped(summary.clocks, typed);
}

function inspectTyped(clocks: ReadonlyMap<number, number>, typed: Typed): Inspection {
  const { client, clock, length } = typed;
  const next = clocks.get(client) ?? 0;
  const end = clock + length;
  if (!Number.isSafeInteger(client) || !Number.isSafeInteger(end)) return { kind: 'invalid', why: OUT_OF_RANGE };
  if (clock > next) return { kind: 'gap' };
  const overlap = clock < next;
  for (const id of [typed.origin, typed.rightOrigin, typed.parent]) {
    if (id === undefined) continue;
    const isOwn = id.client === client;
    if (id.clock >= (isOwn ? Math.max(next, end) : (clocks.get(id.client) ?? 0))) return { kind: 'gap' };
    if (isOwn && id.clock >= clock) return { kind: 'invalid', why: SELF_REFERENCE };
  }
  if (end <= next) return { kind: 'known', overlap };
  return { kind: 'fresh', overlap, clocks: [[client, end]], deleted: [] };
}

function inspectAny(summary: Summary, update: Uint8Array): Inspection {
  let decoded: ReturnType<typeof Y.decodeUpdate>;
  try {
    decoded = Y.decodeUpdate(update);
  } catch {
    return { kind: 'invalid', why: 'it is no Yjs update' };
  }
  const { structs } = decoded;
  const parts = decoding.readVarUint(decoding.createDecoder(update));
  // Of two parts for one client Yjs would take in the last alone.
  if (parts > 1 && parts !== new Set(structs.map(({ id }) => id.client)).size)
    return { kind: 'invalid', why: 'it names a client twice' };
  const clocks = new Map<number, number>();
  const held = (client: number): number => clocks.get(client) ?? summary.clocks.get(client) ?? 0;
  let overlap = false;
  for (const struct of structs) {
    const { client, clock } = struct.id;
    const end = clock + struct.length;
    if (!Number.isSafeInteger(client) || !Number.isSafeInteger(end) || struct.length <= 0) {
      return { kind: 'invalid', why: OUT_OF_RANGE };
    }
    if (struct instanceof Y.Skip) return { kind: 'gap' };
    const next = held(client);
    if (clock > next) return { kind: 'gap' };
    if (clock < next) overlap = true;
    if (end > next) clocks.set(client, end);
  }
  for (const struct of structs) {
    for (const { client, clock } of references(struct)) {
      if (clock >= held(client)) return { kind: 'gap' };
      if (client === struct.id.client && clock >= struct.id.clock) return { kind: 'invalid', why: SELF_REFERENCE };
    }
  }
  if (clocks.size > 1 && !hasOrder(structs, summary.clocks)) return { kind: 'invalid', why: SELF_REFERENCE };
  const deleted = new Map<number, Range[]>();
  let newDeletes = false;
  for (const [client, items] of decoded.ds.clients) {
    const ranges: Range[] = [];
    const known = summary.deleted.get(client);
    for (const { clock, len } of items) {
      // Yjs writes none, and throws at one that it cannot apply at once.
      if (len <= 0) return { kind: 'invalid', why: 'a deletion in it is empty' };
      if (clock + len > held(client)) return { kind: 'gap' };
      ranges.push({ from: clock, to: clock + len });
      if (!newDeletes && !covers(known, clock, clock + len)) newDeletes = true;
    }
    deleted.set(client, ranges);
  }
  if (clocks.size === 0 && !newDeletes) return { kind: 'known', overlap };
  return { kind: 'fresh', overlap, clocks, deleted };
}

/** What must be in place before it: its neighbors when it was written, and what it is part of. */
function references(struct: Y.Item | Y.GC | Y.Skip): Y.ID[] {
  if (!(struct instanceof Y.Item)) return [];
  const found: Y.ID[] = [];
  if (struct.origin !== null) found.push(struct.origin);
  if (struct.rightOrigin !== null) found.push(struct.rightOrigin);
  // As decoded, a nested parent is still its id; the type only names the form it takes once applied.
  const parent: unknown = struct.parent;
  if (parent instanceof Y.ID) found.push(parent);
  return found;
}

/**
 * Whether edits of several clients, which refer to nothing beyond themselves and `held`, can be put in place one
 * after the other. Those that refer to each other in a circle would wait for ever inside the document.
 */
function hasOrder(structs: readonly (Y.Item | Y.GC | Y.Skip)[], held: ReadonlyMap<number, number>): boolean {
  const clocks = new Map(held);
  const queues = new Map<number, { readonly structs: (Y.Item | Y.GC | Y.Skip)[]; next: number }>();
  for (const struct of structs) {
    const queue = queues.get(struct.id.client);
    if (queue === undefined) queues.set(struct.id.client, { structs: [struct], next: 0 });
    else queue.structs.push(struct);
  }
  /** By the client they wait for. */
  const waiting = new Map<number, number[]>();
  const ready = [...queues.keys()];
  let left = structs.length;
  for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
    const queue = queues.get(client);
    if (queue === undefined) continue;
    const began = queue.next;
    let missing: Y.ID | undefined;
    for (let struct = queue.structs[queue.next]; struct !== undefined; struct = queue.structs[queue.next]) {
      missing = references(struct).find((id) => id.client !== client && id.clock >= (clocks.get(id.client) ?? 0));
      if (missing !== undefined) break;
      clocks.set(client, Math.max(clocks.get(client) ?? 0, struct.id.clock + struct.length));
      queue.next++;
      left--;
    }
    if (queue.next > began) {
      ready.push(...(waiting.get(client) ?? []));
      waiting.delete(client);
    }
    if (missing !== undefined) waiting.set(missing.client, [...(waiting.get(missing.client) ?? []), client]);
  }
  return left === 0;
}

/** Takes in what an inspection found. */
export function absorb(summary: Summary, found: News): void {
  for (const [client, clock] of found.clocks) summary.clocks.set(client, clock);
  for (const [client, ranges] of found.deleted) {
    let known = summary.deleted.get(client);
    if (known === undefined) summary.deleted.set(client, (known = []));
    for (const range of ranges) addRange(known, range.from, range.to);
  }
}

/** The summary of a whole state or of an update that lacks nothing. */
export function summarize(update: Uint8Array): Summary {
  const summary = emptySummary();
  const found = inspectUpdate(summary, update);
  if (found.kind === 'fresh') absorb(summary, found);
  else if (found.kind !== 'known') throw new Error(`not a whole state: ${found.kind}`);
  return summary;
}

/** The same summary from a live document. */
export function summarizeDoc(doc: Y.Doc): Summary {
  const summary: Summary = { clocks: decodeStateVector(Y.encodeStateVector(doc)), deleted: new Map() };
  for (const [client, items] of Y.createDeleteSetFromStructStore(doc.store).clients) {
    const ranges: Range[] = [];
    for (const { clock, len } of items) addRange(ranges, clock, clock + len);
    summary.deleted.set(client, ranges);
  }
  return summary;
}

export function decodeStateVector(bytes: Uint8Array): Map<number, number> {
  return Y.decodeStateVector(bytes);
}

export function encodeStateVector(clocks: ReadonlyMap<number, number>): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clocks.size);
  for (const [client, clock] of [...clocks].sort((a, b) => b[0] - a[0])) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
  }
  return encoding.toUint8Array(encoder);
}

/** Whether `clocks` is at least as far as `wanted` for every client. */
export function reaches(clocks: ReadonlyMap<number, number>, wanted: ReadonlyMap<number, number>): boolean {
  for (const [client, clock] of wanted) if ((clocks.get(client) ?? 0) < clock) return false;
  return true;
}

/** What an update brings that is fresh, or another summary. */
export type News = Pick<Extract<Inspection, { kind: 'fresh' }>, 'clocks' | 'deleted'>;

/** Whether all of it is in the summary. */
export function includes(summary: Summary, news: News): boolean {
  for (const [client, clock] of news.clocks) if ((summary.clocks.get(client) ?? 0) < clock) return false;
  for (const [client, ranges] of news.deleted)
    for (const { from, to } of ranges) if (!covers(summary.deleted.get(client), from, to)) return false;
  return true;
}

/** A summary as bytes, the same for the same content. */
export function encodeSummary(summary: Summary): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint8Array(encoder, encodeStateVector(summary.clocks));
  const clients = [...summary.deleted].filter(([, ranges]) => ranges.length > 0).sort((a, b) => b[0] - a[0]);
  encoding.writeVarUint(encoder, clients.length);
  for (const [client, ranges] of clients) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, ranges.length);
    let last = 0;
    for (const { from, to } of ranges) {
      encoding.writeVarUint(encoder, from - last);
      encoding.writeVarUint(encoder, to - from);
      last = to;
    }
  }
  return encoding.toUint8Array(encoder);
}

export function decodeSummary(bytes: Uint8Array): Summary {
  const decoder = decoding.createDecoder(bytes);
  const clocks = decodeStateVector(decoding.readVarUint8Array(decoder));
  const deleted = new Map<number, Range[]>();
  const clients = decoding.readVarUint(decoder);
  for (let i = 0; i < clients; i++) {
    const client = decoding.readVarUint(decoder);
    const ranges: Range[] = [];
    let last = 0;
    const count = decoding.readVarUint(decoder);
    for (let j = 0; j < count; j++) {
      const from = last + decoding.readVarUint(decoder);
      last = from + decoding.readVarUint(decoder);
      ranges.push({ from, to: last });
    }
    deleted.set(client, ranges);
  }
  return { clocks, deleted };
}

export const DIGEST_BYTES = 8;
/** "I hold nothing": what a client sends that has no copy. */
export const NO_DIGEST = new Uint8Array(DIGEST_BYTES);

/**
 * 8 bytes that two replicas compare instead of their states. No cryptographic hash: it saves bytes between devices
 * that trust each other, and a miss costs one ordinary exchange.
 */
export function digestOf(summary: Summary): Uint8Array {
  const bytes = encodeSummary(summary);
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x9e3779b1);
    b = Math.imul(b ^ byte, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  const digest = new Uint8Array(DIGEST_BYTES);
  const view = new DataView(digest.buffer);
  view.setUint32(0, a >>> 0);
  view.setUint32(4, b >>> 0);
  return digest;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function covers(ranges: readonly Range[] | undefined, from: number, to: number): boolean {
  if (ranges === undefined) return false;
  const range = ranges[lowerBound(ranges, from)];
  return range !== undefined && range.from <= from && range.to >= to;
}

/** The first range that ends at or after `from`, so that it may touch what starts there. */
function lowerBound(ranges: readonly Range[], from: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.to ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addRange(ranges: Range[], from: number, to: number): void {
  const start = lowerBound(ranges, from);
  let end = start;
  let low = from;
  let high = to;
  while (end < ranges.length) {
    const range = ranges[end];
    if (range === undefined || range.from > to) break;
    low = Math.min(low, range.from);
    high = Math.max(high, range.to);
    end++;
  }
  if (end === start + 1) {
    const range = ranges[start];
    if (range !== undefined) {
      range.from = low;
      range.to = high;
      return;
    }
  }
  ranges.splice(start, end - start, { from: low, to: high });
}
