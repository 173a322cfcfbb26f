/**
 * Which run belongs to which cell of one document, and what it has said so far.
 *
 * 1. The host owns a run's state; this only repeats it. `sending` is the one state of ours: asked, not yet answered.
 * 2. Output is folded as it comes and shown from here; it never enters the document (the host writes its end there).
 * 3. Bounded: one run a cell, the newest. A replayed run stops at `REPLAY_CHARS_MAX`; what its `output` fence holds is shown then.
 */
import type { Client, OpenDocument } from '@markco/client/client';
import {
  Failure,
  newId,
  runMachine,
  type DeviceId,
  type IdSource,
  type Run,
  type RunEvent,
  type RunId,
} from '@markco/protocol';
import { createRunOutput, type RunOutput } from './output/run-output.ts';
import { isBehind } from '../workspace/is-behind.ts';

export type RunnableCell = {
  readonly id: string;
  readonly language: string;
  readonly code: string;
  /** The device its options ask for, or a person, by name or id. */
  readonly on?: string;
};

export type CellRun = {
  readonly id: RunId;
  readonly code: string;
  readonly state: 'sending' | Run['state'];
  /** How many runs come before it, while it waits. */
  readonly queuePosition: number;
  /** The name of the device it ran on; empty until its end. */
  readonly host: string;
  /** Where it goes, or went; null until somebody says. */
  readonly deviceId: DeviceId | null;
  /** Why there, a sentence; empty when nobody says. */
  readonly why: string;
  /** The name of the device that it waits for; empty when it waits for none. */
  readonly waitsFor: string;
  /** Unix milliseconds; null while its device answers. */
  readonly silentSince: number | null;
  /** It was canceled while its device did not answer, which is told once it does. */
  readonly cancelAsked: boolean;
  /** Unix milliseconds; null when it has not started or ended, or nobody said when. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Why it could not be asked for, or why it failed. */
  readonly trouble: string;
  readonly errorType: string;
  /** Null when this page has not seen its events; the document's `output` fence has its output then. */
  readonly output: RunOutput | null;
  /** What installs a package that it was missing. */
  readonly install: InstallRun | null;
};

export type InstallRun = {
  readonly state: 'sending' | Run['state'];
  readonly ended: boolean;
  readonly trouble: string;
  readonly output: RunOutput;
};

export type RunsView = {
  /** Shown at once; refused ones say why in `trouble`. */
  submit(cell: RunnableCell): void;
  stateOf(cellId: string): CellRun | null;
  /** Cells that have a run which did not end. */
  active(): readonly string[];
  interrupt(cellId: string): void;
  /** Ends it also while it waits. */
  cancel(cellId: string): void;
  /**
   * Runs the code of its run on another device, as a run of its own. One that only waited is canceled first; one whose
   * device does not answer may still run there.
   */
  copy(cellId: string, on: DeviceId): void;
  /** Whether the run has got it; it waits on where it has not. */
  answer(cellId: string, text: string): Promise<boolean>;
  /** Fetches the events of an ended run, so that colors and rich output are seen again. */
  replay(cellId: string): void;
  /** Runs a command that installs a package in the session of the cell's run, beside it: the cell keeps its output. */
  install(cellId: string, command: string): void;
  forget(cellId: string): void;
  /** Starts the sessions that this document's runs used anew; resolves when all are ready. */
  restart(): Promise<void>;
  /** Called with the cell whose run changed or said something. */
  subscribe(listener: (cellId: string) => void): () => void;
  close(): void;
};

export type RunsParts = {
  readonly client: Pick<
    Client,
    'submitRun' | 'followRun' | 'answerRun' | 'cancelRun' | 'interruptSession' | 'watchProject' | 'api' | 'connection'
  >;
  readonly document: Pick<OpenDocument, 'projectId' | 'documentId' | 'version'>;
  readonly ids: IdSource;
  /** Told what of the runs reaches the page, and of those that had ended before. */
  readonly away: {
    note(run: Run, event: RunEvent): void;
    recall(run: Run): void;
  };
  /** Told of what went wrong and has no cell to be shown under. */
  readonly onTrouble: (message: string) => void;
};

const REPLAY_CHARS_MAX = 2_000_000;
const RECENT_RUNS = '200';

export const isActive = (run: CellRun): boolean => run.state === 'sending' || !runMachine.isTerminal(run.state);

type Entry = {
  readonly cellId: string;
  view: CellRun;
  run: Run | null;
  unfollow: (() => void) | null;
  readonly abort: AbortController;
};

