/**
 * Fetches files that other devices have, from any of them, and verifies what came before it gets its name.
 *
 * 1. Nothing is a file of the project before all of its bytes have the hash of its row and are on disk.
 * 2. A fetch that was cut off goes on where it stopped, with whichever device has the file.
 * 3. Who sent all of a file and sent it wrong is not asked for these bytes again. When several sent parts of it, it
 *    cannot be known who lied: from then on nobody goes on with what somebody else has sent.
 */
import { Failure, type DeviceId } from '@markco/protocol';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { openToRead } from './inside.ts';
import type { AssetList } from './list.ts';
import { openPart, type Part } from './part.ts';
import type { AssetRow } from './row.ts';
import { pull, type Pulled } from './transfer.ts';

const AT_ONCE = 4;
/** With those that somebody waits for; a device takes 16 streams of a kind from another one. */
const URGENT_AT_ONCE = 12;
/** Fetches that wait for their turn. Further ones are refused with `too_many`, and tried again with the next occasion. */
const WAITING_MAX = 20_000;
/** Who sent what wrongly; of more, the oldest is forgotten, and may be asked once more. */
const WRONG_MAX = 10_000;
const COPY_BYTES = 1024 * 1024;

export type Source = { readonly device: DeviceId; open(signal: AbortSignal): Promise<MessageStream> };
export type DownloadParts = {
  /** Devices that are connected and have the project open. */
  readonly sources: (list: AssetList) => readonly Source[];
  readonly onAsk: (asked: { readonly path: string; readonly from: number; readonly of: DeviceId }) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

/** A file that is under way: what it has so far can be read, but is not known to be right before it is over. */
export type Download = {
  readonly row: AssetRow;
  /** Resolves when the file is there; rejects with `not_found` when no device that is connected has it, `disk_full`… */
  readonly done: Promise<void>;
  /** Bytes that have come; after another beginning what was read of it before counts no more. */
  state(): Pick<Part, 'length' | 'beginnings'>;
  /** Resolves when there is more, or when it began again, or is over. */
  change(): Promise<void>;
};

export function createDownloads(parts: DownloadParts) {
  const jobs = new Map<string, Job>();
  const waiting: Job[] = [];
  const wrong = new Set<string>();
  const mixed = new Set<string>();
  const closing = new AbortController();
  let running = 0;

  type Job = Download & { start(): Promise<void>; isUrgent: boolean };

  function next(): void {
    while (running < (waiting[0]?.isUrgent === true ? URGENT_AT_ONCE : AT_ONCE)) {
      const job = waiting.shift();
      if (job === undefined) return;
      running++;
      void job.start().finally(() => {
        running--;
        next();
      });
    }
  }

  function hurry(job: Job): void {
    job.isUrgent = true;
    const at = waiting.indexOf(job);
    if (at >= 0) waiting.unshift(...waiting.splice(at, 1));
    next();
  }

  /** @param isUrgent somebody waits for it: it comes before what nobody looks at */
  function begin(list: AssetList, row: AssetRow, isUrgent: boolean): Download {
    const key = `${list.projectId} ${row.hash} ${row.path}`;
    const under = jobs.get(key);
    if (under !== undefined) {
      if (isUrgent && !under.isUrgent) hurry(under);
      return under;
    }
    if (waiting.length >= WAITING_MAX || closing.signal.aborted)
      throw new Failure('too_many', 'Too many files are being fetched. Try again in a moment.');
    const job = createJob(list, row, isUrgent);
    jobs.set(key, job);
    job.done.then(
      () => jobs.delete(key),
      () => jobs.delete(key),
    );
    if (isUrgent) waiting.unshift(job);
    else waiting.push(job);
    next();
    return job;
  }

  function createJob(list: AssetList, row: AssetRow, isUrgent: boolean): Job {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    done.catch(() => undefined);
    let part: Part | null = null;
    let changed = Promise.withResolvers<void>();
    const tell = (): void => {
      changed.resolve();
      changed = Promise.withResolvers();
    };
    return {
      ...{ row, done, isUrgent },
      state: () => part ?? { length: 0, beginnings: 0 },
      change: () => Promise.race([changed.promise, done]),
      async start() {
        try {
          part = await openPart(list.root, list.files, row);
          await fill(list, row, part, tell);
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          // Half a file is of use to the next try; on a full disk it is in the way of everything else.
          if (part !== null && error instanceof Failure && error.code === 'disk_full')
            await list.files.remove(part.path, () => true).catch(() => false);
        } finally {
          tell();
          await part?.close().catch((cause: unknown) => parts.onTrouble('closing a file', cause));
        }
      },
    };
  }

  async function fill(list: AssetList, row: AssetRow, part: Part, tell: () => void): Promise<void> {
    const { signal } = closing;
    /** Who sent what is in the part; null: it is from before. */
    const senders = new Set<DeviceId | null>(part.length === 0 ? [] : [null]);
    const begin = async (): Promise<void> => {
      senders.clear();
      await part.empty();
      tell();
    };
    const isRight = async (): Promise<boolean> => {
      if (part.length !== row.size) return false;
      if ((await part.finish()) === row.hash) return true;
      const [only] = senders;
      if (senders.size === 1 && only !== null && only !== undefined) blame(only, row);
      else if (row.hash !== null) mixed.add(row.hash);
      parts.onTrouble(
        'fetching a file',
        new Failure('conflict', `What came for ${row.path} is not what it should be.`),
      );
      await begin();
      return false;
    };
    const finish = async (): Promise<void> => {
      await list.place(part.path, row);
    };

    if (await copyHere(list, row, part, begin)) return finish();
    if (row.size === part.length && (await isRight())) return finish();
    // Once more, because a second round begins from nothing where the first one found parts of several.
    for (let round = 0; round < 2; round++) {
      for (const { device, open } of parts.sources(list)) {
        if (wrong.has(`${device} ${row.hash}`) || signal.aborted) continue;
        if (row.hash !== null && mixed.has(row.hash) && (senders.size > 1 || !senders.has(device))) await begin();
        const before = part.length;
        parts.onAsk({ path: row.path, from: before, of: device });
        const pulled = await ask(list, row, part, open, tell, signal);
        if (part.length > before || pulled === 'whole') senders.add(device);
        if (pulled === 'wrong') {
          blame(device, row);
          await begin();
        }
        if (pulled === 'whole' && (await isRight())) return finish();
      }
      if (row.hash === null || !mixed.has(row.hash)) break;
    }
    throw new Failure('not_found', `${row.path} is on another of your devices, and none that has it is connected.`, {
      retryable: true,
    });
  }

  async function ask(
    list: AssetList,
    row: AssetRow,
    part: Part,
    open: Source['open'],
    tell: () => void,
    signal: AbortSignal,
  ): Promise<Pulled> {
    let stream: MessageStream;
    try {
      stream = await open(signal);
    } catch {
      return 'cut';
    }
    return pull(stream, { projectId: list.projectId, row, part }, tell, signal);
  }

  function blame(device: DeviceId, row: AssetRow): void {
    const [oldest] = wrong;
    if (wrong.size >= WRONG_MAX && oldest !== undefined) wrong.delete(oldest);
    wrong.add(`${device} ${row.hash}`);
  }

  return {
    begin,
    async close(): Promise<void> {
      closing.abort();
      waiting.length = 0;
      await Promise.allSettled([...jobs.values()].map(({ done }) => done));
    },
  };
}

/** Whether the bytes are in another file here, as when one was renamed; then they are in the part. */
async function copyHere(list: AssetList, row: AssetRow, part: Part, begin: () => Promise<void>): Promise<boolean> {
  const found = row.hash === null ? undefined : list.holder(row.hash);
  if (found === undefined) return false;
  const handle = await openToRead(list.root, found.path).catch(() => null);
  if (handle === null) return false;
  try {
    await begin();
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    while (part.length < row.size) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, part.length);
      if (bytesRead === 0) break;
      await part.append([buffer.subarray(0, Math.min(bytesRead, row.size - part.length))]);
    }
    if (part.length === row.size && (await part.finish()) === row.hash) return true;
    await begin();
    return false;
  } finally {
    await handle.close();
  }
}
