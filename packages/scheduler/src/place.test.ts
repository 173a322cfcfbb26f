import { LIMITS } from '@markco/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ask, device, id } from './device.fixture.ts';
import { place } from './place.ts';
import type { RankedDevice } from './ranking.ts';
import { WEIGHTS } from './rank.ts';
import { SILENT_AFTER_MS } from './refuse.ts';
import type { DeviceFacts } from './snapshot.ts';

const among = (devices: readonly DeviceFacts[], request = ask()) => place({ atMs: 0, devices }, request);
const only = (facts: DeviceFacts, request = ask()) => among([facts], request);
const points = (facts: DeviceFacts, request = ask()) => only(facts, request).ranked.at(0)?.components;

test('one device that has the runtime is enough', () => {
  expect(only(device(1))).toMatchObject({ chosen: id(1), reason: 'availability' });
});

test('nothing is chosen where no device is known', () => {
  expect(among([]).chosen).toBeNull();
});

test('the weights are those of the domain model', () => {
  expect(WEIGHTS).toEqual({ session: 50, gpu: 30, queue: 20, latency: 10, policy: -40, unstable: -30 });
});

test('each component applies exactly when its fact holds', () => {
  expect(points(device(1))).toEqual({ session: 0, gpu: 0, queue: 20, latency: 10, policy: 0, unstable: 0 });
  expect(points(device(1), ask({ sessionOn: id(1) }))?.session).toBe(50);
  expect(points(device(1, { gpu: {} }), ask({ needsGpu: true }))?.gpu).toBe(30);
  expect(points(device(1, { gpu: {} }))?.gpu).toBe(0);
  expect(points(device(1, { queuedRuns: 1 }))?.queue).toBe(0);
  expect(points(device(1, { runningRuns: 4 }))?.queue).toBe(0);
  expect(points(device(1, { runningRuns: 3 }))?.queue).toBe(20);
  expect(points(device(1, { latencyMs: 31 }))?.latency).toBe(0);
  expect(points(device(1, { latencyMs: null }))?.latency).toBe(0);
  expect(points(device(1, { policy: { allowHeavyJobs: false } }))?.policy).toBe(-40);
  expect(points(device(1, { resources: { network: 'metered' } }))?.policy).toBe(-40);
  expect(points(device(1, { heartbeatsMissed: 4 }))?.unstable).toBe(-30);
  expect(points(device(1, { runsLost: 4 }))?.unstable).toBe(-30);
  expect(points(device(1, { heartbeatsMissed: 3, runsLost: 3 }))?.unstable).toBe(0);
});

test('battery counts only while it is not charging and the owner minds', () => {
  const minds = { allowWhenOnBattery: false };
  expect(points(device(1, { policy: minds, resources: { batteryPct: 60 } }))?.policy).toBe(-40);
  expect(points(device(1, { policy: minds, resources: { batteryPct: 60, charging: true } }))?.policy).toBe(0);
  expect(points(device(1, { policy: minds }))?.policy).toBe(0);
  expect(points(device(1, { resources: { batteryPct: 60 } }))?.policy).toBe(0);
});

test('the session outweighs a shorter queue and a lower latency', () => {
  const busy = device(2, { queuedRuns: 5, latencyMs: 200 });
  expect(among([device(1), busy], ask({ sessionOn: id(2) }))).toMatchObject({
    chosen: id(2),
    reason: 'session-affinity',
  });
});

test.for([
  ['offline', { online: false }],
  ['runtime-missing', { runtimes: [{ language: 'python', available: false }] }],
  ['remote-execution-off', { policy: { allowRemoteExecution: false } }],
  ['takes-no-runs', { policy: { maxConcurrentRuns: 0 } }],
  ['queue-full', { queuedRuns: LIMITS.queuedRunsMax }],
  ['silent', { heardAtMs: -SILENT_AFTER_MS - 1 }],
] as const)('a device is refused by the rule %s, and a person cannot choose it either', ([rule, changes]) => {
  const answer = only(device(2, changes));
  expect([answer.chosen, ...[...answer.ranked].map(({ refused }) => refused)]).toEqual([null, rule]);
  expect(only(device(2, changes), ask({ runOn: id(2) })).chosen).toBeNull();
});

