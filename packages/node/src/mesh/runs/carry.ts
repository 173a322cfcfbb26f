/**
 * Brings the events of runs from the devices they are on into the copies here, one carrier a run however many read it.
 *
 * 1. It goes on from the last event that is here, across dropped connections, restarts and days.
 * 2. What was submitted here is carried to its end; anything else while somebody reads it.
 * 3. Events that wait to be written are bounded: at QUEUE_BYTES_MAX it stops listening, writes, and goes on from there.
 * 4. A run counts as copied when its host says that it has ended and the last event is here, or there are no more to get.
 *
 * How many are carried at once is bounded by what hosts take: their queues, and what one connection may follow.
 */
import { Failure, type DeviceId, type Run, type RunEvent, type RunId } from '@markco/protocol';
import type { Client } from '@markco/client';
import type { CopyFile, RunCopies } from './copies.ts';

const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** So often a host says that a run ended and sends nothing more, before what is here counts as all there is. */
const ENDS_WITHOUT_END = 3;

type Carried = {
  readonly host: DeviceId;
  readonly stop: AbortController;
  /** It is taken from another device than its host, until this. */
  instead: AbortController | null;
  done: Promise<void>;
  /** Who wants it: readers, and one more for what was submitted here. */
  wanted: number;
  failure: Failure | null;
};

type Position = Pick<CopyFile, 'seq' | 'hasEnd'>;
const BEGINNING: Position = { seq: 0, hasEnd: false };

type Outcome = { readonly ended: Run } | { readonly failed: Failure } | 'behind' | 'stopped';

export type Carriers = ReturnType<typeof createCarriers>;

