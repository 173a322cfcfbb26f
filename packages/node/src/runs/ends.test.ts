/** R13, R15: one run, a host that is killed anywhere, a worker that dies anywhere, somebody who cancels. */
import {
  Failure,
  newId,
  runMachine,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunEvent,
  type RunId,
  type RunState,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import type { Ending } from '../runtimes/ending.ts';
import type { SessionHost } from '../runtimes/session-host.ts';
import { createExecutor, type Executor } from './execute.ts';
import { createWorld, type World } from './frozen.fixture.ts';
import { createJournal, type Journal, type JournalStore, type RunRow } from './journal.ts';
import { ids, quiet } from './runs.fixture.ts';
import { spoolFile } from './spool.ts';

let world: World;

vi.mock('node:fs/promises', async (original) => {
  const { diskOf } = await import('./frozen.fixture.ts');
  const disk = diskOf(() => world);
  return { ...(await original<object>()), ...disk };
});

// Waiting takes a turn, and no time.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<object>()),
  setTimeout: () => world.act('wait', () => undefined),
}));

const FOLDER = '/run';
const SPOOL = spoolFile(FOLDER);
/** Where a host can be killed: all that it does to what outlives it. */
const POINTS = [
  'put queued',
  'put running',
  'put end',
  'barrier',
  'start the worker',
  'mkdir',
  'send the code',
  'open',
  'truncate',
  'write the end',
  'sync the end',
] as const;
const TURNS_MAX = 5_000;

type Worker = {
  run: RunId | null;
  writes: boolean;
  interrupted: boolean;
  dead: boolean;
  tell: (ending: Ending) => void;
};

/** The interpreter of the session: it starts what it is sent unless its spool is there, and is nobody's child. */
function createInterpreter(onStart: () => void) {
  let worker: Worker | null = null;
  let printed = 0;

  function append(event: Pick<RunEvent, 'type' | 'payload'>, run: RunId): void {
    const line = { id: newId(ids), runId: run, seq: printed++, createdAt: '2026-01-01T00:00:00.000Z', ...event };
    world.files.set(
      SPOOL,
      Buffer.concat([world.files.get(SPOOL) ?? Buffer.alloc(0), Buffer.from(`${JSON.stringify(line)}\n`)]),
    );
  }

  async function carryOut(mine: Worker, run: RunId): Promise<void> {
    await world.aside('the code arrives');
    if (mine.dead) return;
    if (world.files.has(SPOOL)) return mine.tell({ kind: 'refused', reason: 'its spool is there' });
    world.files.set(SPOOL, Buffer.alloc(0));
    mine.writes = true;
    onStart();
    for (let line = 0; line < 2; line++) {
      await world.aside('print');
      if (mine.dead) return;
      append({ type: 'stdout', payload: { text: `${line}\n` } }, run);
    }
    await world.aside('the last event');
    if (mine.dead) return;
    mine.writes = false;
    if (mine.interrupted)
      append({ type: 'error', payload: { type: 'KeyboardInterrupt', message: '', traceback: [] } }, run);
    else append({ type: 'result', payload: { data: null, executionCount: 1, durationMs: 1 } }, run);
    await world.aside('the end is told');
    mine.run = null;
    mine.tell({ kind: 'ended' });
  }

  return {
    get worker(): Worker | null {
      return worker;
    },
    start(): void {
      worker ??= { run: null, writes: false, interrupted: false, dead: false, tell: () => undefined };
    },
    send(run: RunId): void {
      if (worker === null) return;
      worker.run = run;
      void carryOut(worker, run);
    },
    /** With what it was about to write torn off in the middle. */
    die(torn: boolean): void {
      const dead = worker;
      worker = null;
      if (dead === null) return;
      dead.dead = true;
      const written = world.files.get(SPOOL);
      if (torn && dead.writes && written !== undefined)
        world.files.set(SPOOL, Buffer.concat([written, Buffer.from('{"id":"to')]));
      void world.aside('the death is seen').then(() => dead.tell({ kind: 'died', reason: 'It died.', lastWords: [] }));
    },
  };
}

