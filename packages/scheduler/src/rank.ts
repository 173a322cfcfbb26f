/**
 * The score of one device for one run, as a table of components (domain model §6). A component is there for
 * every device, 0 when it does not apply, so that two devices can be compared line by line.
 */
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

export const WEIGHTS = {
  session: 50,
  gpu: 30,
  queue: 20,
  latency: 10,
  policy: -40,
  unstable: -30,
} as const;

export type Component = keyof typeof WEIGHTS;
export type Components = { readonly [C in Component]: number };

/** Up to this round trip a remote device feels like this one: a typed letter and its echo. */
const LOW_LATENCY_MS = 30;
/** Of the last 20 heartbeats or runs: more than this and the device is not to be relied on. */
const UNSTABLE_ABOVE = 3;

/** Whether each component applies to this device. */
const applies: { readonly [C in Component]: (device: DeviceFacts, request: PlaceRequest) => boolean } = {
  session: (device, request) => request.sessionOn === device.deviceId,
  gpu: (device, request) => request.needsGpu && device.capability.gpu !== undefined,
  queue: (device) => device.queuedRuns === 0 && device.runningRuns < device.capability.policy.maxConcurrentRuns,
  latency: (device) => device.latencyMs !== null && device.latencyMs <= LOW_LATENCY_MS,
  policy: disallowsHeavyJobs,
  unstable: (device) => device.heartbeatsMissed > UNSTABLE_ABOVE || device.runsLost > UNSTABLE_ABOVE,
};

/** A phone on battery, a metered network, or an owner who said no. What a cell will cost is not known, so each may be heavy. */
function disallowsHeavyJobs({ capability: { policy, resources } }: DeviceFacts): boolean {
  const onBattery = resources.batteryPct !== undefined && resources.charging !== true;
  return !policy.allowHeavyJobs || (onBattery && !policy.allowWhenOnBattery) || resources.network === 'metered';
}

export function componentsOf(device: DeviceFacts, request: PlaceRequest): Components {
  const points = (component: Component) => (applies[component](device, request) ? WEIGHTS[component] : 0);
  return {
    session: points('session'),
    gpu: points('gpu'),
    queue: points('queue'),
    latency: points('latency'),
    policy: points('policy'),
    unstable: points('unstable'),
  };
}

export function scoreOf(components: Components): number {
  return Object.values(components).reduce((sum, points) => sum + points, 0);
}
