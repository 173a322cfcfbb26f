import {
  newId,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunId,
  type RunStep,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJournal, type JournalStore, type RunRow } from './journal.ts';
import { ids, memoryStore, quiet } from './runs.fixture.ts';

const trials = Number(process.env['MARKCO_TRIALS'] ?? 1) * 20_000;

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
  'R13 M8 whatever the order of the claims and of the disk, a run has one terminal state',
  { timeout: 120_000 },
  async () => {
    const claim = fc.constantFrom<RunStep>('schedule', 'start', 'complete', 'fail', 'cancel');
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(claim, { minLength: 2, maxLength: 8 }), async (scheduler, claims) => {
        const rows = memoryStore();
        const store: JournalStore = {
          ...rows,
          put: (id, value) => scheduler.schedule(Promise.resolve(), 'put').then(() => void rows.rows.set(id, value)),
        };
        const refused: string[] = [];
        const told: Run[] = [];
        const journal = createJournal(store, {
          now: () => 0,
          log: { ...quiet, warn: (event) => void refused.push(event) },
          onChange: (run) => void told.push(run),
        });
        const run = newRun();
        const created = journal.create(run, null);
        await scheduler.waitFor(created);
        const steps = Promise.all(
          claims.map((event) =>
            scheduler.schedule(Promise.resolve(), event).then(() => journal.step(run.id, event, 'claim')),
          ),
        );
        const results = await scheduler.waitFor(steps);
        const terminal = told.filter(({ state }) => ['completed', 'failed', 'cancelled'].includes(state));
        expect(terminal.length).toBeLessThanOrEqual(1);
        expect(refused.length).toBe(results.filter(({ applied }) => !applied).length);
        const stored = (
          await createJournal(rows, { now: () => 0, log: quiet, onChange: () => undefined }).require(run.id)
        ).run;
        const written = told.map(({ state }) => state).filter((state) => state !== 'scheduled');
        expect(stored.state).toBe(written.at(-1) ?? 'queued');
        if (terminal.length === 1) expect(stored.state).toBe(terminal[0]?.state);
      }),
      { numRuns: trials },
    );
  },
);

test(
  'R11 however often a run is delivered and its device restarted, one start is granted',
  { timeout: 120_000 },
  async () => {
    /** What happens, and how many writes the disk does before the next thing. */
    const event = fc.tuple(fc.constantFrom('deliver', 'start', 'restart'), fc.nat({ max: 4 }));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(event, { minLength: 3, maxLength: 12 }), async (scheduler, happens) => {
        const rows = memoryStore();
        const run = newRun();
        let life = 0;
        let granted = 0;
        /** A program of the device: what the disk has not done for it when it is killed is never done. */
        const boot = () => {
          const mine = ++life;
          const store: JournalStore = {
            ...rows,
            put: (id, value) =>
              scheduler.schedule(Promise.resolve(), 'put').then(() => {
                if (mine !== life) throw new Error('killed');
                rows.rows.set(id, value);
              }),
          };
          return createJournal(store, { now: () => 0, log: quiet, onChange: () => undefined });
        };
        let journal = boot();
        const works: Promise<void>[] = [];
        const deliver = async (): Promise<void> => {
          if ((await journal.get(run.id)) === null) await journal.create(run, null);
        };
        const start = async (): Promise<void> => {
          const row = await journal.get(run.id);
          if (row === null) return;
          if (row.run.state === 'queued') await journal.step(run.id, 'schedule', 'test');
          // Only who is told that it was applied sends the code.
          if ((await journal.step(run.id, 'start', 'test')).applied) granted++;
        };
        for (const [what, writes] of happens) {
          if (what === 'restart') journal = boot();
          else works.push((what === 'deliver' ? deliver() : start()).catch(() => undefined));
          for (let write = 0; write < writes; write++) {
            await new Promise(setImmediate);
            if (scheduler.count() > 0) await scheduler.waitOne();
          }
        }
        await scheduler.waitFor(Promise.all(works));
        expect(granted).toBeLessThanOrEqual(1);
        const kinds = happens.map(([what]) => what);
        if (kinds.includes('deliver') && !kinds.includes('restart')) expect(await journal.get(run.id)).not.toBeNull();
      }),
      { numRuns: trials },
    );
  },
);

test('a disk that fails changes nothing and says so', async () => {
  const rows = memoryStore();
  let full = false;
  const store: JournalStore = {
    ...rows,
    put: (...row) => (full ? Promise.reject(new Error('ENOSPC')) : rows.put(...row)),
  };
  const told: string[] = [];
  const journal = createJournal(store, { now: () => 0, log: quiet, onChange: (run) => void told.push(run.state) });
  const run = newRun();
  await journal.create(run, null);
  await journal.step(run.id, 'schedule', 'test');
  full = true;
  await expect(journal.step(run.id, 'start', 'test')).rejects.toMatchObject({ code: 'storage_failed' });
  expect((await journal.require(run.id)).run.state).toBe('scheduled');
  full = false;
  expect(await journal.step(run.id, 'start', 'test')).toMatchObject({ applied: true });
  expect(told).toEqual(['scheduled', 'running']);
});

/** What was put, in order, and whether it was synced. */
function recordedStore() {
  const rows = memoryStore();
  const puts: (readonly [state: string, synced: boolean])[] = [];
  let broken = false;
  const store: JournalStore = {
    ...rows,
    put(id, value, options) {
      if (broken && options.sync) return Promise.reject(new Error('EIO'));
      puts.push([(JSON.parse(new TextDecoder().decode(value)) as RunRow).run.state, options.sync]);
      return rows.put(id, value, options);
    },
  };
  return { store, puts, breaks: (does: boolean) => (broken = does) };
}

test('running and terminal states are synced; a new run that starts at once goes to disk with its start', async () => {
  const { store, puts } = recordedStore();
  const journal = createJournal(store, { now: () => 0, log: quiet, onChange: () => undefined });
  const run = newRun();
  await journal.create(run, null);
  const durable = journal.durable(run.id);
  for (const event of ['schedule', 'start'] as const) await journal.step(run.id, event, 'test');
  await durable;
  await journal.step(run.id, 'complete', 'test');
  await journal.durable(run.id);
  expect(puts).toEqual([
    ['queued', false],
    ['running', true],
    ['completed', true],
  ]);
});

test('a new run that has to wait is synced alone; one that the disk does not take is not said to be there', async () => {
  const { store, puts, breaks } = recordedStore();
  const journal = createJournal(store, { now: () => 0, log: quiet, onChange: () => undefined });
  const run = newRun();
  await journal.create(run, null);
  breaks(true);
  await expect(journal.durable(run.id)).rejects.toMatchObject({ code: 'storage_failed' });
  breaks(false);
  await Promise.all([journal.durable(run.id), journal.durable(run.id)]);
  expect(puts).toEqual([
    ['queued', false],
    ['queued', true],
  ]);
});

test('an invalid run is refused, a damaged row is left out of the list', async () => {
  const rows = memoryStore();
  const journal = createJournal(rows, { now: () => 0, log: quiet, onChange: () => undefined });
  await expect(journal.create({ ...newRun(), cellId: '' }, null)).rejects.toMatchObject({ code: 'bad_request' });
  const run = newRun();
  await journal.create(run, null);
  rows.rows.set('ffff', new TextEncoder().encode('{"version":2}'));
  expect((await Array.fromAsync(journal.list(null))).map((row) => row.run.id)).toEqual([run.id]);
});
