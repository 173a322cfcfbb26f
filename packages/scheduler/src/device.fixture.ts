/** A device and a request for tests: what a case does not speak of has a value that refuses nothing. */
import type { DeviceId } from '@markco/protocol';
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

export const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as DeviceId;

export type Changes = Partial<Omit<DeviceFacts, 'capability'>> & {
  readonly [K in 'gpu' | 'policy' | 'resources']?: object;
} & { readonly [K in 'online' | 'runtimes']?: unknown };

export function device(n: number, changes: Changes = {}): DeviceFacts {
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
    host: 'device',
    capability,
    heardAtMs: 0,
    runningRuns: 0,
    queuedRuns: 0,
    latencyMs: 10,
    heartbeatsMissed: 0,
    runsLost: 0,
    ...facts,
  };
}

export const ask = (changes: Partial<PlaceRequest> = {}): PlaceRequest => ({
  language: 'python',
  from: id(1),
  needsGpu: false,
  sessionOn: null,
  runOn: null,
  ...changes,
});
