/** A simulation that must hold, and what is told where it does not: the seed, what happened to the run, how to see it again. */
import { Violation } from './checker.ts';
import { numberOf } from './fleet.ts';
import type { Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { simulate } from './simulate.ts';

const LINES_MAX = 60;

export function simulateOrExplain(scenario: Scenario): Report {
  try {
    return simulate(scenario);
  } catch (error) {
    if (!(error instanceof Violation) || error.runId === null) throw error;
    const lines: string[] = [];
    try {
      simulate(scenario, { runId: error.runId, say: (line) => lines.push(line) });
    } catch {
      // It is thrown a second time: the same seed gives the same history.
    }
    const history = lines.slice(-LINES_MAX).join('\n  ');
    throw new Error(
      `seed ${scenario.seed}: ${error.message} (run ${numberOf(error.runId)})\n  ${history}\n` +
        `Replay: SIM_SEED=${scenario.seed} npx vitest run --project unit packages/scheduler/src/simulate`,
      { cause: error },
    );
  }
}
