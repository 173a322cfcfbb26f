/**
 * Reading a run's events: from any seq, by any number of readers, stored ones first, then live.
 *
 * Each reader reads the spool itself, at its own position and pace: a slow one slows nobody and
 * keeps nothing in memory but a chunk. A poke only says that there is more.
 *
 * 1. Events come in order of `seq`, without a gap or a repeat.
 * 2. The stream ends after the last event, once the run's state is terminal; at once where its events are not kept.
 */
import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Failure, type RunEvent, type RunId } from '@markco/protocol';
import { LINE_BYTES_MAX, parseEvent, readEnd, spoolFile } from './spool.ts';

const readLater = promisify(read);

/**
 * A reader begins with little, for most runs say little, and takes more where more is there. So little is read at once,
 * and the file opened: it was written just now, and to hand that to another thread takes longer.
 */
const CHUNK_BYTES_MIN = 4 * 1024;
const CHUNK_BYTES_MAX = 256 * 1024;
const CHUNK_GROWTH = 8;
const NEWLINE = 0x0a;
/** A mark each so many events or bytes lets a reader begin in the middle of a long run. */
const MARK_EVENTS = 256;
const MARK_BYTES = 1024 * 1024;

type Mark = { readonly seq: number; readonly offset: number };
/** How far a reader is, and what it reads into. */
type Place = { seq: number; offset: number; chunk: Buffer };

/** A run that somebody follows. Forgotten with its last reader. */
type Channel = { readers: number; version: number; readonly waiting: Set<() => void>; readonly marks: Mark[] };

export type EventLog = ReturnType<typeof createEventLog>;

export function createEventLog(parts: {
  runFolder(run: RunId): string;
  /** Whether the run's state is terminal. `not_found` when there is no such run. */
  isOver(run: RunId): Promise<boolean>;
}) {
  const channels = new Map<RunId, Channel>();

  async function* follow(run: RunId, fromSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    const channel = channels.get(run) ?? { readers: 0, version: 0, waiting: new Set(), marks: [] };
    channels.set(run, channel);
    channel.readers++;
    let file: number | null = null;
    try {
      const place = placeAt(markBefore(channel.marks, fromSeq));
      while (!signal.aborted) {
        const seen = channel.version;
        // Asked before reading on: when it was over by then, the end of the file is the end of the run.
        const over = await parts.isOver(run);
        file ??= openIfThere(spoolFile(parts.runFolder(run)));
        if (file !== null) yield* newLines(file, place, fromSeq, channel.marks, signal);
        if (over) return;
        await untilChanged(channel, seen, signal);
      }
    } finally {
      if (file !== null) closeSync(file);
      if (--channel.readers === 0) channels.delete(run);
    }
  }

  async function* stored(run: RunId, fromSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    await parts.isOver(run);
    const file = openIfThere(spoolFile(parts.runFolder(run)));
    if (file === null) return;
    try {
      yield* newLines(file, placeAt(START), fromSeq, [], signal, fstatSync(file).size);
    } finally {
      closeSync(file);
    }
  }

  return {
    /** Ends quietly when the signal aborts. `not_found`; `storage_failed` when the spool is damaged. */
    follow,

    /** What is on disk when it is asked for, and no more, however fast the run goes on. Fails like `follow`. */
    stored,

    /** How many events are on disk now; none where they are not kept. */
    async count(run: RunId): Promise<number> {
      await using file = await open(spoolFile(parts.runFolder(run)), 'r').catch(noneWhenMissing);
      return file === null ? 0 : ((await readEnd(file)).last?.seq ?? -1) + 1;
    },

    /** There may be more events, or the run may be over. */
    touch(run: RunId): void {
      const channel = channels.get(run);
      if (channel === undefined) return;
      channel.version++;
      for (const wake of channel.waiting) wake();
      channel.waiting.clear();
    },
  };
}

const START: Mark = { seq: 0, offset: 0 };
const placeAt = (at: Mark): Place => ({ ...at, chunk: Buffer.allocUnsafe(CHUNK_BYTES_MIN) });

async function* newLines(
  file: number,
  place: Place,
  fromSeq: number,
  marks: Mark[],
  signal: AbortSignal,
  bytes = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<RunEvent> {
  while (!signal.aborted) {
    const { chunk } = place;
    const length = Math.min(chunk.length, bytes - place.offset);
    const bytesRead =
      length <= CHUNK_BYTES_MIN
        ? readSync(file, chunk, 0, length, place.offset)
        : (await readLater(file, chunk, 0, length, place.offset)).bytesRead;
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end);
      start = end + 1;
      const seq = place.seq++;
      place.offset += line.length + 1;
      mark(marks, place);
      if (seq < fromSeq) continue;
      const event = parseEvent(line);
      if (event.seq !== seq) throw new Failure('storage_failed', 'The events of this run are damaged on disk.');
      yield event;
      if (signal.aborted) return;
    }
    const isFull = bytesRead === chunk.length;
    if (isFull && chunk.length < CHUNK_BYTES_MAX) {
      place.chunk = Buffer.allocUnsafe(Math.min(chunk.length * CHUNK_GROWTH, CHUNK_BYTES_MAX));
      continue;
    }
    if (start > 0) continue;
    if (!isFull) return; // The end of the file, or a line that is still being written.
    if (chunk.length > LINE_BYTES_MAX)
      throw new Failure('storage_failed', 'The events of this run are damaged on disk.');
    place.chunk = Buffer.allocUnsafe(chunk.length * 2);
  }
}

function mark(marks: Mark[], at: Mark): void {
  const last = marks.at(-1) ?? START;
  if (at.seq >= last.seq + MARK_EVENTS || (at.seq > last.seq && at.offset >= last.offset + MARK_BYTES))
    marks.push({ seq: at.seq, offset: at.offset });
}

function markBefore(marks: readonly Mark[], seq: number): Mark {
  return marks.findLast((one) => one.seq <= seq) ?? START;
}

/** The descriptor of a file that is to be closed. */
function openIfThere(file: string): number | null {
  try {
    return openSync(file, 'r');
  } catch (error) {
    return noneWhenMissing(error);
  }
}

function noneWhenMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}

function untilChanged(channel: Channel, seen: number, signal: AbortSignal): Promise<void> {
  if (channel.version !== seen || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      channel.waiting.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    channel.waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}
