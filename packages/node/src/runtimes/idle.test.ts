import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventually, finished, ids, testDevice } from '../runs/runs.fixture.ts';
import { decideIdle, NOTICE_MS, type IdleNotice } from './idle.ts';

const HOUR = 3_600_000;
const idle = { usedAt: 0, busy: false, cpuMs: 5 };

test('a session is told ten minutes before, then ends; using it takes that back', () => {
  expect(decideIdle(idle, null, HOUR - NOTICE_MS - 1, HOUR).notice).toBeNull();
  const told = decideIdle(idle, null, HOUR - NOTICE_MS, HOUR);
  expect(told).toMatchObject({ end: false, notice: { endsAt: HOUR } });
  expect(decideIdle(idle, told.notice, HOUR - 1, HOUR)).toEqual(told);
  expect(decideIdle(idle, told.notice, HOUR, HOUR).end).toBe(true);
  expect(decideIdle({ ...idle, usedAt: HOUR - 1 }, told.notice, HOUR, HOUR)).toEqual({ end: false, notice: null });
});

test('one that computes beside its runs is told again instead', () => {
  const { notice } = decideIdle(idle, null, HOUR, HOUR);
  const next = decideIdle({ ...idle, cpuMs: NOTICE_MS / 2 }, notice, HOUR + NOTICE_MS, HOUR);
  expect(next).toMatchObject({ end: false, notice: { endsAt: HOUR + 2 * NOTICE_MS } });
});

test('whatever happens, nothing busy ends, and nothing ends untold', () => {
  const step = fc.record({ ms: fc.nat(3 * HOUR), busy: fc.boolean(), used: fc.boolean(), cpu: fc.nat(HOUR) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.option(fc.integer({ min: 1, max: 48 * HOUR })),
      (steps, idleMs) => {
        let now = 0;
        let cpuMs = 0;
        let usedAt = 0;
        let notice: IdleNotice | null = null;
        let toldAt: number | null = null;
        for (const each of steps) {
          now += each.ms;
          cpuMs += each.cpu;
          if (each.busy || each.used) usedAt = now;
          const decided = decideIdle({ usedAt, busy: each.busy, cpuMs }, notice, now, idleMs);
          if (decided.end) {
            expect([each.busy, idleMs]).not.toEqual([true, null]);
            expect(toldAt !== null && now - toldAt >= NOTICE_MS && now - usedAt >= NOTICE_MS).toBe(true);
            return;
          }
          if (decided.notice === null) toldAt = null;
          else if (notice?.endsAt !== decided.notice.endsAt) toldAt = now;
          notice = decided.notice;
        }
      },
    ),
    { numRuns: 5_000 },
  );
});

test('an idle interpreter ends when its time has come and starts again with the next run; a busy one stays', async () => {
  let ahead = 0;
  const clock = { ...ids, now: () => Date.now() + ahead };
  await using device = await testDevice({ ids: clock, idleMs: HOUR });
  await finished(device.runs, device.request('x = 1'));
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('no session');
  ahead = HOUR;
  await device.runs.sessions.look();
  expect(device.runs.sessions.load(session.id).endsAt).toBeGreaterThan(clock.now());
  const silent = device.request('import time\ntime.sleep(600)');
  await device.runs.submit(silent);
  await eventually(async () => (await device.runs.get(silent.id))?.state === 'running');
  ahead = 12 * HOUR;
  await device.runs.sessions.look();
  await device.runs.sessions.look();
  expect((await device.runs.get(silent.id))?.state).toBe('running');
  expect(device.runs.sessions.load(session.id).endsAt).toBeNull();
  await device.runs.cancel(silent.id, AbortSignal.timeout(10_000));
  ahead = 24 * HOUR;
  await device.runs.sessions.look();
  ahead += NOTICE_MS;
  await device.runs.sessions.look();
  await eventually(() => device.runs.sessions.get(session.id)?.state === 'cold');
  // Its values are kept meanwhile, once: a worker that dies later has none.
  const again = await finished(device.runs, device.request('print(x)'));
  // The run that was canceled may not have come to its import.
  expect(again.text).toMatch(/^This session was asleep\. Its values are back \((1 name|2 names)\)\.\n1\n$/);
  await device.runs.sessions.restart(session.id, AbortSignal.timeout(20_000));
  expect((await finished(device.runs, device.request('x'))).run.error?.type).toBe('NameError');
});
