/** How large a simulation is and what goes wrong in it. All times are virtual. */
import type { Sabotage } from './executor.ts';

export type Policy = 'scheduler' | 'random' | 'least-loaded';

export type Scenario = {
  readonly seed: number;
  readonly policy: Policy;
  /** Meshes know nothing of each other: each is the devices of one person or one lab. */
  readonly meshes: number;
  readonly devicesPerMesh: number;
  readonly submittersPerMesh: number;
  /** In all meshes together. */
  readonly runs: number;
  readonly runsPerSecondPerMesh: number;
  readonly meanRunMs: number;
  /** Sessions that each submitter keeps open. */
  readonly keptSessions: number;
  /** Part of the runs for which a person names the device: they wait for it however long it sleeps. */
  readonly byHand: number;
  /** A herd: so many runs submitted at once, about so often a mesh. */
  readonly herdRuns: number;
  readonly herdEveryMs: number;
  /** Parts of all messages: lost, delivered twice, on the way for seconds. */
  readonly lost: number;
  readonly doubled: number;
  readonly slow: number;
  /** A device is cut off in one direction or both; a mesh falls into two; how often and for how long. */
  readonly cutEveryMs: number;
  readonly splitEveryMs: number;
  readonly mendAfterMs: number;
  readonly crashEveryMs: number;
  /** How often an owner changes what a device takes. */
  readonly changeEveryMs: number;
  /** How much more often than in life devices sleep and wake. */
  readonly restlessness: number;
  /** Part of the runs that are canceled. */
  readonly cancelled: number;
  readonly sabotage: Sabotage | null;
};

const MINUTE = 60_000;

/** A bad week in an hour: for the invariants. */
export const ROUGH: Omit<Scenario, 'seed'> = {
  policy: 'scheduler',
  meshes: 1,
  devicesPerMesh: 12,
  submittersPerMesh: 3,
  runs: 250,
  runsPerSecondPerMesh: 0.2,
  meanRunMs: 30_000,
  keptSessions: 3,
  byHand: 0.05,
  herdRuns: 30,
  herdEveryMs: 5 * MINUTE,
  lost: 0.05,
  doubled: 0.05,
  slow: 0.05,
  cutEveryMs: 10 * MINUTE,
  splitEveryMs: 8 * MINUTE,
  mendAfterMs: MINUTE,
  crashEveryMs: 15 * MINUTE,
  changeEveryMs: 10 * MINUTE,
  restlessness: 10,
  cancelled: 0.1,
  sabotage: null,
};

/** Usual hours of a thousand people with ten devices each: for the figures. */
export const USUAL: Omit<Scenario, 'seed'> = {
  ...ROUGH,
  meshes: 1_000,
  devicesPerMesh: 10,
  submittersPerMesh: 2,
  runs: 1_000_000,
  runsPerSecondPerMesh: 0.6,
  meanRunMs: 10_000,
  keptSessions: 6,
  byHand: 0.002,
  lost: 0.005,
  doubled: 0.001,
  slow: 0.002,
  cutEveryMs: 240 * MINUTE,
  splitEveryMs: 240 * MINUTE,
  crashEveryMs: 600 * MINUTE,
  changeEveryMs: 60 * MINUTE,
  restlessness: 1,
  cancelled: 0.02,
};
