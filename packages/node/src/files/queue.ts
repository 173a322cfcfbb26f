/**
 * Which documents are due to be brought in line with their files, and when.
 *
 * 1. A document runs once at a time, and at most `parallelMax` documents at once.
 * 2. It runs `quietMs` after it was last touched, at the latest `latestMs` after it was first, also when touching never stops.
 * 3. A failed run is tried again by itself, at most `retryMsMax` later; nothing drops out before it succeeded.
 * 4. A document is in the queue once however often it is touched, so the queue is no longer than the project.
 */
import type { DocumentId } from '@markco/protocol';
import type { Timer } from './timer.ts';

const QUIET_MS = 40;
const LATEST_MS = 200;
const PARALLEL_MAX = 8;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;

type Waiter = { readonly resolve: () => void; readonly reject: (error: unknown) => void };
/** `dueAt` moves on with every touch; the timer looks at it when it goes off, which is cheaper than a new timer a touch. */
type Turn = { readonly firstAt: number; dueAt: number; cancel: () => void };

export type Queue = {
  touch(id: DocumentId): void;
  /** Runs it as soon as there is room; settles as the first run that began after the call. */
  runNow(id: DocumentId): Promise<void>;
  /** Those that are waiting or running. */
  pending(): readonly DocumentId[];
  /** Starts nothing more; resolves when what runs has ended. Waiters are refused with `reason`. */
  close(reason: Error): Promise<void>;
};

/** @param run brings one document in line; a rejection means: again later */
export function createQueue({
  timer,
  run,
}: {
  readonly timer: Timer;
  readonly run: (id: DocumentId) => Promise<void>;
}): Queue {
  const waiting = new Map<DocumentId, Turn>();
  const ready = new Set<DocumentId>();
  const running = new Map<DocumentId, Promise<void>>();
  const again = new Set<DocumentId>();
  const failures = new Map<DocumentId, number>();
  const waiters = new Map<DocumentId, Waiter[]>();
  let closedFor: Error | null = null;

  const schedule = (id: DocumentId, dueAt: number): void => {
    waiting.get(id)?.cancel();
    const turn: Turn = { firstAt: timer.now(), dueAt, cancel: () => {} };
    const wait = (): void => {
      const left = turn.dueAt - timer.now();
      if (left > 0) turn.cancel = timer.after(left, wait);
      else makeReady(id);
    };
    turn.cancel = timer.after(dueAt - turn.firstAt, wait);
    waiting.set(id, turn);
  };

  const makeReady = (id: DocumentId): void => {
    waiting.get(id)?.cancel();
    waiting.delete(id);
    ready.add(id);
    pump();
  };

  const pump = (): void => {
    for (const id of ready) {
      if (closedFor !== null || running.size >= PARALLEL_MAX) return;
      if (running.has(id)) continue;
      ready.delete(id);
      running.set(id, runOne(id));
    }
  };

  const runOne = async (id: DocumentId): Promise<void> => {
    const asked = waiters.get(id) ?? [];
    waiters.delete(id);
    // The first step of `run` waits for the next turn, when `running` knows of it.
    await Promise.resolve();
    try {
      await run(id);
      failures.delete(id);
      for (const { resolve } of asked) resolve();
    } catch (error) {
      const count = failures.get(id) ?? 0;
      failures.set(id, count + 1);
      if (closedFor === null) schedule(id, timer.now() + Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** count));
      for (const { reject } of asked) reject(error);
    } finally {
      running.delete(id);
      if (again.delete(id)) touch(id);
      pump();
    }
  };

  const touch = (id: DocumentId): void => {
    if (closedFor !== null || ready.has(id)) return;
    if (running.has(id)) {
      again.add(id);
      return;
    }
    const turn = waiting.get(id);
    if (turn === undefined) schedule(id, timer.now() + QUIET_MS);
    else if (!failures.has(id)) turn.dueAt = Math.min(timer.now() + QUIET_MS, turn.firstAt + LATEST_MS);
  };

  return {
    touch,
    runNow(id) {
      if (closedFor !== null) return Promise.reject(closedFor);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiters.set(id, [...(waiters.get(id) ?? []), { resolve, reject }]);
      makeReady(id);
      return promise;
    },
    pending: () => [...new Set([...waiting.keys(), ...ready, ...running.keys(), ...again])],
    async close(reason) {
      closedFor = reason;
      for (const { cancel } of waiting.values()) cancel();
      waiting.clear();
      ready.clear();
      again.clear();
      await Promise.allSettled(running.values());
      for (const list of waiters.values()) for (const { reject } of list) reject(reason);
      waiters.clear();
    },
  };
}
