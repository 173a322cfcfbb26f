/**
 * Where things are in the store. A key is one letter, then fixed-width parts, so that a prefix is a range.
 *
 *   u doc[16] seq[8]   updates not yet compacted, to seq   (documents/log.ts)
 *   s doc[16]          the compacted state                 (documents/log.ts)
 *   h doc[16] seq[8]   history up to seq                   (documents/history.ts)
 *   k doc[16] seq[8]   the whole state as it was at seq    (documents/history.ts)
 *   d doc[16]          the catalog's row of a document
 *   f doc[16]          a document that the catalog's row is behind (rendezvous)
 *   p project[16]      a project
 *   r run[16]          a run
 *   e run[16]          a run of another device whose events are copied here
 *   i session[16]      a session
 *   a project[16] path a file that the user's devices all have (mesh/assets)
 *   b part/part/…      what is public, and copies of files (rendezvous)
 *   m name             what this device knows of itself
 *   n part/part/…      runs that plain agents took (rendezvous/agents)
 *   w part/part/…      who may come in (rendezvous/accounts)
 *   g part/part/…      what all devices of the user have (mesh/record)
 */
import { formatUuid, parseUuid } from '@markco/protocol';

export type Table = 'u' | 's' | 'h' | 'k' | 'd' | 'f' | 'p' | 'r' | 'e' | 'i' | 'a' | 'b' | 'm' | 'n' | 'w' | 'g';

export function keyOf(table: Table, id: string): Uint8Array {
  const key = new Uint8Array(17);
  key[0] = table.charCodeAt(0);
  key.set(parseUuid(id), 1);
  return key;
}

export function keyAt(table: Table, id: string, seq: number): Uint8Array {
  const key = new Uint8Array(25);
  key.set(keyOf(table, id));
  writeSeq(key, seq);
  return key;
}

function writeSeq(key: Uint8Array, seq: number): void {
  let rest = seq;
  for (let at = 24; at > 16; at--) {
    key[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

export function nameKey(name: string): Uint8Array {
  return new TextEncoder().encode(`m${name}`);
}

/** Of all that there is of one kind, and of no one of them. */
export const letterKey = (letter: string): Uint8Array => new TextEncoder().encode(letter);

/** Of a project's rows together (`shared-store.ts`). */
export function rowsKey(projectId: string): Uint8Array {
  const key = keyOf('p', projectId);
  key[0] = 'c'.charCodeAt(0);
  return key;
}

/** A name of several parts, none with a slash in it. */
export function pathKey(table: Table, path: readonly string[]): Uint8Array {
  return new TextEncoder().encode(`${table}${path.join('/')}`);
}

/** Everything whose name begins with these parts and goes on. */
export function pathRange(table: Table, path: readonly string[]): { gte: Uint8Array; lt: Uint8Array } {
  const end = (last: string): Uint8Array => new TextEncoder().encode(`${table}${path.join('/')}${last}`);
  return { gte: end('/'), lt: end('0') };
}

/** The id in a `keyOf` key. */
export const idOf = (key: Uint8Array): string => formatUuid(key.subarray(1, 17));

/** The position at the end of a `keyAt` key. */
export function seqOf(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(17));
}

/** Everything in a table. */
export function tableRange(table: Table): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: Uint8Array.of(table.charCodeAt(0)), lt: Uint8Array.of(table.charCodeAt(0) + 1) };
}

/** The positions `from` to `to` of one document, both included. */
export function seqRange(
  table: Table,
  id: string,
  from = 0,
  to = Number.MAX_SAFE_INTEGER - 1,
): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: keyAt(table, id, from), lt: keyAt(table, id, to + 1) };
}

/** A file of a project, by its path. */
export function fileKey(projectId: string, path: string): Uint8Array {
  return Buffer.concat([keyOf('a', projectId), new TextEncoder().encode(path)]);
}

/** All files of one project: no byte of UTF-8 is as high as the one that ends it. */
export function filesRange(projectId: string): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: keyOf('a', projectId), lt: Buffer.concat([keyOf('a', projectId), Uint8Array.of(0xff)]) };
}
