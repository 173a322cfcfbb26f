/** Reading the events of runs: those that are kept, then what comes, in order, without a gap or a repeat. */
import { Failure, runMachine, type RunEvent, type RunId, type UserId } from '@markco/protocol';
import { READ_AT_ONCE, type RunRow, type RunRows } from './run-rows.ts';

/** How long it is waited until the store is tried again. */
const AGAIN_MS = 500;

type Channel = { readers: number; version: number; readonly wakes: Set<() => void> };

export function createFollow({
  rows,
  require,
  lookMs,
}: {
  readonly rows: Pick<RunRows, 'events'>;
  readonly require: (user: UserId, id: RunId) => Promise<RunRow>;
  /** How often it is looked what another process wrote; null where there is none. */
  readonly lookMs: number | null;
}) {
  const channels = new Map<string, Channel>();

  function changed(channel: Channel, seen: number, signal: AbortSignal): Promise<void> {
    if (channel.version !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        channel.wakes.delete(wake);
        signal.removeEventListener('abort', wake);
        clearTimeout(timer);
        resolve();
      };
      const timer = lookMs === null ? undefined : setTimeout(wake, lookMs);
      channel.wakes.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  /** Whether it is to be tried again: the store is away for a while, and whoever follows is not told. */
  async function waits(error: unknown, signal: AbortSignal): Promise<boolean> {
    if (!(error instanceof Failure) || error.code !== 'storage_failed' || !error.retryable) return false;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, AGAIN_MS);
      signal.addEventListener('abort', done);
    });
    return true;
  }

  return {
    /** Ends after the last event of a run that is over, quietly when the signal aborts. @throws Failure `not_found` */
    async *follow(user: UserId, id: RunId, fromSeq: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
      const key = `${user} ${id}`;
      const channel = channels.get(key) ?? { readers: 0, version: 0, wakes: new Set() };
      channels.set(key, channel);
      channel.readers++;
      try {
        for (let seq = fromSeq; !signal.aborted;) {
          const seen = channel.version;
          // Asked before reading on: when it was over by then, the end of what is kept is the end of the run.
          let isOver: boolean;
          try {
            isOver = runMachine.isTerminal((await require(user, id)).run.state);
            let count: number;
            do {
              count = 0;
              for await (const { event } of rows.events(user, id, seq)) {
                if (signal.aborted) return;
                yield event;
                seq = event.seq + 1;
                count++;
              }
            } while (count === READ_AT_ONCE);
          } catch (error) {
            if (await waits(error, signal)) continue;
            throw error;
          }
          if (isOver) return;
          await changed(channel, seen, signal);
        }
      } finally {
        if (--channel.readers === 0) channels.delete(key);
      }
    },

    poke(user: UserId, id: RunId): void {
      const channel = channels.get(`${user} ${id}`);
      if (channel === undefined) return;
      channel.version++;
      for (const wake of [...channel.wakes]) wake();
    },
  };
}
