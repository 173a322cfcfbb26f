/** What happens to a message: it arrives late, twice, never. Sleepers and the cut off hear nothing. */
import type { Chance } from './chance.ts';
import type { Device } from './fleet.ts';
import type { Scenario } from './scenario.ts';

const JITTER_MS = 5;
/** As late as a message may be: what is slower, a transport gives up on. */
const SLOW_MEAN_MS = 5_000;
const SLOWEST_MS = 20_000;

/** A mesh in two parts: what side 0 says to side 1 is lost, or the other way round, or both. */
export type Split = 'none' | 'both' | 0 | 1;

export type Network = ReturnType<typeof createNetwork>;

export function createNetwork(scenario: Scenario, chance: Chance) {
  const splits: Split[] = Array.from({ length: scenario.meshes }, () => 'none');
  let isWell = false;

  function reaches(from: Device, to: Device): boolean {
    if (from === to) return to.isAwake;
    if (!to.isAwake || from.cutOut || to.cutIn) return false;
    const split = splits[from.mesh];
    return split === 'none' || from.side === to.side || (split !== 'both' && split !== from.side);
  }

  return {
    reaches,

    /** When it arrives, in milliseconds from now: not at all, once or twice. */
    delays(from: Device, to: Device): readonly number[] {
      if (from === to) return [0];
      if (!isWell && chance.happens(scenario.lost)) return [];
      const delay = (): number => {
        const usual = (from.latencyMs + to.latencyMs) / 2 + chance.around(JITTER_MS);
        if (isWell || !chance.happens(scenario.slow)) return usual;
        return Math.min(SLOWEST_MS, usual + chance.around(SLOW_MEAN_MS));
      };
      return !isWell && chance.happens(scenario.doubled) ? [delay(), delay()] : [delay()];
    },

    split(mesh: number, how: Split): void {
      splits[mesh] = how;
    },

    /** From now on every message arrives. */
    heal(): void {
      isWell = true;
      splits.fill('none');
    },
  };
}