test('a device that takes no remote runs still takes its own', () => {
  expect(only(device(1, { policy: { allowRemoteExecution: false } })).chosen).toBe(id(1));
});

test('a run that needs a GPU goes to one even when its session is elsewhere', () => {
  const answer = among([device(1), device(2, { gpu: {} })], ask({ needsGpu: true, sessionOn: id(1) }));
  expect(answer).toMatchObject({ chosen: id(2), reason: 'gpu-required' });
});

test('a person may send a GPU run to a device without one', () => {
  expect(only(device(1), ask({ needsGpu: true })).chosen).toBeNull();
  expect(only(device(1), ask({ needsGpu: true, runOn: id(1) }))).toMatchObject({
    chosen: id(1),
    why: 'You chose device 1.',
  });
});

test('a device that a person named and nobody knows is not replaced by another', () => {
  expect(only(device(1), ask({ runOn: id(9) })).chosen).toBeNull();
});

test('a heartbeat is fresh for as long as two may be late', () => {
  expect(only(device(1, { heardAtMs: -SILENT_AFTER_MS })).chosen).toBe(id(1));
});

test('not any GPU has CUDA', () => {
  const [plain, cuda] = [device(1, { gpu: {} }), device(2, { gpu: { cuda: true } })];
  expect(only(plain, ask({ needsGpu: 'cuda' })).ranked.at(0)?.refused).toBe('gpu-missing');
  expect(among([plain, cuda], ask({ needsGpu: 'cuda' }))).toMatchObject({ chosen: id(2), reason: 'gpu-required' });
});

test('who minds heavy runs gets none that is known to be heavy, unless a person says so', () => {
  const minds = device(1, { gpu: {}, policy: { allowWhenOnBattery: false }, resources: { batteryPct: 60 } });
  expect(only(minds, ask({ needsGpu: true })).ranked.at(0)?.refused).toBe('heavy-runs-off');
  expect(only(minds, ask({ needsGpu: true, runOn: id(1) })).chosen).toBe(id(1));
  expect(only(minds).chosen).toBe(id(1));
});

test('a cloud runtime that is up competes by its score', () => {
  const cloud = device(2, { host: 'cloud' });
  expect(among([device(1), cloud]).chosen).toBe(id(1));
  expect(among([device(1, { queuedRuns: 3 }), cloud]).chosen).toBe(id(2));
});

test('a fallback runs what no device that is on could run, and no more once one is back', () => {
  const standsIn = device(2, { host: 'fallback' });
  const asleep = device(1, { online: false });
  const away = among([asleep, standsIn]);
  expect(away).toMatchObject({ chosen: id(2), reason: 'fallback' });
  expect(away.why).toContain('No device of yours can take it now');
  expect(among([device(1, { queuedRuns: 3 }), standsIn]).chosen).toBe(id(1));
  // Even from its own session: the variables can be moved, and who is back expects to be used.
  const back = among([device(1), standsIn], ask({ sessionOn: id(2) }));
  expect(back).toMatchObject({ chosen: id(1), newSession: true });
  expect(among([device(1), standsIn], ask({ runOn: id(2) })).chosen).toBe(id(2));
  expect(among([asleep]).chosen).toBeNull();
});

test('a cloud runtime that would have to be started comes after everybody else', () => {
  const cold = device(1, { host: 'cold-cloud', heardAtMs: -SILENT_AFTER_MS * 2 });
  const poor = device(2, { queuedRuns: 9, latencyMs: null, resources: { network: 'metered' }, runsLost: 9 });
  expect(among([cold, poor])).toMatchObject({ chosen: id(2), reason: 'availability' });
  expect(among([cold, device(2, { online: false })])).toMatchObject({ chosen: id(1), reason: 'fallback' });
  expect(among([cold, device(2, { online: false })]).why).toBe(
    'No device of yours can take it now, so device 1 runs it.',
  );
});