/** The session as one host sees it. */
function sessionsOf(interpreter: ReturnType<typeof createInterpreter>): SessionHost {
  const { act } = world;
  let current: RunId | null = null;
  let over: Promise<Ending> | undefined;
  const wait = (run: RunId): Promise<Ending> => {
    const { worker } = interpreter;
    if (worker === null) return Promise.resolve({ kind: 'died', reason: 'It is gone.', lastWords: [] });
    const { promise, resolve } = Promise.withResolvers<Ending>();
    current = run;
    over = promise;
    worker.tell = (ending) => {
      current = null;
      resolve(ending);
    };
    return promise;
  };
  const session = {
    get current() {
      return current;
    },
    get state() {
      return interpreter.worker === null ? 'cold' : 'running';
    },
    attach: () => act('attach', () => interpreter.worker !== null),
    async execute(run: RunId) {
      const { worker } = interpreter;
      const ending = wait(run);
      // Sent is sent: whoever is killed after it does not take it back.
      await act('send the code', () => interpreter.worker === worker && interpreter.send(run));
      return ending;
    },
    resume: (run: RunId) => (interpreter.worker?.run === run ? wait(run) : Promise.resolve<Ending>({ kind: 'ended' })),
    stop: () => act('stop the worker', () => interpreter.die(false)),
    async interrupt() {
      await act('interrupt', () => {
        if (interpreter.worker !== null) interpreter.worker.interrupted = true;
      });
      await over;
    },
  };
  return {
    start: () => act('start the worker', () => interpreter.start()),
    session: () => session,
  } as unknown as SessionHost;
}

type Happening =
  | { readonly what: 'cancel' | 'host dies' | 'disk fills' | 'disk has room'; readonly turns: number }
  | { readonly what: 'worker dies'; readonly torn: boolean; readonly turns: number }
  | {
      readonly what: 'trap';
      readonly point: (typeof POINTS)[number];
      readonly side: 'before' | 'after';
      readonly turns: number;
    };

const turns = fc.nat({ max: 12 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ what: fc.constantFrom('cancel', 'host dies', 'disk fills', 'disk has room'), turns }),
  fc.record({ what: fc.constant('worker dies'), torn: fc.boolean(), turns }),
  fc.record({
    what: fc.constant('trap'),
    point: fc.constantFrom(...POINTS),
    side: fc.constantFrom('before', 'after'),
    turns,
  }),
) as fc.Arbitrary<Happening>;

function newRun(): Run {
  return {
    id: newId<RunId>(ids),
    userId: newId<UserId>(ids),
    projectId: newId<ProjectId>(ids),
    sessionId: newId<SessionId>(ids),
    language: 'python',
    code: '1',
    state: 'queued',
    routedTo: { hostType: 'device', deviceId: newId<DeviceId>(ids), reason: 'availability' },
    createdAt: '2026-01-01T00:00:00.000Z',
  };
}

