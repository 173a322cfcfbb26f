import {
  newId,
  type DeviceId,
  type DocumentId,
  type ProjectId,
  type Run,
  type RunEvent,
  type RunEventId,
  type RunId,
  type RunRequest,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import type { ProjectChange, RunFollower } from '@markco/client/client';
import { expect, test } from 'vitest';
import { createRunsView, isActive, type RunsParts, type RunsView } from './runs.ts';

let clock = 1_000_000;
const ids = { now: () => (clock += 1), randomBytes: (length: number) => new Uint8Array(length) };
const projectId = newId<ProjectId>(ids);
const documentId = newId<DocumentId>(ids);
const device = newId<DeviceId>(ids);
const at = '2026-11-21T08:00:00.000Z';

function runOf(request: { id: RunId; cellId: string; code: string }, change: Partial<Run>): Run {
  return {
    id: request.id,
    cellId: request.cellId,
    code: request.code,
    userId: newId<UserId>(ids),
    projectId,
    documentId,
    sessionId: newId<SessionId>(ids),
    language: 'python',
    state: 'queued',
    routedTo: { hostType: 'device', reason: 'availability' },
    createdAt: at,
    ...change,
  };
}

type World = {
  view: RunsView;
  sent: RunRequest[];
  followers: Map<string, { from: number; follower: RunFollower }>;
  change: (run: Run) => void;
  connection: (state: 'online' | 'offline') => void;
  cancels: (run: Partial<Run>) => void;
  answer: (run: Run) => void;
  refuse: (error: Error) => void;
  troubles: string[];
};

function world(recent: readonly Run[] = []): World {
  const sent: RunRequest[] = [];
  const troubles: string[] = [];
  const followers: World['followers'] = new Map();
  let onChange: (change: ProjectChange) => void = () => undefined;
  let onConnection: (connection: { state: string }) => void = () => undefined;
  let settle: { answer: (run: Run) => void; refuse: (error: Error) => void } = {
    answer: () => undefined,
    refuse: () => undefined,
  };
  let canceled: Partial<Run> = { state: 'cancelled' };
  const client = {
    submitRun: (request: RunRequest, signal: AbortSignal) => {
      sent.push(request);
      return new Promise<Run>((answer, refuse) => {
        settle = { answer, refuse };
        signal.addEventListener('abort', () => refuse(new Error('aborted')));
      });
    },
    followRun: (runId: RunId, from: number, follower: RunFollower) => {
      followers.set(runId, { from, follower });
      return () => followers.delete(runId);
    },
    answerRun: () => Promise.resolve(),
    cancelRun: (runId: RunId) => Promise.resolve(runOf({ id: runId, cellId: 'c', code: 'x' }, canceled)),
    interruptSession: () => Promise.resolve(),
    watchProject: (_id: ProjectId, listener: (change: ProjectChange) => void) => {
      onChange = listener;
      return () => undefined;
    },
    api: () => Promise.resolve({ runs: recent }),
    connection: {
      subscribe: (listener: (connection: { state: string }) => void) => {
        onConnection = listener;
        return () => undefined;
      },
    },
  };
  const view = createRunsView({
    away: { note: () => undefined, recall: () => undefined },
    client: client as unknown as RunsParts['client'],
    document: { projectId, documentId, version: () => 'AA==' },
    ids,
    onTrouble: (message) => troubles.push(message),
  });
  return {
    view,
    sent,
    followers,
    troubles,
    change: (run) => onChange({ projectId, run }),
    connection: (state) => onConnection({ state }),
    cancels: (run) => (canceled = run),
    answer: (run) => settle.answer(run),
    refuse: (error) => settle.refuse(error),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const stdout = (runId: RunId, seq: number, text: string): RunEvent => ({
  id: newId<RunEventId>(ids),
  runId,
  seq,
  createdAt: at,
  type: 'stdout',
  payload: { text },
});

function submitted(w: World): { id: RunId; cellId: string; code: string } {
  w.view.submit({ id: 'c', language: 'python', code: 'x' });
  const [request] = w.sent;
  if (request?.id === undefined) throw new Error('nothing was sent');
  return { id: request.id, cellId: 'c', code: 'x' };
}

test('a run is shown at once, with the version of the document it needs', () => {
  const w = world();
  submitted(w);
  expect(w.view.stateOf('c')?.state).toBe('sending');
  expect(w.sent[0]).toMatchObject({ docVersion: 'AA==', cellId: 'c', code: 'x', projectId, documentId });
});

test('its output is followed from the first event on, and its end is the host’s word', async () => {
  const w = world();
  const request = submitted(w);
  w.answer(runOf(request, { state: 'running' }));
  await turn();
  const followed = w.followers.get(request.id);
  expect(followed?.from).toBe(0);
  followed?.follower.onEvent(stdout(request.id, 0, 'hello\n'));
  followed?.follower.onEnd(runOf(request, { state: 'completed', ranOn: 'MacBook', completedAt: at }));
  const run = w.view.stateOf('c');
  expect(run).toMatchObject({ state: 'completed', host: 'MacBook' });
  expect(run?.output?.items).toHaveLength(1);
  expect(w.view.active()).toEqual([]);
});

test('a waiting run moves up as its host tells, and nothing told late moves it back', async () => {
  const w = world();
  const request = submitted(w);
  const queued = runOf(request, {});
  w.change(queued);
  for (const queuePosition of [2, 1]) {
    w.change({ ...queued, queuePosition });
    expect(w.view.stateOf('c')).toMatchObject({ state: 'queued', queuePosition });
  }
  w.change(runOf({ ...request, id: newId<RunId>(ids), cellId: 'another' }, { state: 'completed' }));
  w.answer({ ...queued, queuePosition: 2 });
  await turn();
  expect(w.view.stateOf('c')).toMatchObject({ state: 'queued', queuePosition: 1 });
  w.change({ ...queued, state: 'running' });
  w.change({ ...queued, queuePosition: 0 });
  expect(w.view.stateOf('c')?.state).toBe('running');
});

test('that it waits for a device, and that its device is silent, comes and goes while the run is followed', async () => {
  const w = world();
  const request = submitted(w);
  w.answer(runOf(request, { waitsFor: 'box', routedTo: { hostType: 'device', reason: 'availability', why: 'So.' } }));
  await turn();
  expect(w.view.stateOf('c')).toMatchObject({ state: 'queued', waitsFor: 'box', why: 'So.' });
  expect(w.followers.has(request.id)).toBe(true);
  w.change(runOf(request, {}));
  expect(w.view.stateOf('c')).toMatchObject({ state: 'queued', waitsFor: '' });
  w.change(runOf(request, { state: 'running' }));
  w.change(runOf(request, { state: 'running', unreachable: at }));
  expect(w.view.stateOf('c')).toMatchObject({ state: 'running', silentSince: Date.parse(at) });
  expect(w.view.active()).toEqual(['c']);
  w.change(runOf(request, { state: 'running' }));
  expect(w.view.stateOf('c')).toMatchObject({ state: 'running', silentSince: null });
});

test('a silent device cannot be asked to interrupt, so the run is canceled, and that it was is remembered', async () => {
  const w = world();
  const request = submitted(w);
  w.answer(runOf(request, { state: 'running', unreachable: at }));
  await turn();
  w.cancels({ state: 'running', unreachable: at });
  w.view.interrupt('c');
  await turn();
  expect(w.view.stateOf('c')).toMatchObject({ state: 'running', cancelAsked: true });
  w.change(runOf(request, { state: 'running' }));
  expect(w.view.stateOf('c')?.cancelAsked).toBe(true);
});

test('a copy of a run has an id of its own; one that only waited is canceled before, and not copied if it began', async () => {
  const [waits, silent] = [world(), world()];
  const request = submitted(waits);
  waits.answer(runOf(request, { waitsFor: 'box' }));
  await turn();
  waits.cancels({ state: 'running' });
  waits.view.copy('c', device);
  await turn();
  expect(waits.sent).toHaveLength(1);

  const other = submitted(silent);
  silent.answer(runOf(other, { state: 'running', unreachable: at }));
  await turn();
  silent.view.copy('c', device);
  await turn();
  expect(silent.sent[1]).toMatchObject({ code: 'x', cellId: 'c', runOn: device });
  expect(silent.sent[1]?.id).not.toBe(other.id);
  expect(silent.view.stateOf('c')?.state).toBe('sending');

  const third = world();
  const waiting = submitted(third);
  third.answer(runOf(waiting, { waitsFor: 'box' }));
  await turn();
  third.view.copy('c', device);
  await turn();
  expect(third.sent[1]).toMatchObject({ runOn: device });
});

test('after the page was cut off it asks for what was not told', async () => {
  const recent: Run[] = [];
  const w = world(recent);
  const request = submitted(w);
  w.answer(runOf(request, { waitsFor: 'box' }));
  await turn();
  recent.push(runOf(request, { state: 'running' }));
  w.connection('offline');
  w.connection('online');
  await turn();
  expect(w.view.stateOf('c')).toMatchObject({ state: 'running', waitsFor: '' });
});

test('a state that comes late does not bring an ended run back', async () => {
  const w = world();
  const request = submitted(w);
  w.answer(runOf(request, { state: 'completed' }));
  await turn();
  w.change(runOf(request, { state: 'running' }));
  expect(w.view.stateOf('c')?.state).toBe('completed');
});

test('an older run of the same cell does not replace a newer one', async () => {
  const w = world();
  const old = { id: newId<RunId>(ids), cellId: 'c', code: 'old' };
  submitted(w);
  w.change(runOf(old, { state: 'completed' }));
  expect(w.view.stateOf('c')?.code).toBe('x');
});

test('a run that is refused says why', async () => {
  const w = world();
  submitted(w);
  w.refuse(new Error('no'));
  await turn();
  expect(w.view.stateOf('c')).toMatchObject({ state: 'failed' });
  expect(w.view.stateOf('c')?.trouble).not.toBe('');
});

test('a run that waits for the device can be stopped', async () => {
  const w = world();
  submitted(w);
  w.view.cancel('c');
  await turn();
  expect(w.view.stateOf('c')).toMatchObject({ state: 'cancelled', trouble: '' });
});

test('runs of before are known after opening, those that go on are followed, those that ended only when asked', async () => {
  const going = runOf({ id: newId<RunId>(ids), cellId: 'a', code: '1' }, { state: 'running' });
  const ended = runOf({ id: newId<RunId>(ids), cellId: 'b', code: '2' }, { state: 'completed' });
  const w = world([ended, going]);
  await turn();
  expect(w.followers.has(going.id)).toBe(true);
  expect(w.followers.has(ended.id)).toBe(false);
  w.view.replay('b');
  w.followers.get(ended.id)?.follower.onEvent(stdout(ended.id, 0, 'x'));
  expect(w.view.stateOf('b')?.output).toBeNull();
  w.followers.get(ended.id)?.follower.onEnd(ended);
  expect(w.view.stateOf('b')?.output?.items).toHaveLength(1);
});

test('a replay of too much is given up, and the fence is shown', async () => {
  const ended = runOf({ id: newId<RunId>(ids), cellId: 'b', code: '2' }, { state: 'completed' });
  const w = world([ended]);
  await turn();
  w.view.replay('b');
  const followed = w.followers.get(ended.id);
  for (let seq = 0; seq < 3; seq++) followed?.follower.onEvent(stdout(ended.id, seq, 'x'.repeat(900_000)));
  expect(w.followers.has(ended.id)).toBe(false);
  expect(w.view.stateOf('b')?.output).toBeNull();
});

test('a run of another document is not this one’s', () => {
  const w = world();
  w.change({ ...runOf({ id: newId<RunId>(ids), cellId: 'c', code: '' }, {}), documentId: newId<DocumentId>(ids) });
  expect(w.view.stateOf('c')).toBeNull();
  expect(isActive).toBeTypeOf('function');
});
