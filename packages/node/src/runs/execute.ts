/**
 * The life of one run, from the head of its lane to its terminal state.
 *
 * 1. `running` is on disk before the code is sent, and a run is sent at most once: one found
 *    `running` after a restart is waited for or declared lost, never started again (R11, R15).
 * 2. The spool's last event decides the terminal state, and is on disk before it (R13).
 * 3. The host writes that event only when no worker can: before the run was sent, or after the
 *    worker is dead.
 * 4. What happens to the output afterwards never changes the state.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure, LIMITS, runMachine, type IdSource, type Run, type RunId, type SessionId } from '@markco/protocol';
import type { Ending } from '../runtimes/ending.ts';
import type { SessionHost } from '../runtimes/session-host.ts';
import type { Journal, RunLog } from './journal.ts';
import { limitTime, type TimeLimit } from './time-limit.ts';
import { endSpool, makeRunFolder, spoolFile, type ErrorPayload, type LastEvent } from './spool.ts';

const STORAGE_RETRY_MS = 1_000;
const NAMES_OF_CANCEL: readonly string[] = ['KeyboardInterrupt', 'Cancelled'];

export type ExecutorParts = {
  readonly journal: Journal;
  readonly sessions: SessionHost;
  readonly ids: IdSource;
  readonly log: RunLog;
  /** The name of this device, shown with the run. */
  readonly deviceName: string;
  runFolder(run: RunId): string;
  /** Resolves when the document and its file are at least at `docVersion` (base64, null: no wish). */
  barrier(run: Run, docVersion: string | null, signal: AbortSignal): Promise<void>;
  /** The run's events or its state have changed. */
  touch(run: RunId): void;
  /** The session of a run died: whatever waits there has lost its variables. */
  onSessionLost(session: SessionId): void;
  /** The run is over, its output may go to its document. */
  onOver(run: Run): void;
};

export type Executor = ReturnType<typeof createExecutor>;

