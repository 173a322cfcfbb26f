/**
 * The runs of this device: submitted, queued, carried out, followed, cancelled, found again.
 *
 * 1. Submitting is idempotent by the run's id, however often and however close together (R11).
 * 2. A run that was accepted reaches exactly one terminal state, through crashes of this host too.
 */
import path from 'node:path';
import {
  Failure,
  LIMITS,
  runMachine,
  type DeviceId,
  type DocumentId,
  type IdSource,
  type ProjectId,
  type Run,
  type RunId,
  type RunState,
  type RuntimeSession,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import type { Kill } from '../runtimes/process-table.ts';
import { beingMoved } from '../runtimes/session-moving.ts';
import { createSessionHost, type SessionHostParts, type SessionWish } from '../runtimes/session-host.ts';
import { createEventLog } from './events.ts';
import { CANCELLED, createExecutor } from './execute.ts';
import type { SaveAsset } from '@markco/replica/outputs/excerpt';
import { dropOldEvents, isDoneIn } from './keep.ts';
import { inOrder, sameOr } from './rows.ts';
import { createJournal, type JournalStore, type RunLog, type RunRow } from './journal.ts';
import { createLanes } from './lanes.ts';
import { createOutputs } from './outputs.ts';

export type RunRequest = {
  /** Made by whoever submits. */
  readonly id: RunId;
  readonly session: { readonly sessionId: SessionId } | SessionWish;
  readonly code: string;
  readonly documentId: DocumentId | null;
  readonly cellId: string | null;
  /** The document's state on the submitter's screen: a Yjs state vector in base64. */
  readonly docVersion: string | null;
  /** It is no part of its session's history. */
  readonly unlisted?: true;
};

export type RunsParts = Pick<SessionHostParts, 'limits' | 'limitKind' | 'idleMs' | 'runtimes' | 'containers'> & {
  /** The state folder of the device; it exists. Runs are in `runs/`, sessions in `sessions/`. */
  readonly home: string;
  readonly store: JournalStore;
  readonly user: { readonly id: UserId };
  readonly device: { readonly id: DeviceId; readonly name: string };
  readonly ids: IdSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kill: Kill;
  readonly log: RunLog;
  /** A project's folder, absolute. `not_found` when it is not open on this device. */
  projectFolder(projectId: ProjectId): Promise<string>;
  /** Null when it is not open on this device. */
  projectSlug(projectId: ProjectId): string | null;
  /** Which device is to run it, and why. */
  place(request: RunRequest, session: RuntimeSession): Promise<Run['routedTo']>;
  /** Resolves when the document and its file are at least at `docVersion`. */
  barrier(run: Run, docVersion: string | null, signal: AbortSignal): Promise<void>;
  /** Puts folded output into the document's fence; only called for runs with a document. */
  writeOutput(run: Run, text: string): Promise<void>;
  /** Stores a generated file; resolves with the path a link in the document uses. */
  saveAsset(run: Run, ...content: Parameters<SaveAsset>): ReturnType<SaveAsset>;
};

export type SessionLoad = {
  readonly currentRun: RunId | null;
  readonly queued: number;
  /** When it ends for being idle, Unix milliseconds. */
  readonly endsAt: number | null;
};

export type RunQuery = {
  readonly projectId: ProjectId | null;
  readonly state: RunState | null;
  /** At most LIMITS.listItemsMax. */
  readonly limit: number;
  /** Only runs older than this one. */
  readonly before: RunId | null;
};

/** How often it is looked whether older events are to go: so many more than the bound may be there. */
const LOOK_EACH_RUNS = 100;

export type Runs = Awaited<ReturnType<typeof createRuns>>;

export async function createRuns(parts: RunsParts) {
  const { log } = parts;
  const closing = new AbortController();
  const listeners = new Set<(run: Run) => void>();
  const submitting = new Map<RunId, Promise<Run>>();
  /** What nobody awaits but `close`. */
  const background = new Set<Promise<unknown>>();
  /** Runs that ended since it was last looked whether older events are to go. */
  let ended = 0;
  let dropping = false;
  const runFolder = (id: RunId): string => path.join(parts.home, 'runs', id);

  const sessions = await createSessionHost({
    ...parts,
    userId: () => parts.user.id,
    deviceId: parts.device.id,
    onSpooled: (run) => events.touch(run),
    isBusy: (id) => lanes.isBusy(id),
  });
  const journal = createJournal(parts.store, { now: parts.ids.now, log, onChange: (run) => tell(run) });
  const events = createEventLog({
    runFolder,
    isOver: async (id) => runMachine.isTerminal((await journal.require(id)).run.state),
  });
  const outputs = createOutputs(
    { ...parts, journal, runFolder, events: (run, signal) => events.follow(run, 0, signal) },
    closing.signal,
  );
  const executor = createExecutor(
    {
      ...parts,
      journal,
      sessions,
      deviceName: parts.device.name,
      runFolder,
      touch: events.touch,
      onSessionLost: (session) =>
        failWaiting(
          session,
          'SessionEnded',
          'The session this run waited for ended, and with it its variables. Run it again.',
        ),
      onOver: outputs.add,
    },
    closing.signal,
  );
  const lanes = createLanes(
    async (id) => {
      await executor.carry(id);
      await outputs.room();
    },
    (moved) => {
      for (const id of moved) track(journal.require(id).then((row) => tell(row.run)));
    },
  );

  function present(run: Run): Run {
    const position = run.state === 'queued' ? lanes.position(run.sessionId, run.id) : null;
    return position === null ? run : { ...run, queuePosition: position };
  }

  /** One look at a time, at the start and each so many runs. */
  function keepWithinBounds(): void {
    if (dropping) return;
    dropping = true;
    ended = 0;
    const isDone = (id: RunId): Promise<boolean> => isDoneIn(journal, id);
    const work = dropOldEvents({ runsFolder: path.join(parts.home, 'runs'), isDone, log }, closing.signal);
    track(work.finally(() => (dropping = false)));
  }

  function tell(run: Run): void {
    if (runMachine.isTerminal(run.state) && ++ended >= LOOK_EACH_RUNS) keepWithinBounds();
    for (const listener of listeners) listener(present(run));
  }

  function track(work: Promise<unknown>): void {
    const mine = work
      .catch((error: unknown) => log.warn('run.background', { reason: String(error) }))
      .finally(() => background.delete(mine));
    background.add(mine);
  }

  function failWaiting(session: SessionId, type: string, message: string): void {
    for (const id of lanes.clear(session)) track(executor.settle(id, { type, message, traceback: [] }));
  }

  /** Runs enter their lanes in the order in which they were submitted, however long each takes to be written. */
  let entering: Promise<void> = Promise.resolve();

  async function submitNew(request: RunRequest): Promise<Run> {
    const before = entering;
    const { promise, resolve: entered } = Promise.withResolvers<void>();
    entering = promise;
    let accepted: Run;
    try {
      accepted = await accept(request, before);
    } finally {
      await before;
      entered();
    }
    // A run whose turn it is starts meanwhile, and its start takes both to disk at once.
    await journal.durable(accepted.id);
    return present((await journal.require(accepted.id)).run);
  }

  async function accept(request: RunRequest, before: Promise<void>): Promise<Run> {
    const existing = await journal.get(request.id);
    if (existing !== null) return sameOr(existing, request).run;
    if (closing.signal.aborted)
      throw new Failure('not_ready', 'This device is closing. Submit the run again in a moment.');
    if (Buffer.byteLength(request.code) > LIMITS.codeBytesMax) {
      throw new Failure(
        'too_large',
        `The code of a run may have ${LIMITS.codeBytesMax} bytes. Put it into a file and import it.`,
      );
    }
    lanes.reserve();
    try {
      const session =
        'sessionId' in request.session ? sessionOf(request.session.sessionId) : await sessions.ensure(request.session);
      if (session.state === 'migrating') throw beingMoved();
      const run: Run = {
        id: request.id,
        userId: parts.user.id,
        projectId: session.projectId,
        ...(request.documentId === null ? {} : { documentId: request.documentId }),
        ...(request.cellId === null ? {} : { cellId: request.cellId }),
        ...(request.unlisted === undefined ? {} : { unlisted: request.unlisted }),
        sessionId: session.id,
        language: session.language,
        code: request.code,
        state: runMachine.initial,
        routedTo: await parts.place(request, session),
        createdAt: new Date(parts.ids.now()).toISOString(),
      };
      const row = await journal.create(run, request.docVersion);
      await before;
      lanes.enter(session.id, run.id);
      tell(row.run);
      return row.run;
    } catch (error) {
      lanes.release();
      throw error;
    }
  }

  function sessionOf(id: SessionId): RuntimeSession {
    const session = sessions.get(id);
    if (session === null) throw new Failure('not_found', 'There is no such session on this device.');
    return session;
  }

  async function untilOver(id: RunId, signal: AbortSignal): Promise<Run> {
    for await (const _ of events.follow(id, Number.MAX_SAFE_INTEGER, signal));
    signal.throwIfAborted();
    return present((await journal.require(id)).run);
  }

  /** Goes on with what an earlier host left. Call once, before anything is submitted. */
  async function recover(): Promise<{ readonly resumed: number }> {
    const found: RunRow[] = [];
    for await (const row of journal.list(null)) {
      if (!runMachine.isTerminal(row.run.state) || !row.outputWritten) found.push(row);
    }
    let resumed = 0;
    for (const { run } of found.toSorted(inOrder)) {
      if (runMachine.isTerminal(run.state)) {
        outputs.add(run);
        continue;
      }
      resumed++;
      if (sessions.get(run.sessionId) === null) {
        const message = 'MarkCo stopped, and the session of this run is gone. It was not started again.';
        track(executor.settle(run.id, { type: 'lost', message, traceback: [] }));
      } else {
        if (sessions.session(run.sessionId).record.process !== null) executor.expectWorker(run.id);
        lanes.readmit();
        lanes.enter(run.sessionId, run.id);
      }
    }
    sessions.recover();
    keepWithinBounds();
    return { resumed };
  }

  return {
    recover,

    /**
     * Accepts a run: on disk when it resolves. The same id again is the same run; with other code
     * `conflict`. Also `too_many`, `too_large`, `not_found`, `unsupported`, `bad_request`.
     */
    submit(request: RunRequest): Promise<Run> {
      const before = submitting.get(request.id) ?? Promise.resolve();
      const mine = before.then(
        () => submitNew(request),
        () => submitNew(request),
      );
      submitting.set(request.id, mine);
      return mine.finally(() => submitting.get(request.id) === mine && submitting.delete(request.id));
    },

    async get(id: RunId): Promise<Run | null> {
      const row = await journal.get(id);
      return row === null ? null : present(row.run);
    },

    /** Newest first. */
    async list(query: RunQuery): Promise<readonly Run[]> {
      const found: Run[] = [];
      for await (const { run } of journal.list(query.before)) {
        if (found.length >= Math.min(query.limit, LIMITS.listItemsMax)) break;
        if (query.projectId !== null && run.projectId !== query.projectId) continue;
        if (query.state === null || run.state === query.state) found.push(present(run));
      }
      return found;
    },

    /** Ends a run, by force if it must be; resolves with the ended run. One that has ended stays as it is. An abort stops the waiting only. */
    async cancel(id: RunId, signal: AbortSignal): Promise<Run> {
      const { run } = await journal.require(id);
      if (runMachine.isTerminal(run.state)) return run;
      await journal.note(id, { cancelRequested: true }).catch((error: unknown) => {
        // Who fills the disk must be ended by this. Only a crash right now would forget that it was asked for.
        log.warn('run.cancel-not-noted', { runId: id, reason: String(error) });
      });
      if (lanes.leave(run.sessionId, id)) await executor.settle(id, CANCELLED);
      else await executor.cancel((await journal.require(id)).run);
      return untilOver(id, signal);
    },

    /** Answers what the run asks. `conflict` when it asks nothing. */
    async input(id: RunId, text: string, signal: AbortSignal): Promise<Run> {
      const { run } = await journal.require(id);
      if (run.state !== 'running') throw new Failure('conflict', 'This run is not waiting for an answer.');
      await sessions.session(run.sessionId).input(id, text, signal);
      return present(run);
    },

    /** Its events from a seq on: stored, then live; ends after the last one, or quietly when aborted. */
    follow: events.follow,
    /** Its events that are on disk now, from a seq on; ends after them, also while the run goes on. */
    stored: events.stored,
    /** How many events are on disk now. */
    storedCount: events.count,
    outputWritten: outputs.written,

    /** Called with a run each time its state or its place in the queue has changed. Returns what ends that. */
    onChange(listener: (run: Run) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    sessions: {
      ensure: sessions.ensure,
      get: sessions.get,
      list: sessions.list,
      start: sessions.start,
      interrupt: sessions.interrupt,
      ask: sessions.ask,
      warm: (projectId: ProjectId): void => track(sessions.warm(projectId)),
      cost: sessions.cost,
      /** What it is doing now, and how many runs wait for it. */
      load: (id: SessionId): SessionLoad => ({
        currentRun: sessions.session(id).current,
        queued: lanes.waiting(id),
        endsAt: sessions.endsAt(id),
      }),
      look: sessions.look,
      moves: sessions.moves,
      isMoved: sessions.isMoved,
      /** Whether a run is on in it, or waits. */
      isBusy: lanes.isBusy,
      /** Starts its interpreter anew: what waits is cancelled, what runs dies. */
      async restart(id: SessionId, signal: AbortSignal): Promise<RuntimeSession> {
        sessionOf(id);
        failWaiting(id, 'Cancelled', 'The session was restarted before this run started.');
        return sessions.restart(id, signal);
      },
      onChange: sessions.onChange,
      /** Ends a session: what waits in it is cancelled, what runs in it dies. */
      async remove(id: SessionId): Promise<void> {
        failWaiting(id, 'Cancelled', 'The session was removed before this run started.');
        await sessions.remove(id);
      },
    },

    /** Lets go of the sessions, whose runs go on and are found again; or ends them all. Resolves when nothing of this host is left. */
    async close(options: { readonly keepSessions: boolean }): Promise<void> {
      if (!options.keepSessions) {
        for (const id of lanes.sessions())
          failWaiting(id, 'Cancelled', 'This device was stopped before the run started.');
        await sessions.close({ keep: false });
      }
      closing.abort(new Failure('not_ready', 'This device is closing.'));
      if (options.keepSessions) await sessions.close({ keep: true });
      await lanes.close();
      await executor.idle();
      await Promise.all(background);
      await outputs.idle();
    },
  };
}
