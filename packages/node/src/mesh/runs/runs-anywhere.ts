/**
 * Runs wherever they are: of this device from its journal, of another one by asking it. Whoever follows, answers or
 * cancels a run need not know where it is.
 *
 * 1. A run that this device has is its own; nobody is asked.
 * 2. Where another one is, is remembered once found; else every connected device is asked, at once.
 */
import { Failure, LIMITS, type DeviceId, type Run, type RunEvent, type RunId } from '@markco/protocol';
import type { Client } from '@markco/client';
import type { Runs, RunQuery } from '../../runs/runs.ts';
import type { Mesh } from '../mesh.ts';
import type { SessionsAnywhere } from '../sessions/sessions-anywhere.ts';

/** Runs of other devices whose place is remembered; of more, the newest. */
const KNOWN_MAX = 10_000;
/** How long a list waits for another device. */
const LIST_MS = 1_500;
const CANCEL_MS = 30_000;

export type RunsAnywhereParts = {
  readonly runs: Runs;
  readonly sessions: Pick<SessionsAnywhere, 'remember'>;
  /** Null while this device is alone. */
  readonly mesh: () => Pick<Mesh, 'peers' | 'client'> | null;
};

export type RunsAnywhere = ReturnType<typeof createRunsAnywhere>;

export function createRunsAnywhere({ runs, sessions, mesh }: RunsAnywhereParts) {
  const others = (): readonly DeviceId[] =>
    (mesh()?.peers.list() ?? []).filter(({ state }) => state === 'connected').map(({ deviceId }) => deviceId);
  function client(device: DeviceId): Client {
    const open = mesh();
    if (open === null) throw new Failure('not_ready', 'The other devices are not connected yet.', { retryable: true });
    return open.client(device);
  }

  const known = new Map<RunId, DeviceId>();

  function remember(run: Run, device: DeviceId): Run {
    known.delete(run.id);
    known.set(run.id, device);
    sessions.remember(run.sessionId, device);
    const [oldest] = known.keys();
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    return run;
  }

  async function find(id: RunId): Promise<{ readonly run: Run; readonly device: DeviceId } | null> {
    const device = known.get(id);
    const asked = device === undefined ? others() : [device];
    const answers = asked.map(async (each) => {
      const run = await client(each).api('run', { params: { id }, signal: AbortSignal.timeout(LIST_MS) });
      return { run: remember(run, each), device: each };
    });
    if (device !== undefined) return answers[0] ?? null;
    return Promise.any(answers).catch(() => null);
  }

  const missing = (): Failure => new Failure('not_found', 'There is no such run here.');

  /** Where a run of another device is; null when it is this device's own. */
  async function placeOf(id: RunId): Promise<DeviceId | null> {
    if ((await runs.get(id)) !== null) return null;
    const found = known.get(id) ?? (await find(id))?.device;
    if (found === undefined) throw missing();
    return found;
  }

  async function* followThere(
    device: DeviceId,
    id: RunId,
    fromSeq: number,
    signal: AbortSignal,
  ): AsyncIterable<RunEvent> {
    const queue: RunEvent[] = [];
    let wake = (): void => undefined;
    let isOver = false;
    let failure: Failure | null = null;
    const stop = client(device).followRun(id, fromSeq, {
      onEvent(event) {
        queue.push(event);
        wake();
      },
      onEnd(run) {
        remember(run, device);
        isOver = true;
        wake();
      },
      onError(error) {
        failure = new Failure(error.code, error.message);
        wake();
      },
    });
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event;
        if (failure !== null) throw failure as Failure;
        if (isOver || signal.aborted) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      stop();
    }
  }

  async function* follow(
    here: (id: RunId, fromSeq: number, signal: AbortSignal) => AsyncIterable<RunEvent>,
    id: RunId,
    fromSeq: number,
    signal: AbortSignal,
  ): AsyncIterable<RunEvent> {
    const device = await placeOf(id);
    yield* device === null ? here(id, fromSeq, signal) : followThere(device, id, fromSeq, signal);
  }

  async function require(id: RunId): Promise<Run> {
    const run = (await runs.get(id)) ?? (await find(id))?.run;
    if (run === undefined) throw missing();
    return run;
  }

  return {
    remember,
    require,
    follow: (id: RunId, fromSeq: number, signal: AbortSignal) => follow(runs.follow, id, fromSeq, signal),
    /** Those that are stored by now; of a run elsewhere that goes on, those that have come when it is asked. */
    stored: (id: RunId, fromSeq: number, signal: AbortSignal) => follow(runs.stored, id, fromSeq, signal),

    async cancel(id: RunId): Promise<Run> {
      const device = await placeOf(id);
      if (device === null) return runs.cancel(id, AbortSignal.timeout(CANCEL_MS));
      return remember(await client(device).cancelRun(id), device);
    },

    async input(id: RunId, text: string): Promise<Run> {
      const device = await placeOf(id);
      if (device === null) return runs.input(id, text, AbortSignal.timeout(LIMITS.barrierTimeoutMs));
      await client(device).answerRun(id, text);
      return require(id);
    },

    /** Newest first. A device that does not answer in time is left out. */
    async list(query: RunQuery): Promise<readonly Run[]> {
      const ask = others().map(async (device) => {
        const answer = await client(device).api('runs', {
          query: {
            ...(query.projectId === null ? {} : { projectId: query.projectId }),
            ...(query.state === null ? {} : { state: query.state }),
            ...(query.before === null ? {} : { before: query.before }),
            limit: String(query.limit),
          },
          signal: AbortSignal.timeout(LIST_MS),
        });
        return answer.runs.map((run) => remember(run, device));
      });
      const [mine, ...theirs] = await Promise.all([runs.list(query), ...ask.map((asked) => asked.catch(() => []))]);
      const all = new Map([...theirs.flat(), ...mine].map((run) => [run.id, run]));
      return [...all.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit);
    },
  };
}
