/**
 * The score of one device for one run, as a table of components (domain model §6). A component is there for
 * every device, 0 when it does not apply, so that two devices can be compared line by line.
 *
 * Six components that apply or do not make 64 scores: they are all made once, and a device is given one of them.
 */
import { ownerMindsHeavyRuns } from './refuse.ts';
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

export type Score = {
  readonly score: number;
  readonly components: Components;
  /** Which of all scores it is, the best first: from 0 to `SCORES` - 1. */
  readonly order: number;
};

const NAMES = Object.keys(WEIGHTS) as Component[];
const BIT = Object.fromEntries(NAMES.map((name, at) => [name, 1 << at])) as { readonly [C in Component]: number };

const SUMS = Array.from({ length: 1 << NAMES.length }, (_, applying) =>
  NAMES.reduce((sum, name) => sum + pointsOf(name, applying), 0),
);
const BEST_FIRST = [...new Set(SUMS)].sort((a, b) => b - a);
const TABLE: readonly Score[] = SUMS.map((score, applying) => ({
  score,
  components: Object.fromEntries(NAMES.map((name) => [name, pointsOf(name, applying)])) as Components,
  order: BEST_FIRST.indexOf(score),
}));

/** How many different scores there are. */
export const SCORES = BEST_FIRST.length;

function pointsOf(name: Component, applying: number): number {
  return (applying & BIT[name]) === 0 ? 0 : WEIGHTS[name];
}

export function scoreOf(device: DeviceFacts, request: PlaceRequest): Score {
  const { capability, latencyMs } = device;
  let applying = 0;
  if (request.sessionOn === device.deviceId) applying |= BIT.session;
  if (request.needsGpu !== false && capability.gpu !== undefined) applying |= BIT.gpu;
  if (device.queuedRuns === 0 && device.runningRuns < capability.policy.maxConcurrentRuns) applying |= BIT.queue;
  if (latencyMs !== null && latencyMs <= LOW_LATENCY_MS) applying |= BIT.latency;
  // A phone on battery or a metered network. What a cell will cost is not known, so each may be heavy.
  if (capability.resources.network === 'metered' || ownerMindsHeavyRuns(capability)) applying |= BIT.policy;
  if (device.heartbeatsMissed > UNSTABLE_ABOVE || device.runsLost > UNSTABLE_ABOVE) applying |= BIT.unstable;
  return TABLE[applying] ?? unknown(applying);
}

function unknown(applying: number): never {
  throw new Error(`no score has the components ${applying}`);
}
