/**
 * The journal of runs: one row a run in the device's store, with one writer, the host that runs it.
 *
 * 1. A run's state changes here and nowhere else, through `runMachine`, forward only; steps of one
 *    run happen one after another. A second terminal is refused, and the refusal is logged (R13).
 * 2. `running` and the terminal states are on disk before the promise resolves, `queued` once `durable` does
 *    (R11); `scheduled` is not written at all, it decides nothing.
 * 3. A write that fails changes nothing: neither what is read here nor what is told to listeners.
 */
import { Failure, RunSchema, runMachine, type Run, type RunId, type RunStep } from '@markco/protocol';
import * as z from 'zod/mini';

/** Where rows are kept; the id is the key. */
export type JournalStore = {
  get(id: string): Promise<Uint8Array | null>;
  put(id: string, value: Uint8Array, options: { readonly sync: boolean }): Promise<void>;
  /** Values by descending key, only keys below `before` when it is given. */
  list(options: { readonly before: string | null }): AsyncIterable<Uint8Array>;
};

export type RunLog = {
  info(event: string, fields: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields: Readonly<Record<string, unknown>>): void;
};

const RunRowSchema = z.strictObject({
  version: z.literal(1),
  run: RunSchema,
  /** The document's state that the run waits for: a Yjs state vector in base64. */
  docVersion: z.nullable(z.string().check(z.maxLength(1024 * 1024))),
  /** Somebody asked for its end: an error then means cancelled. */
  cancelRequested: z.boolean(),
  /** Whether its output is in the document, or needs not be. */
  outputWritten: z.boolean(),
  /** When its state last changed, Unix milliseconds. */
  changedAt: z.number(),
  /** Grows with every run accepted: the order of the queue, which ids made elsewhere do not tell. */
  turn: z.number(),
});
export type RunRow = z.infer<typeof RunRowSchema>;

/** How long a new run waits for the start that takes it to disk along with itself, before it is synced alone. */
const SYNC_DELAY_MS = 2;

export type Stepped = { readonly applied: boolean; readonly row: RunRow };

export type Journal = ReturnType<typeof createJournal>;

