/**
 * Files that keep a write safe from a kill at the price of one `write` call, in the same turn, until the store has it.
 *
 *   entry   length[4] crc32[4] number[8] payload      the checksum is over number and payload
 *   payload n × (keyLength[4] key valueLength[4] value)      valueLength FFFFFFFF: the key is removed
 *
 * Invariants
 * 1. Entries are numbered without a gap. What is read back is every entry after the last that the store has, up to
 *    the first that is missing or torn: always a prefix of what was appended.
 * 2. A file is written over only after the store has everything in it.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { StoreWrite } from './store.ts';

export type Sealed = {
  /** Number of its last entry. */
  readonly last: number;
  /** The store has all of it: the file may be used again. */
  release(): void;
};

export type WriteAhead = {
  /**
   * When it returns, a kill loses nothing of the batch. Throws what the disk said; then nothing of it counts.
   * @returns the batch in bytes of its own
   */
  append(batch: readonly StoreWrite[]): StoreWrite[];
  /** Everything appended so far; what follows goes elsewhere. */
  seal(): Sealed;
  close(): void;
};

type Entry = { readonly number: number; readonly batch: readonly StoreWrite[] };
type OpenFile = { readonly descriptor: number; offset: number };

const HEADER_BYTES = 16;
const REMOVED = 0xffff_ffff;

/** What `folder` holds that the store, which has entry `has` and all before it, does not. */
export function readAhead(folder: string, has: number): Entry[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const entries = readdirSync(folder).flatMap((name) => entriesOf(readFileSync(join(folder, name))));
  const missing: Entry[] = [];
  let next = has + 1;
  for (const entry of entries.toSorted((a, b) => a.number - b.number)) {
    if (entry.number < next) continue;
    if (entry.number > next) break;
    missing.push(entry);
    next++;
  }
  return missing;
}

/** @param last the number of the last entry that was ever used; the store has everything in the files of `folder` */
export function openWriteAhead(folder: string, last: number): WriteAhead {
  const files: OpenFile[] = [];
  const free: OpenFile[] = [];
  let number = last;
  let current = take();

  function take(): OpenFile {
    const used = free.pop();
    if (used !== undefined) {
      used.offset = 0;
      return used;
    }
    const file = { descriptor: openSync(join(folder, String(files.length)), 'w', 0o600), offset: 0 };
    files.push(file);
    return file;
  }

  return {
    append(batch) {
      const bytes = encodeEntry(number + 1, batch);
      for (let at = 0; at < bytes.length;)
        at += writeSync(current.descriptor, bytes, at, bytes.length - at, current.offset + at);
      current.offset += bytes.length;
      number++;
      return decodeBatch(bytes.subarray(HEADER_BYTES));
    },
    seal() {
      const file = current;
      if (file.offset === 0) return { last: number, release: () => {} };
      current = take();
      return { last: number, release: () => void free.push(file) };
    },
    close() {
      for (const { descriptor } of files.splice(0)) closeSync(descriptor);
    },
  };
}

function encodeEntry(number: number, batch: readonly StoreWrite[]): Buffer {
  let size = HEADER_BYTES;
  for (const { key, value } of batch) size += 8 + key.length + (value?.length ?? 0);
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32BE(size, 0);
  bytes.writeBigUInt64BE(BigInt(number), 8);
  let at = HEADER_BYTES;
  for (const { key, value } of batch) {
    at = bytes.writeUInt32BE(key.length, at);
    bytes.set(key, at);
    at = bytes.writeUInt32BE(value === null ? REMOVED : value.length, at + key.length);
    if (value === null) continue;
    bytes.set(value, at);
    at += value.length;
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** The whole entries at the start of a file; what an earlier use left behind them has smaller numbers. */
function entriesOf(bytes: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (size < HEADER_BYTES || at + size > bytes.length) return entries;
    const entry = bytes.subarray(at, at + size);
    if (crc32(entry.subarray(8)) !== entry.readUInt32BE(4)) return entries;
    const number = Number(entry.readBigUInt64BE(8));
    const before = entries.at(-1)?.number;
    if (before !== undefined && number !== before + 1) return entries;
    entries.push({ number, batch: decodeBatch(entry.subarray(HEADER_BYTES)) });
    at += size;
  }
  return entries;
}

function decodeBatch(bytes: Buffer): StoreWrite[] {
  const batch: StoreWrite[] = [];
  for (let at = 0; at < bytes.length;) {
    const keyEnd = at + 4 + bytes.readUInt32BE(at);
    const key = view(bytes, at + 4, keyEnd);
    const length = bytes.readUInt32BE(keyEnd);
    at = keyEnd + 4;
    if (length === REMOVED) {
      batch.push({ key, value: null });
      continue;
    }
    batch.push({ key, value: view(bytes, at, at + length) });
    at += length;
  }
  return batch;
}

/** Not a Buffer, whose `slice` would not copy. */
function view(bytes: Buffer, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}
