/**
 * One live interpreter: its lifecycle, and the run it is busy with.
 *
 * 1. The worker outlives this object: `detach` lets go of it, `attach` finds it again.
 * 2. Every run that was sent ends: with the worker's word, or with `died` once the worker is known
 *    to be dead together with its whole process group. Only then may the host write to its spool.
 * 3. Starting, attaching and stopping happen one after another.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  Failure,
  sessionMachine,
  type Answer,
  type Question,
  type QuestionKind,
  type RunId,
  type SessionConfig,
  type SessionEvent,
  type SessionState,
} from '@markco/protocol';
import { createCheckpoint } from './checkpoint.ts';
import type { Ending } from './ending.ts';
import { escalate } from './escalation.ts';
import { createMeter } from './limits/meter.ts';
import { killWorker } from './kill-worker.ts';
import { createQuestions } from './questions.ts';
import { NO_WISHES } from './runtime.ts';
import { lives } from './process-table.ts';
import { beingMoved, createSessionMoving } from './session-moving.ts';
import type { SessionParts } from './session-parts.ts';
import { createRecordWriter, type SessionRecord } from './session-record.ts';
import type { WorkerEvent, WorkerLink } from './worker-link.ts';
import type { StartedWorker } from './worker-process.ts';

/** A worker whose connection broke but which lives is asked again this long, then killed. */
const REATTACH_MS = 2_000;
const POLL_MS = 5;

export type Session = ReturnType<typeof createSession>;

type Current = {
  readonly run: RunId;
  readonly spool: string;
  readonly over: Promise<Ending>;
  readonly resolve: (ending: Ending) => void;
};

