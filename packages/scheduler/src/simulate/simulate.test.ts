/**
 * Many seeds of a bad hour. One that fails says how to see it again:
 *
 *   SIM_SEED=42 npx vitest run --project unit packages/scheduler/src/simulate
 */
import { env } from 'node:process';
import { expect, test } from 'vitest';
import { Violation } from './checker.ts';
import type { Sabotage } from './executor.ts';
import { simulateOrExplain } from './replay.ts';
import { ROUGH, USUAL, type Scenario } from './scenario.ts';
import { simulate } from './simulate.ts';

const SEED = env['SIM_SEED'] === undefined ? null : Number(env['SIM_SEED']);
const seeds = (count: number) => (SEED === null ? Array.from({ length: count }, (_, at) => at + 1) : [SEED]);

const WORLDS: Readonly<Record<string, { readonly count: number; readonly scenario: Omit<Scenario, 'seed'> }>> = {
  'a bad hour': { count: 150, scenario: ROUGH },
  'messages that take their time, and people who change their minds': {
    count: 60,
    scenario: { ...ROUGH, slow: 0.4, cancelled: 0.6, lost: 0.2, meanRunMs: 10_000 },
  },
  'two devices': { count: 60, scenario: { ...ROUGH, devicesPerMesh: 2, submittersPerMesh: 2, runs: 100 } },
  'herds on a mesh of a hundred': {
    count: 5,
    scenario: { ...ROUGH, devicesPerMesh: 100, runs: 600, herdRuns: 300, herdEveryMs: 60_000 },
  },
  'usual hours of many': { count: 3, scenario: { ...USUAL, meshes: 20, runs: 2_000 } },
};

for (const [name, { count, scenario }] of Object.entries(WORLDS)) {
  test(`the invariants hold in ${name}`, () => {
    for (const seed of seeds(count)) {
      const report = simulateOrExplain({ ...scenario, seed });
      const ended = Object.values(report.ends).reduce((sum, runs) => sum + runs, 0);
      expect(ended, `seed ${seed}`).toBe(scenario.runs);
      expect(report.ends.completed, `seed ${seed}`).toBeGreaterThan(0);
    }
  });
}

test('one seed is one history', () => {
  expect(simulate({ ...ROUGH, seed: 42 })).toEqual(simulate({ ...ROUGH, seed: 42 }));
  expect(simulate({ ...ROUGH, seed: 42 })).not.toEqual(simulate({ ...ROUGH, seed: 43 }));
});

/** What each rule is there for, and that a simulation without it comes to grief. */
const SABOTAGE: Readonly<Record<Sabotage, { readonly breaks: RegExp; readonly changes?: Partial<Scenario> }>> = {
  'silence-proves': { breaks: /^SIM-1/ },
  'any-grant-counts': { breaks: /^SIM-1/, changes: { slow: 0.4, cancelled: 0.6, lost: 0.2, meanRunMs: 10_000 } },
  'journal-forgets': { breaks: /^SIM-/ },
  'rules-asked-once': { breaks: /^SIM-[34]/ },
  'no-slots': { breaks: /^SIM-3/ },
};

test.for(Object.entries(SABOTAGE))('without its rule %s is noticed', ([sabotage, { breaks, changes }]) => {
  const scenario = { ...ROUGH, ...changes, sabotage: sabotage as Sabotage };
  const found = Array.from({ length: 400 }, (_, at) => at + 1).some((seed) =>
    breaks.test(violationOf({ ...scenario, seed })),
  );
  expect(found).toBe(true);
});

test('what went wrong is told with its seed, what happened to the run, and how to see it again', () => {
  const seed = 1;
  expect(() => simulateOrExplain({ ...ROUGH, seed, sabotage: 'no-slots' })).toThrow(
    /^seed 1: SIM-3: .* \(run \d+\)\n[^]*"type":"offer"[^]*\nReplay: SIM_SEED=1 npx vitest/,
  );
});

/** What goes wrong, or an empty text. */
function violationOf(scenario: Scenario): string {
  try {
    simulate(scenario);
    return '';
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
}
