/** For tests: a time that passes when told to, so that a wait of five seconds takes none. */
import type { Timer } from './timer.ts';

export type VirtualTimer = Timer & {
  /** Lets everything happen that waits, however long, until nothing waits any more or `ms` have passed. */
  drain(ms?: number): Promise<void>;
};

export function createVirtualTimer(): VirtualTimer {
  let now = 0;
  let order = 0;
  const waiting = new Set<{ readonly at: number; readonly order: number; readonly run: () => void }>();
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return {
    now: () => now,
    after(ms, run) {
      const entry = { at: now + ms, order: order++, run };
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    async drain(ms = Number.POSITIVE_INFINITY) {
      const end = now + ms;
      for (;;) {
        await turn();
        if (waiting.size === 0) {
          await turn();
          if (waiting.size === 0) break;
        }
        const next = [...waiting].reduce((first, entry) =>
          entry.at < first.at || (entry.at === first.at && entry.order < first.order) ? entry : first,
        );
        if (next.at > end) break;
        waiting.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = Number.isFinite(end) ? end : now;
    },
  };
}