export function createJournal(
  store: JournalStore,
  parts: { readonly now: () => number; readonly log: RunLog; onChange(run: Run): void },
) {
  /** Rows of runs that have not ended; as many as are queued or running. */
  const open = new Map<RunId, RunRow>();
  const turns = new Map<RunId, Promise<unknown>>();
  /** New runs that are written and not yet synced, and what waits for that. */
  const unsynced = new Map<RunId, PromiseWithResolvers<void>>();

  let lastTurn = 0;

  function nextTurn(): number {
    lastTurn = Math.max(lastTurn + 1, parts.now() * 1_000);
    return lastTurn;
  }

  function inTurn<T>(id: RunId, work: () => Promise<T>): Promise<T> {
    const before = turns.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    turns.set(id, settled);
    void settled.then(() => turns.get(id) === settled && turns.delete(id));
    return mine;
  }

  async function read(id: RunId): Promise<RunRow | null> {
    const known = open.get(id);
    if (known !== undefined) return known;
    const value = await store.get(id);
    return value === null ? null : parseRow(value);
  }

  async function require(id: RunId): Promise<RunRow> {
    const row = await read(id);
    if (row === null) throw new Failure('not_found', 'There is no such run on this device.');
    return row;
  }

  async function write(row: RunRow, sync: boolean): Promise<void> {
    try {
      await store.put(row.run.id, new TextEncoder().encode(JSON.stringify(row)), { sync });
    } catch (cause) {
      throw new Failure(
        'storage_failed',
        'The run could not be noted on disk. Check that the disk is there and has space.',
        { cause },
      );
    }
    keep(row);
    if (!sync) return;
    unsynced.get(row.run.id)?.resolve();
    unsynced.delete(row.run.id);
  }

  function keep(row: RunRow): void {
    if (runMachine.isTerminal(row.run.state)) open.delete(row.run.id);
    else open.set(row.run.id, row);
  }

  /** Syncs a new run that nothing else has taken to disk meanwhile. */
  async function syncAlone(id: RunId): Promise<void> {
    await inTurn(id, async () => {
      const row = open.get(id);
      if (row !== undefined && unsynced.has(id)) await write(row, true);
    });
  }

  return {
    get: read,
    require,

    /**
     * Notes a new run, `queued`: a kill loses it no more, and see `durable`. Whoever gives it its place in a queue
     * tells of it. `conflict` when the id is taken; `bad_request` when a field is out of bounds.
     */
    create: (run: Run, docVersion: string | null): Promise<RunRow> =>
      inTurn(run.id, async () => {
        if ((await read(run.id)) !== null) throw new Failure('conflict', 'There is a run with this id already.');
        const parsed = RunSchema.safeParse(run);
        if (!parsed.success) throw new Failure('bad_request', `The run is not valid: ${z.prettifyError(parsed.error)}`);
        const row: RunRow = {
          version: 1,
          run: { ...parsed.data, state: runMachine.initial },
          docVersion,
          cancelRequested: false,
          outputWritten: run.documentId === undefined,
          changedAt: parts.now(),
          turn: nextTurn(),
        };
        await write(row, false);
        unsynced.set(run.id, Promise.withResolvers());
        parts.log.info('run.state', { runId: run.id, from: null, to: row.run.state, cause: 'submitted' });
        return row;
      }),

    /** Resolves when a new run is on disk, by its start or alone; at once for others. `storage_failed`. */
    async durable(id: RunId): Promise<void> {
      const synced = unsynced.get(id);
      if (synced === undefined) return;
      const alone = Promise.withResolvers<void>();
      const timer = setTimeout(() => void syncAlone(id).then(alone.resolve, alone.reject), SYNC_DELAY_MS);
      await Promise.race([synced.promise, alone.promise]).finally(() => clearTimeout(timer));
    },

    /** Takes one step. `fields` are set together with the state. A refused step is a value. */
    step: (
      id: RunId,
      event: RunStep,
      cause: string,
      fields: Partial<Pick<Run, 'startedAt' | 'completedAt' | 'error' | 'ranOn'>> = {},
    ): Promise<Stepped> =>
      inTurn(id, async () => {
        const row = await require(id);
        const next = runMachine.step(row.run.state, event);
        if (!next.ok) {
          parts.log.warn('run.step-refused', { runId: id, event, state: row.run.state, cause, reason: next.refused });
          return { applied: false, row };
        }
        const now = parts.now();
        const changed: RunRow = { ...row, run: { ...row.run, ...fields, state: next.state }, changedAt: now };
        if (event === 'schedule') keep(changed);
        else await write(changed, true);
        parts.log.info('run.state', {
          runId: id,
          from: row.run.state,
          to: next.state,
          cause,
          durationMs: now - row.changedAt,
        });
        parts.onChange(changed.run);
        return { applied: true, row: changed };
      }),

    /** Notes something that is not the state. */
    note: (id: RunId, fields: Partial<Pick<RunRow, 'cancelRequested' | 'outputWritten'>>): Promise<RunRow> =>
      inTurn(id, async () => {
        const row = { ...(await require(id)), ...fields };
        await write(row, false);
        return row;
      }),

    /** Rows by descending id, that is newest first. A row that cannot be read is logged and left out. */
    async *list(before: RunId | null): AsyncGenerator<RunRow> {
      for await (const value of store.list({ before })) {
        try {
          yield parseRow(value);
        } catch (error) {
          parts.log.warn('run.unreadable', { reason: String(error) });
        }
      }
    },
  };
}

function parseRow(value: Uint8Array): RunRow {
  const parsed = RunRowSchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
  if (!parsed.success)
    throw new Failure('storage_failed', 'The row of a run on disk is damaged.', { cause: parsed.error });
  return parsed.data;
}