test(
  'R13 R15 whatever the order of the worker, a cancel, deaths of both and a full disk, a run starts at most once and ends once, with its last event first',
  { timeout: 600_000 },
  async () => {
    const killed = new Set<string>();
    const ends = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(happening, { maxLength: 6 }), async (scheduler, happens) => {
        world = createWorld(scheduler);
        const run = newRun();
        const rows = new Map<string, Uint8Array>();
        const row = (): RunRow | null => {
          const value = rows.get(run.id);
          return value === undefined ? null : (JSON.parse(new TextDecoder().decode(value)) as RunRow);
        };
        const states: RunState[] = [];
        let starts = 0;
        let stateAtStart: RunState | undefined;
        let isDead = true;
        const interpreter = createInterpreter(() => {
          starts++;
          stateAtStart = row()?.run.state;
        });
        const store: JournalStore = {
          get: async (id) => rows.get(id) ?? null,
          put: (id, value) => {
            const { state } = (JSON.parse(new TextDecoder().decode(value)) as RunRow).run;
            const point = runMachine.isTerminal(state) ? 'put end' : `put ${state}`;
            return world.act(point, () => {
              if (states.at(-1) !== state) states.push(state);
              rows.set(id, value);
            });
          },
          async *list() {
            yield* rows.values();
          },
        };
        let host: { readonly journal: Journal; readonly executor: Executor } | undefined;

        /** A program of the device: it takes up the run where it finds it. */
        function boot(): void {
          isDead = false;
          world.begin(
            () => {
              const journal = createJournal(store, { now: () => 0, log: quiet, onChange: () => undefined });
              const executor = createExecutor(
                {
                  journal,
                  sessions: sessionsOf(interpreter),
                  ids,
                  log: quiet,
                  deviceName: 'laptop',
                  runFolder: () => FOLDER,
                  barrier: () => world.act('barrier', () => undefined),
                  touch: () => undefined,
                  onSessionLost: () => undefined,
                  onOver: () => undefined,
                },
                new AbortController().signal,
              );
              host = { journal, executor };
              void (async () => {
                const found = await journal.get(run.id);
                if (found === null) await journal.create(run, null);
                else if (found.run.state === 'queued' && interpreter.worker !== null) executor.expectWorker(run.id);
                await executor.carry(run.id);
              })();
            },
            () => (isDead = true),
          );
        }

        function cancel(): void {
          const { journal, executor } = host ?? expect.unreachable('no host');
          world.begin(
            () =>
              void (async () => {
                const found = await journal.get(run.id);
                if (found === null || runMachine.isTerminal(found.run.state)) return;
                await journal.note(run.id, { cancelRequested: true });
                await executor.cancel((await journal.require(run.id)).run);
              })().catch((error: unknown) => {
                if (!(error instanceof Failure)) throw error;
              }),
            () => (isDead = true),
          );
        }

        function happen(event: Happening): void {
          if (event.what === 'cancel') {
            if (!isDead) cancel();
          } else if (event.what === 'host dies') world.kill();
          else if (event.what === 'worker dies') interpreter.die(event.torn);
          else if (event.what === 'disk fills' || event.what === 'disk has room')
            world.fill(event.what === 'disk fills');
          else if (event.what === 'trap') world.set(event);
        }

        async function turn(): Promise<void> {
          await new Promise(setImmediate);
          if (isDead) boot();
          else if (scheduler.count() > 0) await scheduler.waitOne();
        }

        boot();
        for (const event of happens) {
          for (let at = 0; at < event.turns; at++) await turn();
          happen(event);
        }
        world.fill(false);
        let left = TURNS_MAX;
        while (!runMachine.isTerminal(row()?.run.state ?? 'queued') || scheduler.count() > 0) {
          if (left-- === 0) throw new Error(`the run never ends: ${states.join(' ')}`);
          await turn();
        }

        const last = row()?.run;
        const events = (world.files.get(SPOOL)?.toString() ?? '')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as RunEvent);
        const isLast = ({ type }: RunEvent): boolean => type === 'result' || type === 'error';
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
        expect(events.filter(isLast)).toEqual(events.slice(-1));
        expect(states.filter((state) => runMachine.isTerminal(state))).toEqual([last?.state]);
        expect(last?.state === 'completed').toBe(events.at(-1)?.type === 'result');
        expect(starts).toBeLessThanOrEqual(1);
        if (starts === 1) expect(stateAtStart).toBe('running');
        for (const name of world.sprung) killed.add(name);
        const end = `${last?.state} ${last?.error?.type ?? ''}`.trim();
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }),
      trials('R13 orders of the end of a run', 20_000),
    );
    console.log(`  ${JSON.stringify(Object.fromEntries(ends))}`);
    // Each point was reached and killed at, on both sides.
    expect([...killed].toSorted()).toEqual(POINTS.flatMap((point) => [`after ${point}`, `before ${point}`]).toSorted());
    expect([...ends.keys()]).toEqual(
      expect.arrayContaining(['completed', 'cancelled KeyboardInterrupt', 'failed lost']),
    );
  },
);