export function createCarriers(parts: {
  readonly copies: Pick<RunCopies, 'open' | 'get' | 'put' | 'touch'>;
  /** The host of a run, or another device that has a copy while the host is away. `not_ready` where there are none. */
  readonly source: (run: RunId, host: DeviceId) => Promise<{ readonly client: Client; readonly isHost: boolean }>;
  /** An event of a run has come. */
  readonly onEvent: (run: RunId, host: DeviceId) => void;
  /** All events of a run are here. */
  readonly onCopied: (run: Run, host: DeviceId) => void;
  readonly onTrouble: (run: RunId, cause: unknown) => void;
}) {
  const { copies } = parts;
  const carried = new Map<RunId, Carried>();

  async function carry(id: RunId, isNew: boolean, one: Carried): Promise<void> {
    const { host } = one;
    const { signal } = one.stop;
    const opening = copies.open(id);
    opening.catch(() => undefined); // It is awaited below, unless something else ends this before.
    try {
      // A file that is made now is empty: nothing is to be read in it before its host can be asked.
      let at: Position = isNew ? BEGINNING : await opening;
      let ends = 0;
      while (!signal.aborted) {
        const before = at.seq;
        const heard = (): void => parts.onEvent(id, host);
        const { client, isHost } = await parts.source(id, host);
        one.instead = isHost ? null : new AbortController();
        const until = one.instead === null ? signal : AbortSignal.any([signal, one.instead.signal]);
        const outcome = await listen(client, id, at, opening, heard, until);
        const file = await opening;
        at = file;
        if (signal.aborted) return;
        if (outcome === 'behind' || outcome === 'stopped') continue;
        if ('failed' in outcome) throw outcome.failed;
        ends = file.seq === before ? ends + 1 : 1;
        if (!file.hasEnd && ends < ENDS_WITHOUT_END) continue;
        await copies.put(outcome.ended, host, { complete: true });
        parts.onCopied(outcome.ended, host);
        return;
      }
    } finally {
      await opening.then((file) => file[Symbol.asyncDispose]()).catch(() => undefined);
    }
  }

  function begin(id: RunId, host: DeviceId, isNew: boolean): Carried {
    const made: Carried = {
      host,
      stop: new AbortController(),
      instead: null,
      done: Promise.resolve(),
      wanted: 0,
      failure: null,
    };
    carried.set(id, made);
    made.done = carry(id, isNew, made)
      .catch((error: unknown) => {
        made.failure = Failure.from(error);
        parts.onTrouble(id, error);
      })
      .finally(() => {
        if (carried.get(id) === made) carried.delete(id);
        // Who reads it sees that nothing more comes.
        copies.touch(id);
      });
    return made;
  }

  async function want(id: RunId, host: DeviceId, isNew = false): Promise<Carried> {
    // One that goes elsewhere now, or that nobody wanted any more, ends before the next begins: a file has one writer.
    for (let one = carried.get(id); one !== undefined; one = carried.get(id)) {
      if (one.host === host && !one.stop.signal.aborted) break;
      one.stop.abort();
      await one.done;
    }
    const now = carried.get(id) ?? begin(id, host, isNew);
    now.wanted++;
    return now;
  }

  function letGo(one: Carried): void {
    if (--one.wanted <= 0) one.stop.abort();
  }

  return {
    isCarried: (id: RunId): boolean => carried.has(id),

    /** What was taken from other devices meanwhile comes from it again. */
    hostIsBack(host: DeviceId): void {
      for (const one of carried.values()) if (one.host === host) one.instead?.abort();
    },

    /**
     * Carries it to its end, whoever reads it. A failure is told to `onTrouble`; it is tried again at the next start.
     * @param isNew nothing of it is here
     */
    async submitted(id: RunId, host: DeviceId, isNew = false): Promise<void> {
      await want(id, host, isNew);
    },

    /** Carries it while what is iterated here is. Fails as its host does where that cannot be asked, after what is here. */
    async *during(
      id: RunId,
      host: DeviceId,
      read: (signal: AbortSignal) => AsyncIterable<RunEvent>,
      signal: AbortSignal,
    ): AsyncGenerator<RunEvent> {
      const one = await want(id, host);
      const stop = new AbortController();
      void one.done.then(() => {
        if (one.failure !== null) stop.abort();
      });
      try {
        yield* read(AbortSignal.any([signal, stop.signal]));
        if (one.failure !== null && !signal.aborted) throw one.failure;
      } finally {
        letGo(one);
      }
    },

    async close(): Promise<void> {
      const all = [...carried.values()];
      for (const one of all) one.stop.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

/** Takes events in until the run ends there, it cannot be followed, too much waits, or it is stopped; all is written then. */
async function listen(
  client: Client,
  id: RunId,
  from: Position,
  opening: Promise<CopyFile>,
  heard: () => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let lines: string[] = [];
  let bytes = 0;
  let isEnd = from.hasEnd;
  let { seq } = from;
  /** One batch after another; after one that failed, which may be there in part, nothing more is written. */
  let writing = Promise.resolve();

  function write(): Promise<void> {
    writing = writing.then(async () => {
      const batch = lines;
      lines = [];
      bytes = 0;
      const file = await opening;
      // Something was in it after all: it goes on from there.
      if (file.seq !== seq) return resolve('behind');
      if (batch.length === 0) return;
      await file.append(batch, isEnd);
      seq = file.seq;
      heard();
    });
    return writing;
  }

  const stop = client.followRun(id, from.seq, {
    onEvent(event) {
      const line = JSON.stringify(event);
      isEnd = event.type === 'result' || event.type === 'error';
      bytes += line.length;
      // Whatever comes while a batch is being written is the next one.
      if (lines.push(line) === 1) write().catch((error: unknown) => resolve({ failed: Failure.from(error) }));
      if (bytes > QUEUE_BYTES_MAX) resolve('behind');
    },
    onEnd: (run) => resolve({ ended: run }),
    onError: ({ code, message }) => resolve({ failed: new Failure(code, message) }),
  });
  const onAbort = (): void => resolve('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop();
    await write();
  }
}