/** `closing` lets go of everything: runs go on in their workers and are found again at the next start. */
export function createExecutor(parts: ExecutorParts, closing: AbortSignal) {
  const { journal, sessions } = parts;
  const stops = new Map<RunId, AbortController>();
  const settling = new Map<RunId, Promise<void>>();
  /** Of each session the run that is over and not yet noted. */
  const noting = new Map<SessionId, Promise<void>>();
  const waitedForWorker = new Set<RunId>();
  /** Of the runs that their interpreters have. */
  const limits = new Map<RunId, TimeLimit>();

  async function begin(id: RunId, stop: AbortSignal): Promise<Ending> {
    const { run, docVersion } = await journal.require(id);
    const either = AbortSignal.any([stop, closing]);
    if (waitedForWorker.delete(id) && !(await sessions.session(run.sessionId).attach(closing))) {
      closing.throwIfAborted();
      return {
        kind: 'died',
        reason: 'MarkCo stopped, and so did the session this run waited for. Its variables are gone. Run it again.',
        lastWords: [],
      };
    }
    const folderMade = makeRunFolder(parts.runFolder(id));
    folderMade.catch(() => undefined); // It is awaited below, unless something else ends the run before.
    if (run.state === 'queued') await journal.step(id, 'schedule', 'its turn');
    await barrierInTime(run, docVersion, either);
    await sessions.start(run.sessionId, either);
    either.throwIfAborted();
    const started = await journal.step(id, 'start', 'session ready', { startedAt: time() });
    await folderMade;
    stop.throwIfAborted();
    if (!started.applied) throw new Failure('conflict', 'The run ended before it started.');
    parts.touch(id);
    return withinTime(
      started.row.run,
      sessions.session(run.sessionId).execute(id, run.code, spoolFile(parts.runFolder(id))),
    );
  }

  /** Interrupts a run whose own time is over; its ending then is `TimeLimit`. */
  async function withinTime(run: Run, ending: Promise<Ending>): Promise<Ending> {
    const limit = limitTime(run, parts.ids.now(), (why) => {
      parts.log.info('run.time-limit', { runId: run.id, reason: why });
      const session = sessions.session(run.sessionId);
      if (session.current === run.id) void session.interrupt(why);
    });
    limits.set(run.id, limit);
    try {
      return await ending;
    } finally {
      limit.clear();
    }
  }

  async function barrierInTime(run: Run, docVersion: string | null, signal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(LIMITS.barrierTimeoutMs);
    try {
      await parts.barrier(run, docVersion, AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      if (!timeout.aborted) throw error;
      throw new Failure(
        'barrier_timeout',
        'The document or its file did not become as new as what was on screen. Check that its folder can be written, then run the cell again.',
      );
    }
  }

  /** A run that was sent by an earlier host: waits for it, or finds it lost. */
  async function resume(run: Run): Promise<Ending> {
    const session = sessions.session(run.sessionId);
    const found = await session.attach(closing);
    if (closing.aborted) return { kind: 'detached' };
    const spool = spoolFile(parts.runFolder(run.id));
    if (found) return withinTime(run, session.resume(run.id, spool));
    await session.stop(); // Nothing may write its spool any more.
    session.place.collect(run.id, spool);
    return {
      kind: 'died',
      reason: 'MarkCo stopped, and so did the session of this run. Its output is kept; it was not started again.',
      lastWords: [],
    };
  }

  /**
   * Carries a run to its terminal state. Rejects never. Returns early when closing, and once its interpreter has said
   * that it is over: what is left to note goes on while the next run of its session is on, in the order of the runs.
   */
  async function carry(id: RunId): Promise<void> {
    const stop = new AbortController();
    stops.set(id, stop);
    let failure: ErrorPayload;
    let session: SessionId | null = null;
    let isOver = false;
    try {
      const { run, cancelRequested } = await journal.require(id);
      session = run.sessionId;
      if (runMachine.isTerminal(run.state)) return;
      if (cancelRequested && run.state !== 'running') stop.abort(cancelled());
      const lost = run.state === 'running' ? 'lost' : 'SessionEnded';
      const ending = run.state === 'running' ? await resume(run) : await begin(id, stop.signal);
      if (ending.kind === 'detached') return;
      if (ending.kind === 'died') parts.onSessionLost(run.sessionId);
      isOver = ending.kind === 'ended';
      const overtime = limits.get(id)?.reached ?? null;
      failure = overtime === null ? loss(lost, ending) : timeLimit(overtime);
    } catch (error) {
      if (closing.aborted) return;
      if (!stop.signal.aborted)
        parts.log.warn('run.not-started', {
          runId: id,
          reason: String(error),
          cause: String((error as Error).cause ?? ''),
        });
      failure = errorOf(error, stop.signal);
    } finally {
      stops.delete(id);
    }
    // At most one run of a session is being noted while the next one is on.
    if (session !== null) await noting.get(session);
    const mine = settle(id, failure).finally(() => limits.delete(id));
    if (session === null || !isOver) return mine;
    noting.set(session, mine);
    void mine.finally(() => noting.get(session) === mine && noting.delete(session));
  }

  /** Ends a run that no worker has, or whose worker is done: see `settleOnce`. Calls for one run queue up. */
  function settle(id: RunId, fallback: ErrorPayload): Promise<void> {
    const before = settling.get(id) ?? Promise.resolve();
    const mine = before.then(() => settleOnce(id, fallback));
    settling.set(id, mine);
    return mine.finally(() => settling.get(id) === mine && settling.delete(id));
  }

  /** Tries until the disk takes it: a run must not stay open because the disk was full for a while. */
  async function settleOnce(id: RunId, fallback: ErrorPayload): Promise<void> {
    for (;;) {
      try {
        const { run, cancelRequested } = await journal.require(id);
        const last = await endSpool(parts.runFolder(id), id, fallback, parts.ids);
        const overtime = limits.get(id)?.reached ?? null;
        const step = stepFor(last, cancelRequested, overtime);
        const error = last.type === 'result' ? null : overtime === null ? last.payload : timeLimit(overtime);
        const stepped = await journal.step(id, step, error === null ? 'result' : error.type, {
          completedAt: time(),
          ...(run.startedAt === undefined ? {} : { ranOn: parts.deviceName }),
          ...(error === null ? {} : { error: shortened(error) }),
        });
        parts.touch(id);
        if (stepped.applied) parts.onOver(stepped.row.run);
        return;
      } catch (error) {
        parts.log.warn('run.not-ended', { runId: id, reason: String(error), retryMs: STORAGE_RETRY_MS });
        if (closing.aborted || (error instanceof Failure && error.code === 'not_found')) return;
        await delay(STORAGE_RETRY_MS, undefined, { signal: closing }).catch(() => undefined);
      }
    }
  }

  function time(): string {
    return new Date(parts.ids.now()).toISOString();
  }

  return {
    carry,
    settle,

    /** Resolves when every run that is over has been noted. */
    async idle(): Promise<void> {
      while (noting.size > 0) await Promise.all(noting.values());
    },

    /** A run found queued for a session that had a worker: it runs in that one or, its variables gone, not at all. */
    expectWorker: (id: RunId): void => void waitedForWorker.add(id),

    /** Cancels a run that has left its lane: before it is sent at once, afterwards by interrupting the session. */
    async cancel(run: Run): Promise<void> {
      stops.get(run.id)?.abort(cancelled());
      const session = sessions.session(run.sessionId);
      if (session.current === run.id) await session.interrupt();
      else if (run.state === 'running' && session.state === 'starting') await session.stop();
    },
  };
}

/** The payload of a run that was cancelled before it was sent. */
export const CANCELLED: ErrorPayload = { type: 'Cancelled', message: 'Cancelled before it started.', traceback: [] };

function cancelled(): Failure {
  return new Failure('conflict', CANCELLED.message);
}

function loss(type: string, ending: Exclude<Ending, { kind: 'detached' }>): ErrorPayload {
  const message =
    ending.kind === 'ended'
      ? 'The session has no end of this run. Its output is kept; it was not started again.'
      : ending.reason;
  const lastWords = ending.kind === 'died' ? ending.lastWords : [];
  const traceback = lastWords.length === 0 ? [] : [...lastWords, message];
  const own = ending.kind === 'died' ? ending.limit : ending.kind === 'refused' ? 'Refused' : 'lost';
  return { type: own ?? type, message, traceback };
}

function errorOf(error: unknown, stop: AbortSignal): ErrorPayload {
  if (stop.aborted) return CANCELLED;
  const failure = Failure.from(error);
  return { type: failure.code, message: failure.message, traceback: [] };
}

function timeLimit(message: string): ErrorPayload {
  return { type: 'TimeLimit', message, traceback: [] };
}

function stepFor(last: LastEvent, cancelRequested: boolean, overtime: string | null): 'complete' | 'cancel' | 'fail' {
  if (last.type === 'result') return 'complete';
  if (overtime !== null) return 'fail';
  return cancelRequested || NAMES_OF_CANCEL.includes(last.payload.type) ? 'cancel' : 'fail';
}

function shortened(payload: ErrorPayload): NonNullable<Run['error']> {
  return { type: payload.type.slice(0, 200), message: payload.message.slice(0, 10_000) };
}