export function createRunsView({ client, document, ids, away, onTrouble }: RunsParts): RunsView {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(cellId: string) => void>();
  const closing = new AbortController();

  const tell = (cellId: string): void => {
    for (const listener of [...listeners]) listener(cellId);
  };

  function update(entry: Entry, change: Partial<CellRun>): void {
    if (entries.get(entry.cellId) !== entry) return;
    entry.view = { ...entry.view, ...change };
    tell(entry.cellId);
  }

  function track(cellId: string, view: CellRun, run: Run | null): Entry {
    const old = entries.get(cellId);
    old?.unfollow?.();
    const entry: Entry = { cellId, view, run, unfollow: null, abort: new AbortController() };
    entries.set(cellId, entry);
    tell(cellId);
    return entry;
  }

  /** A run as its host tells it. Forward only: an older answer that comes late changes nothing. */
  function learn(run: Run): void {
    if (run.documentId !== document.documentId || run.cellId === undefined) return;
    const known = entries.get(run.cellId);
    if (known !== undefined && known.view.id > run.id) return;
    const entry = known?.view.id === run.id ? known : track(run.cellId, viewOf(run, null), run);
    if (known?.view.id !== run.id && runMachine.isTerminal(run.state)) away.recall(run);
    if (entry.run !== null && isBehind(run, entry.run)) return;
    entry.run = run;
    update(entry, { ...viewOf(run, entry.view.output), cancelAsked: entry.view.cancelAsked });
    if (!runMachine.isTerminal(run.state)) follow(entry, Number.POSITIVE_INFINITY);
  }

  function follow(entry: Entry, charsMax: number): void {
    if (entry.unfollow !== null || entries.get(entry.cellId) !== entry) return;
    const replaying = !isActive(entry.view);
    const output = entry.view.output ?? createRunOutput();
    let chars = 0;
    if (!replaying) update(entry, { output });
    entry.unfollow = client.followRun(entry.view.id, output.nextSeq, {
      onEvent(event: RunEvent) {
        chars += sizeOf(event);
        if (chars > charsMax) return entry.unfollow?.();
        output.fold(event);
        if (!replaying && entry.run !== null) away.note(entry.run, event);
        if (!replaying) update(entry, output.errorType === null ? {} : { errorType: output.errorType });
      },
      onEnd(run) {
        entry.unfollow = null;
        if (replaying) update(entry, { output, errorType: output.errorType ?? entry.view.errorType });
        else learn(run);
      },
      onError(error) {
        entry.unfollow = null;
        if (replaying) onTrouble(error.message);
        else update(entry, { trouble: error.message });
      },
    });
  }

  async function send(entry: Entry, cell: RunnableCell): Promise<void> {
    try {
      const run = await client.submitRun(
        {
          id: entry.view.id,
          projectId: document.projectId,
          documentId: document.documentId,
          cellId: cell.id,
          language: cell.language,
          code: cell.code,
          docVersion: document.version(),
          ...(cell.on === undefined ? {} : { runOn: cell.on }),
        },
        AbortSignal.any([entry.abort.signal, closing.signal]),
      );
      learn(run);
    } catch (error) {
      if (closing.signal.aborted) return;
      const stopped = entry.abort.signal.aborted;
      update(entry, { state: stopped ? 'cancelled' : 'failed', trouble: stopped ? '' : Failure.from(error).message });
    }
  }

  async function cancelRun(entry: Entry): Promise<Run> {
    const run = await client.cancelRun(entry.view.id);
    learn(run);
    if (run.unreachable !== undefined) update(entry, { cancelAsked: true });
    return run;
  }

  async function copy(entry: Entry, run: Run, on: DeviceId): Promise<void> {
    // It begins at any moment, and would write over the output of its copy.
    if (run.waitsFor !== undefined && (await cancelRun(entry)).state !== 'cancelled') return;
    submit({ id: entry.cellId, language: run.language, code: run.code, on });
  }

  function submit(cell: RunnableCell): void {
    const id = newId<RunId>(ids);
    const view = { ...unsent(id, cell.code), output: createRunOutput() };
    report(send(track(cell.id, view, null), cell));
  }

  async function install(entry: Entry, sessionId: Run['sessionId'], command: string): Promise<void> {
    const output = createRunOutput();
    const set = (change: Partial<InstallRun>): void => {
      const known = entry.view.install ?? { state: 'sending', ended: false, trouble: '', output };
      update(entry, { install: { ...known, output, ...change } });
    };
    set({ state: 'sending', ended: false, trouble: '' });
    try {
      const id = newId<RunId>(ids);
      const { state } = await client.submitRun({ id, sessionId, code: command }, closing.signal);
      set({ state });
      const stop = client.followRun(id, 0, {
        onEvent(event) {
          output.fold(event);
          set({});
        },
        onEnd: (run) => set({ state: run.state, ended: true, trouble: run.error?.message ?? '' }),
        onError: ({ message }) => set({ state: 'failed', ended: true, trouble: message }),
      });
      closing.signal.addEventListener('abort', stop, { once: true });
    } catch (error) {
      set({ state: 'failed', ended: true, trouble: Failure.from(error).message });
    }
  }

  const report = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => {
      if (!closing.signal.aborted) onTrouble(Failure.from(error).message);
    });
  };

  const stopWatching = client.watchProject(document.projectId, (change) => {
    if (change.run !== undefined) learn(change.run);
  });
  const askForRecent = (): void =>
    report(
      client
        .api('runs', { query: { projectId: document.projectId, limit: RECENT_RUNS }, signal: closing.signal })
        .then(({ runs }) => {
          for (const run of runs.toReversed()) learn(run);
        }),
    );
  askForRecent();
  let wasOnline = true;
  const stopListening = client.connection.subscribe(({ state }) => {
    const isOnline = state === 'online';
    // What happened meanwhile was not told.
    if (isOnline && !wasOnline) askForRecent();
    wasOnline = isOnline;
  });

  return {
    submit,
    stateOf: (cellId) => entries.get(cellId)?.view ?? null,
    active: () => [...entries.values()].filter((entry) => isActive(entry.view)).map((entry) => entry.cellId),
    interrupt(cellId) {
      const entry = entries.get(cellId);
      if (entry === undefined) return;
      if (entry.run?.state === 'running' && entry.run.unreachable === undefined)
        report(client.interruptSession(entry.run.sessionId));
      else this.cancel(cellId);
    },
    cancel(cellId) {
      const entry = entries.get(cellId);
      if (entry === undefined || !isActive(entry.view)) return;
      if (entry.run === null) entry.abort.abort();
      else report(cancelRun(entry));
    },
    copy(cellId, on) {
      const entry = entries.get(cellId);
      if (entry?.run !== null && entry !== undefined) report(copy(entry, entry.run, on));
    },
    async answer(cellId, text) {
      const entry = entries.get(cellId);
      if (entry === undefined) return false;
      const work = client.answerRun(entry.view.id, text);
      report(work);
      return work.then(
        () => true,
        () => false,
      );
    },
    replay(cellId) {
      const entry = entries.get(cellId);
      if (entry !== undefined && entry.view.output === null && !isActive(entry.view)) follow(entry, REPLAY_CHARS_MAX);
    },
    install(cellId, command) {
      const entry = entries.get(cellId);
      if (entry?.run === null || entry === undefined || entry.view.install?.ended === false) return;
      report(install(entry, entry.run.sessionId, command));
    },
    forget(cellId) {
      const entry = entries.get(cellId);
      if (entry === undefined || isActive(entry.view)) return;
      entry.unfollow?.();
      entries.delete(cellId);
      tell(cellId);
    },
    async restart() {
      const sessions = new Set(
        [...entries.values()].flatMap((entry) => (entry.run === null ? [] : [entry.run.sessionId])),
      );
      const { sessions: known } = await client.api('sessions', { signal: closing.signal });
      const alive = known.filter((session) => sessions.has(session.id) && session.state !== 'cold');
      await Promise.all(
        alive.map(({ id }) => client.api('restartSession', { params: { id }, signal: closing.signal })),
      );
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closing.abort();
      stopWatching();
      stopListening();
      for (const entry of entries.values()) entry.unfollow?.();
      listeners.clear();
    },
  };
}

