/** Which limits a session has met since its worker began: why the worker ended, and what its runs have to be told. */
import type { RunId } from '@markco/protocol';
import { NONE_MET, type Hold, type LimitsMet, type SessionLimits } from './limits.ts';
import { notices, waitedLong, whyEnded } from './words.ts';

export function createMeter(hold: Hold, limits: SessionLimits) {
  let before = NONE_MET;
  let told = NONE_MET;
  let asked: RunId | null = null;

  return {
    /** A worker that was found again: what it met earlier was told by the host that started it. */
    async goesOn(): Promise<void> {
      before = told = await hold.met();
    },

    /** Why the worker is gone, or null when it was no limit. The next one begins from nothing. */
    why(how: string | null, now: LimitsMet): string | null {
      const why = whyEnded(how, before, now, limits);
      before = told = NONE_MET;
      return why;
    },

    /** What this run has to be told since it was last asked for; of the processor, once a run. */
    async notices(run: RunId): Promise<readonly string[]> {
      const now = await hold.met();
      // What an earlier run waited is not this one's.
      if (run !== asked) told = { ...told, cpu: now.cpu };
      asked = run;
      const texts = notices(told, now, limits);
      told = { ...now, cpu: waitedLong(told, now) ? Number.POSITIVE_INFINITY : told.cpu };
      return texts;
    },
  };
}
