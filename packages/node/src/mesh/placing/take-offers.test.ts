import {
  Failure,
  newId,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import { ids } from '../../runs/runs.fixture.ts';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { createAwakeClock } from './awake-clock.ts';
import type { Placeable, ToSubmitter } from './start-messages.ts';
import { createTakeOffers } from './take-offers.ts';

const submitter = newId<DeviceId>(ids);
const self = newId<DeviceId>(ids);
const projectId = newId<ProjectId>(ids);

function setUp(slots = 1) {
  const { store } = createSimulatedDisk();
  const journal = new Map<RunId, Run>();
  const said: ToSubmitter[] = [];
  const listeners = new Set<(run: Run) => void>();
  const passing = { clock: 0, failure: null as Failure | null, refusal: null as 'takes-no-runs' | null, busy: 0 };
  const open = () =>
    createTakeOffers({
      ...{ ids, store },
      runs: {
        get: async (id) => journal.get(id) ?? null,
        cancel: async (id) => become(id, 'cancelled'),
        onChange(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
      refuses: async () => passing.refusal,
      mistrusts: () => passing.failure,
      prepare: async () => undefined,
      async accept(request) {
        if (passing.failure !== null) throw passing.failure;
        const run = runOf(request);
        journal.set(run.id, run);
        return run;
      },
      state: async () => ({
        capability: {
          ...{ deviceId: self, online: true, heartbeatAt: new Date().toISOString(), runtimes: [] },
          resources: { network: 'wifi' },
          policy: {
            allowRemoteExecution: true,
            allowHeavyJobs: true,
            allowWhenOnBattery: true,
            maxConcurrentRuns: slots,
          },
        },
        runningRuns: passing.busy,
        queuedRuns: 0,
      }),
      send: (_, message) => said.push(message),
      clock: () => passing.clock,
      onTrouble: (_, cause) => {
        throw cause;
      },
    });
  const become = (id: RunId, state: 'running' | 'completed' | 'cancelled'): void => {
    const known = journal.get(id);
    if (known === undefined) return;
    journal.set(id, { ...known, state });
    for (const listener of listeners) listener({ ...known, state });
  };
  const offer = (id: RunId, fence = 1, grant?: string) => ({
    ...{ type: 'offer' as const, runId: id, fence, request: { id, projectId, language: 'python', code: '1' } },
    ...(grant === undefined ? {} : { grant }),
  });
  const heard = () => said.splice(0).map(({ type }) => type);
  return { open, offer, heard, said, passing, journal, become };
}

const runOf = ({ id, code }: Placeable): Run => ({
  ...{ id, code, projectId, userId: newId<UserId>(ids), sessionId: newId<SessionId>(ids), language: 'python' },
  state: 'queued',
  routedTo: { hostType: 'device', deviceId: self, reason: 'availability' },
  createdAt: new Date().toISOString(),
});
const claimIn = (said: readonly ToSubmitter[]): number => {
  const claim = said.findLast((message) => message.type === 'claim');
  if (claim === undefined) throw new Error('nothing was claimed');
  return claim.claim;
};

test('a grant starts what it was claimed for, within five seconds that go on while the machine sleeps', async () => {
  const { open, offer, heard, said, passing, journal } = setUp();
  const host = open();
  const id = newId<RunId>(ids);
  await host.receive(submitter, offer(id));
  await expect.poll(() => said.length).toBe(1);
  const claim = claimIn(said);
  const grant = { type: 'grant' as const, runId: id, fence: 1, grant: 'AAAA' };
  await host.receive(submitter, { ...grant, claim: claim + 1 });
  await host.receive(newId<DeviceId>(ids), { ...grant, claim });
  await host.receive(submitter, { ...grant, claim, fence: 2 });
  passing.clock += 5_000;
  await host.receive(submitter, { ...grant, claim });
  expect([heard(), journal.size]).toEqual([['claim'], 0]);
  passing.clock -= 1;
  await host.receive(submitter, { ...grant, claim });
  await host.receive(submitter, { ...grant, claim });
  expect([heard(), journal.size]).toEqual([['started', 'started'], 1]);
  host.close();
});

test('what was claimed of a device that did not hear it is claimed again when it is back, and the grant is for that claim', async () => {
  const { open, offer, heard, said, journal } = setUp(2);
  const host = open();
  const [id, other] = [newId<RunId>(ids), newId<RunId>(ids)];
  await host.receive(submitter, offer(id));
  await host.receive(newId<DeviceId>(ids), offer(other));
  await expect.poll(() => said.length).toBe(2);
  const unheard = said.find(({ runId }) => runId === id);
  said.splice(0);
  host.back(submitter);
  await expect.poll(() => said.length).toBe(1);
  expect(said).toMatchObject([{ type: 'claim', runId: id, fence: 1 }]);
  const grant = { type: 'grant' as const, runId: id, fence: 1, grant: 'AAAA' };
  await host.receive(submitter, { ...grant, claim: unheard?.type === 'claim' ? unheard.claim : 0 });
  expect(journal.size).toBe(0);
  await host.receive(submitter, { ...grant, claim: claimIn(said) });
  expect([heard(), [...journal.keys()]]).toEqual([['claim', 'started'], [id]]);
  host.close();
});

test('that a run has begun, and that it has ended, is told at once', async () => {
  const { open, offer, said, become } = setUp();
  const host = open();
  const id = newId<RunId>(ids);
  await host.receive(submitter, offer(id, 1, 'AAAA'));
  become(id, 'running');
  become(id, 'completed');
  expect(said).toMatchObject([
    { type: 'started', run: { state: 'queued' } },
    { type: 'started', run: { state: 'running' } },
    { type: 'ended', run: { state: 'completed' } },
  ]);
  host.close();
});

test('who asks for a run that is being taken in waits until it is there or refused, and for no other', async () => {
  const { open, offer, passing, journal } = setUp();
  const host = open();
  const [taken, refused] = [newId<RunId>(ids), newId<RunId>(ids)];
  await host.arrived(taken);
  void host.receive(submitter, offer(taken, 1, 'AAAA'));
  expect(journal.has(taken)).toBe(false);
  await host.arrived(taken);
  expect(journal.has(taken)).toBe(true);
  passing.refusal = 'takes-no-runs';
  void host.receive(submitter, offer(refused, 1, 'AAAA'));
  await host.arrived(refused);
  expect(journal.has(refused)).toBe(false);
  host.close();
});

test('what is void under a fence stays so, also after the program was killed; a higher fence is another matter', async () => {
  const { open, offer, heard, journal } = setUp();
  let host = open();
  const id = newId<RunId>(ids);
  await host.receive(submitter, { type: 'ask', runId: id, fence: 1 });
  host.close();
  host = open();
  await host.receive(submitter, offer(id, 1, 'AAAA'));
  expect([heard(), journal.size]).toEqual([['void', 'void'], 0]);
  await host.receive(submitter, offer(id, 2, 'AAAA'));
  expect([heard(), journal.size]).toEqual([['started'], 1]);
  host.close();
});

test('what waits is claimed when there is room, in the order it came, and is given back when the rules change', async () => {
  const { open, offer, heard, passing, journal, become } = setUp();
  passing.busy = 1;
  const host = open();
  const [one, two, running] = [newId<RunId>(ids), newId<RunId>(ids), newId<RunId>(ids)];
  journal.set(running, runOf({ id: running, projectId, language: 'python', code: '1' }));
  for (const id of [one, two]) await host.receive(submitter, offer(id));
  await host.receive(submitter, offer(one));
  expect(heard()).toEqual(['waits']);
  passing.busy = 0;
  become(running, 'completed');
  await expect.poll(() => heard()).toEqual(['claim']);
  await host.receive(submitter, { type: 'withdraw', runId: one, fence: 1 });
  await expect.poll(() => heard()).toEqual(['void', 'claim']);
  passing.refusal = 'takes-no-runs';
  await host.rulesChanged();
  expect(heard()).toEqual(['void']);
  await host.receive(submitter, offer(one, 7));
  expect(heard()).toEqual(['void']);
  host.close();
});

test('a run that cannot be taken in has failed, and says why; it is not tried under that fence again', async () => {
  const { open, offer, said, heard, passing } = setUp();
  const host = open();
  const id = newId<RunId>(ids);
  passing.failure = new Failure('not_found', 'There is no such document.');
  await host.receive(submitter, offer(id, 1, 'AAAA'));
  expect(said).toMatchObject([
    { type: 'ended', end: 'failed', error: { type: 'not_found', message: 'There is no such document.' } },
  ]);
  passing.failure = null;
  said.length = 0;
  await host.receive(submitter, offer(id, 1, 'AAAA'));
  expect(heard()).toEqual(['void']);
  host.close();
});

test('time goes on for claims while the machine sleeps, and when its clock is set back', () => {
  const at = { wall: 1_000_000, monotonic: 0 };
  const clock = createAwakeClock(
    () => at.wall,
    () => at.monotonic,
  );
  Object.assign(at, { wall: at.wall + 3_600_000, monotonic: 10 });
  expect(clock()).toBe(3_600_000);
  Object.assign(at, { wall: at.wall - 7_200_000, monotonic: 2_010 });
  expect(clock()).toBe(3_602_000);
});