export function createSession(parts: SessionParts, first: SessionRecord, folder: string) {
  const { place } = parts;
  let record = first;
  let state: SessionState = sessionMachine.initial;
  let since = parts.now();
  let link: WorkerLink | null = null;
  let worker: StartedWorker | null = null;
  let current: Current | null = null;
  let lastEnded: RunId | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let beside: readonly [number, number] | null = null;
  let detached = false;
  let isRemoved = false;
  const meter = createMeter(place.hold, place.limits);
  let usedAt = parts.now();
  let starting: AbortController | null = null;
  const answers = new Map<number, (accepted: boolean) => void>();
  const questions = createQuestions(parts.descriptor);
  const checkpoint = createCheckpoint({ session: first.id, folder, place, questions, log: parts.log });
  const moving = createSessionMoving({
    ...{ checkpoint, label: parts.descriptor.label, inTurn, step },
    now: () => ({ state, link, isBusy: current !== null, hasProcess: record.process !== null }),
  });
  const keepRecord = createRecordWriter(folder, (error) => {
    // A session that was removed has no folder any more; anything else is found again by its socket.
    parts.log.warn('session.record', { sessionId: record.id, reason: String(error) });
  });
  let nextRef = 0;

  /** The one place where a session's state changes. */
  function step(event: SessionEvent, cause: string): void {
    const next = sessionMachine.step(state, event);
    if (!next.ok) throw new Failure('conflict', `The session cannot do this now: ${next.refused}.`);
    const now = parts.now();
    parts.log.info('session.state', {
      sessionId: record.id,
      from: state,
      to: next.state,
      cause,
      durationMs: now - since,
    });
    state = next.state;
    since = now;
    parts.onChange();
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  function settle(ending: Ending): void {
    const before = current;
    current = null;
    usedAt = parts.now();
    before?.resolve(ending);
  }

  function onEvent(event: WorkerEvent): void {
    if (event.event === 'spooled') {
      beside = event.beside;
      if (current?.run === event.run) place.collect(event.run, current.spool);
      parts.onSpooled(event.run);
      if (!event.ended) return;
      lastEnded = event.run;
      if (current?.run === event.run) settle({ kind: 'ended' });
    } else if (event.event === 'refused') {
      if (current?.run === event.run) settle({ kind: 'refused', reason: event.message });
    } else if (event.event === 'answered') {
      answers.get(event.ref)?.(event.accepted);
    } else if (event.event === 'told') {
      questions.told(event.ref, event);
    } else if (event.event === 'trouble') {
      parts.log.warn('session.trouble', { sessionId: record.id, runId: event.run, reason: event.message });
    }
  }

  async function connect(signal: AbortSignal): Promise<WorkerLink> {
    const opened = await place.openLink(onEvent, signal);
    link = opened;
    opened.closed
      .then(() => inTurn(() => onClosed(opened)))
      .catch((error: unknown) => parts.log.warn('session.supervisor', { sessionId: record.id, reason: String(error) }));
    return opened;
  }

  /** Supervises the connection: ends with the worker found again, or dead and the run told. */
  async function onClosed(lost: WorkerLink): Promise<void> {
    if (link !== lost || detached) return;
    link = null;
    for (const answer of answers.values()) answer(false);
    questions.fail('The session ended before it answered.');
    const name = worker?.process;
    const deadline = parts.now() + REATTACH_MS;
    while (name !== undefined && (await lives(name)) && parts.now() < deadline) {
      try {
        const found = await connect(AbortSignal.timeout(REATTACH_MS));
        if (current !== null && found.hello.run !== current.run) settle({ kind: 'ended' });
        return;
      } catch {
        await delay(POLL_MS);
      }
    }
    await bury();
  }

  /** Makes sure that nothing of the worker is left, then says so. */
  async function bury(): Promise<void> {
    const dead = worker;
    worker = null;
    const metNow = await place.hold.met();
    if (dead !== null) await killWorker(place.kill, place.hold, dead.process);
    const how = (await dead?.ending()) ?? null;
    const why = meter.why(how, metNow);
    if (state === 'running' || state === 'migrating') step('fail', how ?? 'gone');
    await note(null);
    if (current !== null) place.collect(current.run, current.spool);
    const ended = `The session ended${how === null ? '' : ` with ${how}`}.${why === null ? '' : ` ${why}`}`;
    settle({
      kind: 'died',
      reason: `${ended} Its output is kept, its variables are gone.`,
      lastWords: beside === null ? [] : await place.lastWords(beside),
      ...(why === null ? {} : { limit: 'MemoryLimit' }),
    });
    beside = null;
  }

  function note(process: SessionRecord['process']): Promise<void> {
    record = { ...record, process };
    return keepRecord(record);
  }

  /** Finds the worker that an earlier host started. Resolves with whether there is one. */
  async function attachNow(signal: AbortSignal): Promise<boolean> {
    const noted = record.process;
    try {
      const opened = await connect(signal);
      const found = await place.find(opened.hello.pid);
      if (found === null) throw new Failure('not_found', 'The session ended.');
      worker = { process: found, ending: async () => null };
      await place.hold.add(found.pid);
      await meter.goesOn();
      return true;
    } catch (error) {
      signal.throwIfAborted();
      link?.close();
      link = null;
      if (noted !== null && (await lives(noted))) {
        parts.log.warn('session.unreachable', { sessionId: record.id, pid: noted.pid, reason: String(error) });
        await killWorker(place.kill, place.hold, noted);
      } else if (noted !== null) await place.hold.killAll(); // What it had started may go on without it.
      if (noted !== null) await note(null);
      return false;
    }
  }

  const leftBehind = (why: unknown): void =>
    parts.log.warn('session.left-behind', { sessionId: record.id, reason: String(why) });

  async function spawnNow(signal: AbortSignal): Promise<void> {
    const { worker: started, about } = await place.begin(record.config ?? NO_WISHES, signal);
    worker = started;
    beside = [0, 0];
    try {
      await checkpoint.restore(await connect(signal));
    } catch (error) {
      await killWorker(place.kill, place.hold, started.process);
      worker = null;
      throw error;
    }
    const { pid, startedAt } = started.process;
    // Not waited for: until it is noted, the worker is found by its socket.
    void note({ pid, startedAt, ...about, since: new Date(parts.now()).toISOString() });
  }

  function send(run: RunId, spool: string, work: (to: WorkerLink) => void): Promise<Ending> {
    if (detached) return Promise.resolve({ kind: 'detached' });
    if (current !== null) throw new Failure('conflict', 'The session is busy with another run.');
    if (link === null)
      return Promise.resolve({ kind: 'died', reason: 'The session ended before the run reached it.', lastWords: [] });
    const { promise, resolve } = Promise.withResolvers<Ending>();
    current = { run, spool, over: promise, resolve };
    usedAt = parts.now();
    work(link);
    return promise;
  }

  /** Runs what a stop may cut short. */
  async function untilStopped<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    starting = new AbortController();
    try {
      return await work(AbortSignal.any([signal, starting.signal]));
    } finally {
      starting = null;
    }
  }

  return {
    get record(): SessionRecord {
      return record;
    },
    get state(): SessionState {
      return state;
    },
    /** When the state last changed, ISO 8601. */
    get changedAt(): string {
      return new Date(since).toISOString();
    },
    place,
    /** When a run of it last began or ended, Unix milliseconds. */
    get usedAt(): number {
      return usedAt;
    },

    get current(): RunId | null {
      return current?.run ?? null;
    },
    /** What the next start goes by; a living interpreter stays as it is. */
    wish(config: SessionConfig): void {
      if (JSON.stringify(record.config) !== JSON.stringify(config)) record = { ...record, config };
    },

    /** Resolves when the worker is ready. `runtime_missing` when it cannot be started. An abort kills what was not ready. */
    start(signal: AbortSignal): Promise<void> {
      return inTurn(async () => {
        if (isRemoved) throw new Failure('not_found', 'The session was removed. Run the cell again.');
        if (state === 'running') return;
        if (state === 'migrating') throw beingMoved();
        step('start', 'needed');
        try {
          await untilStopped(signal, async (either) => {
            if (await attachNow(either)) return;
            try {
              await spawnNow(either);
            } catch (error) {
              // A host that was killed may have asked for one that has come only now, and keeps others out.
              if (!(await attachNow(either))) throw error;
            }
          });
          step('ready', 'connected');
        } catch (error) {
          // What was begun and is not ready has no name here yet. A host that ends leaves it to the next one.
          if (!signal.aborted) await place.hold.killAll().catch(leftBehind);
          step('fail', error instanceof Error ? error.message : 'unknown');
          throw error;
        }
      });
    },

    /** Finds a worker that still lives; starts none. Resolves with whether there is one. */
    attach(signal: AbortSignal): Promise<boolean> {
      return inTurn(async () => {
        if (state !== 'cold') return state === 'running';
        step('start', 'looking for a living worker');
        const found = await untilStopped(signal, attachNow).catch(() => false);
        step(found ? 'ready' : 'stop', found ? 'found again' : 'none');
        return found;
      });
    },

    /** Sends a run. `conflict` while another one is on. */
    execute: (run: RunId, code: string, spool: string): Promise<Ending> =>
      send(run, spool, (to) => to.send({ op: 'execute', run, code, spool: place.pathFor(run, spool) })),

    /** Waits for a run that an earlier host sent. */
    resume(run: RunId, spool: string): Promise<Ending> {
      place.collect(run, spool);
      if (link === null || link.hello.run !== run || lastEnded === run) return Promise.resolve({ kind: 'ended' });
      return send(run, spool, () => undefined);
    },

    /**
     * Interrupts the current run: SIGINT, after 2 s SIGTERM, after 1 s SIGKILL, each to the whole
     * process group. Resolves when the run has ended; at once when there is none. `why` becomes the run's error.
     */
    async interrupt(why?: string): Promise<void> {
      const target = current;
      const name = worker?.process;
      if (target === null || name === undefined) return;
      link?.send({ op: 'interrupt', run: target.run, ...(why === undefined ? {} : { why }) });
      await escalate(place.kill, name, target.over, (after) =>
        parts.log.warn('session.escalates', { sessionId: record.id, runId: target.run, after }),
      );
    },

    /** Answers a `stdin-request`. `conflict` when the run does not ask for anything. */
    async input(run: RunId, text: string, signal: AbortSignal): Promise<void> {
      const to = link;
      const ref = nextRef++;
      const accepted =
        to !== null &&
        (await new Promise<boolean>((resolve, reject) => {
          answers.set(ref, resolve);
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          to.send({ op: 'input', run, text, ref });
        }).finally(() => answers.delete(ref)));
      if (!accepted) throw new Failure('conflict', 'This run is not waiting for an answer.');
    },

    /** Asks the interpreter something, also while a run is on: see `questions.ts`. */
    ask: <K extends QuestionKind>(kind: K, question: Question<K>, signal: AbortSignal): Promise<Answer<K>> =>
      questions.ask(link, kind, question, signal),

    /** Ends the worker and everything it started. Its run, if any, dies. `idle`: its values are kept for the next start. */
    stop(why: 'asked' | 'removed' | 'idle' = 'asked'): Promise<void> {
      starting?.abort(new Failure('conflict', 'The session was stopped while it started.'));
      return inTurn(async () => {
        if (why !== 'idle') await checkpoint.forget();
        else if (link !== null && current === null) await checkpoint.save(link);
        const dead = worker?.process ?? record.process;
        const lost = link;
        worker = link = null;
        if (dead !== null) await killWorker(place.kill, place.hold, dead);
        lost?.close();
        await note(null);
        if (current !== null) place.collect(current.run, current.spool);
        if (state !== 'cold') step('stop', why);
        settle({
          kind: 'died',
          reason: 'The session was stopped. Its output is kept, its variables are gone.',
          lastWords: [],
        });
      });
    },

    ...moving,

    /** Ends it for good: a run that holds it already does not start it again. */
    remove(): Promise<void> {
      isRemoved = true;
      return this.stop('removed');
    },

    /** Tells the run that is on which limits its session has met since it was last told, and `more`. */
    async tellLimits(more: readonly string[]): Promise<void> {
      const run = current?.run;
      if (run === undefined) return;
      for (const text of [...more, ...(await meter.notices(run))])
        if (current?.run === run) link?.send({ op: 'notice', run, text });
    },

    /** Lets go of the worker, which goes on, run and all. */
    detach(): void {
      detached = true;
      link?.close();
      settle({ kind: 'detached' });
    },
  };
}
