/** So many a minute for each name. Names that nobody has used for a minute are forgotten. */
import { Failure } from '@markco/protocol';

const MINUTE_MS = 60_000;
const NAMES_MAX = 10_000;

export type Rate = {
  /** @throws Failure `too_many`; then it does not count */
  take(name: string): void;
  /** @throws Failure `too_many` when the next one would be refused */
  require(name: string): void;
};

export function createRate(perMinute: number, now: () => number, message: string): Rate {
  const used = new Map<string, number[]>();

  function recent(name: string): number[] {
    const since = now() - MINUTE_MS;
    return (used.get(name) ?? []).filter((at) => at > since);
  }

  function require(name: string): number[] {
    const times = recent(name);
    if (times.length >= perMinute) throw new Failure('too_many', message);
    return times;
  }

  return {
    require: (name) => void require(name),
    take(name) {
      const times = require(name);
      // The newest is last, so that the first is the one to forget.
      used.delete(name);
      used.set(name, [...times, now()]);
      for (const first of used.keys()) {
        if (used.size <= NAMES_MAX && recent(first).length > 0) break;
        used.delete(first);
      }
    },
  };
}
