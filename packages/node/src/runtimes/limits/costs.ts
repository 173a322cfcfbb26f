/** Costs of sessions as people read them: the processor's share since somebody last looked. */
import type { SessionId } from '@markco/protocol';
import type { Cost } from './limits.ts';

export type SessionCost = {
  readonly memoryBytes: number;
  /** 100 is one core. */
  readonly cpuPercent: number;
  readonly processes: number;
};

type Sample = { readonly at: number; readonly cpuMs: number; readonly cpuPercent: number };

/** Looks that come sooner after one another share an answer: a share of too short a time says nothing. */
const SPAN_MS_MIN = 200;

export function createCosts(now: () => number) {
  const samples = new Map<SessionId, Sample>();
  return {
    of(id: SessionId, cost: Cost | null): SessionCost | null {
      if (cost === null) {
        samples.delete(id);
        return null;
      }
      const before = samples.get(id);
      const at = now();
      let cpuPercent = before?.cpuPercent ?? 0;
      if (before === undefined || at - before.at >= SPAN_MS_MIN) {
        if (before !== undefined)
          cpuPercent = Math.max(0, Math.round(((cost.cpuMs - before.cpuMs) / (at - before.at)) * 1_000) / 10);
        samples.set(id, { at, cpuMs: cost.cpuMs, cpuPercent });
      }
      return { memoryBytes: cost.memoryBytes, cpuPercent, processes: cost.processes };
    },
  };
}