test('a run waits for the best of those that would take it were they there', () => {
  const away = { online: false };
  const lacking = device(1, { ...away, runtimes: [] });
  expect(only(lacking)).toMatchObject({ chosen: null, waitsFor: null });
  expect(only(lacking).ranked.at(0)?.refused).toBe('runtime-missing');
  const answer = among([lacking, device(2, away), device(3, away)], ask({ sessionOn: id(3) }));
  expect(answer).toMatchObject({ chosen: null, waitsFor: id(3) });
  expect(answer.why).toContain('The run waits for device 3.');
});

test('a run waits for the device a person named, whoever else is there', () => {
  expect(among([device(1), device(2, { online: false })], ask({ runOn: id(2) }))).toMatchObject({
    chosen: null,
    waitsFor: id(2),
    why: 'device 2 is offline. The run waits for device 2.',
  });
});

test('a run that leaves its session says so', () => {
  const answer = among([device(1), device(2, { online: false })], ask({ sessionOn: id(2) }));
  expect(answer).toMatchObject({ chosen: id(1), newSession: true });
  expect(answer.why).toContain('the variables of the old one are on device 2');
  expect(among([device(1)], ask({ sessionOn: id(1) }))).toMatchObject({ newSession: false });
});

test('the sentence names no more than three of those that refuse', () => {
  const devices = Array.from({ length: 5 }, (_, n) => device(n + 1, { runtimes: [] }));
  expect(among(devices).why).toBe(
    'device 1 has no Python, device 2 has no Python, device 3 has no Python, and 2 more cannot either. Install it there, or choose another device.',
  );
});

test('equal scores go to the session, then to the smaller id', () => {
  expect(among([device(3), device(2)], ask()).chosen).toBe(id(2));
  const holder = device(3, { latencyMs: 90, queuedRuns: 1, heartbeatsMissed: 9 });
  const answer = among([device(2, { latencyMs: 90 }), holder], ask({ sessionOn: id(3) }));
  expect([...answer.ranked].map((each) => each.score)).toEqual([20, 20]);
  expect(answer.chosen).toBe(id(3));
});

test('the order in which devices are listed never matters, and refused ones come last', () => {
  const anyDevice = fc
    .record({
      n: fc.integer({ min: 1, max: 30 }),
      queuedRuns: fc.nat(2),
      latencyMs: fc.option(fc.nat(60)),
      online: fc.boolean(),
      runsLost: fc.nat(6),
    })
    .map(({ n, ...changes }) => device(n, changes));
  const mesh = fc.uniqueArray(anyDevice, { selector: (each) => each.deviceId, maxLength: 12 });
  fc.assert(
    fc.property(mesh, fc.option(fc.integer({ min: 1, max: 30 })), (devices, holder) => {
      const request = ask({ sessionOn: holder === null ? null : id(holder) });
      const answer = among(devices, request);
      const ranked = [...answer.ranked];
      const reversed = among(devices.toReversed(), request);
      expect({ ...reversed, ranked: [...reversed.ranked] }).toEqual({ ...answer, ranked });
      expect(ranked.map(({ deviceId }) => answer.ranked.placeOf(deviceId))).toEqual(ranked.map((_, place) => place));
      const refused = ranked.map((each) => each.refused !== null);
      expect(refused).toEqual(refused.toSorted((a, b) => Number(a) - Number(b)));
      if (answer.chosen !== null) expect(answer.chosen).toBe(ranked[0]?.deviceId);
      const taking = ranked.filter((each) => each.refused === null);
      const holds = (each: RankedDevice) => Number(each.deviceId === request.sessionOn);
      const inOrder = taking.toSorted(
        (a, b) => b.score - a.score || holds(b) - holds(a) || a.deviceId.localeCompare(b.deviceId),
      );
      expect(taking).toEqual(inOrder);
    }),
    { numRuns: 500 },
  );
});
