/** Waiting for what has no event to wait for. */
import { setTimeout as delay } from 'node:timers/promises';

export { delay };

/** Asks again until `ask` gives something; rejects after `limitMs`. */
export async function eventually<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
  everyMs = 10,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what} did not happen in ${limitMs} ms`);
    await delay(everyMs);
  }
}

/** Rejects when `work` takes longer than `limitMs`. */
export async function within<T>(what: string, limitMs: number, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = delay(limitMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} did not happen in ${limitMs} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    late.catch(() => {});
  }
}
