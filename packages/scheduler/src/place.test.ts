import type { DeviceId } from '@markco/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { place } from './place.ts';
import { WEIGHTS } from './rank.ts';
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as DeviceId;

type Changes = Partial<Omit<DeviceFacts, 'capability'>> & {
  readonly [K in 'gpu' | 'policy' | 'resources']?: object;
} & { readonly [K in 'online' | 'runtimes']?: unknown };

function device(n: number, changes: Changes = {}): DeviceFacts {
  const { gpu, policy, resources, online, runtimes, ...facts } = changes;
  const capability = {
    deviceId: id(n),
    online: online ?? true,
    heartbeatAt: '2026-11-21T08:00:00.000Z',
    runtimes: runtimes ?? [{ language: 'python', available: true }],
    ...(gpu === undefined ? {} : { gpu }),
    resources: { network: 'wifi', ...resources },
    policy: {
      allowRemoteExecution: true,
      allowHeavyJobs: true,
      allowWhenOnBattery: true,
      maxConcurrentRuns: 4,
      ...policy,
    },
  } as DeviceFacts['capability'];
  return {
    deviceId: id(n),
    name: `device ${n}`,
    capability,
    runningRuns: 0,
    queuedRuns: 0,
    latencyMs: 10,
    heartbeatsMissed: 0,
    runsLost: 0,
    ...facts,
  };
}

const ask = (changes: Partial<PlaceRequest> = {}): PlaceRequest => ({
  language: 'python',
  from: id(1),
  needsGpu: false,
  sessionOn: null,
  runOn: null,
  ...changes,
});
const only = (facts: DeviceFacts, request = ask()) => place({ devices: [facts] }, request);
const points = (facts: DeviceFacts, request = ask()) => only(facts, request).ranked[0]?.components;

test('one device that has the runtime is enough', () => {
  expect(only(device(1))).toMatchObject({ chosen: id(1), reason: 'availability' });
});

test('nothing is chosen where no device is known', () => {
  expect(place({ devices: [] }, ask()).chosen).toBeNull();
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
  expect(place({ devices: [device(1), busy] }, ask({ sessionOn: id(2) }))).toMatchObject({
    chosen: id(2),
    reason: 'session-affinity',
  });
});

test.for([
  ['offline', { online: false }],
  ['runtime-missing', { runtimes: [{ language: 'python', available: false }] }],
  ['remote-execution-off', { policy: { allowRemoteExecution: false } }],
  ['takes-no-runs', { policy: { maxConcurrentRuns: 0 } }],
] as const)('a device is refused by the rule %s, and a person cannot choose it either', ([rule, changes]) => {
  expect(only(device(2, changes))).toMatchObject({ chosen: null, ranked: [{ refused: { rule } }] });
  expect(only(device(2, changes), ask({ runOn: id(2) })).chosen).toBeNull();
});

test('a device that takes no remote runs still takes its own', () => {
  expect(only(device(1, { policy: { allowRemoteExecution: false } })).chosen).toBe(id(1));
});

test('a run that needs a GPU goes to one even when its session is elsewhere', () => {
  const answer = place({ devices: [device(1), device(2, { gpu: {} })] }, ask({ needsGpu: true, sessionOn: id(1) }));
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

test('equal scores go to the session, then to the smaller id', () => {
  expect(place({ devices: [device(3), device(2)] }, ask()).chosen).toBe(id(2));
  const holder = device(3, { latencyMs: 90, queuedRuns: 1, heartbeatsMissed: 9 });
  const answer = place({ devices: [device(2, { latencyMs: 90 }), holder] }, ask({ sessionOn: id(3) }));
  expect(answer.ranked.map((each) => each.score)).toEqual([20, 20]);
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
      const answer = place({ devices }, request);
      expect(place({ devices: devices.toReversed() }, request)).toEqual(answer);
      const refused = answer.ranked.map((each) => each.refused !== null);
      expect(refused).toEqual(refused.toSorted((a, b) => Number(a) - Number(b)));
      if (answer.chosen !== null) expect(answer.chosen).toBe(answer.ranked[0]?.deviceId);
    }),
    { numRuns: 500 },
  );
});