function unsent(id: RunId, code: string): CellRun {
  return {
    id,
    code,
    state: 'sending',
    queuePosition: 0,
    host: '',
    deviceId: null,
    why: '',
    waitsFor: '',
    silentSince: null,
    cancelAsked: false,
    startedAt: null,
    endedAt: null,
    trouble: '',
    errorType: '',
    output: null,
    install: null,
  };
}

function viewOf(run: Run, output: RunOutput | null): CellRun {
  return {
    ...unsent(run.id, run.code),
    state: run.state,
    queuePosition: run.queuePosition ?? 0,
    host: run.ranOn ?? '',
    deviceId: run.routedTo.deviceId ?? null,
    why: run.routedTo.why ?? '',
    waitsFor: run.waitsFor ?? '',
    silentSince: run.unreachable === undefined ? null : Date.parse(run.unreachable),
    startedAt: run.startedAt === undefined ? null : Date.parse(run.startedAt),
    endedAt: run.completedAt === undefined ? null : Date.parse(run.completedAt),
    trouble: run.error?.message ?? '',
    errorType: run.error?.type ?? output?.errorType ?? '',
    output,
  };
}

function sizeOf(event: RunEvent): number {
  if (event.type === 'stdout' || event.type === 'stderr') return event.payload.text.length;
  if (event.type !== 'display' && event.type !== 'result') return 0;
  return Object.values(event.payload.data ?? {}).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? value.length : 0),
    0,
  );
}
