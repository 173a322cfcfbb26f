/** Waiting, as a part that tests replace by a time of their own. */
export type Timer = {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls `run` once after `ms`. Answers how to call that off. */
  after(ms: number, run: () => void): () => void;
};

export const systemTimer: Timer = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export function wait(timer: Timer, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  timer.after(ms, resolve);
  return promise;
}

/** Lets other work through when more than `sliceMs` have passed since the last time. */
export function createPause(timer: Timer, sliceMs: number): () => Promise<void> | undefined {
  let since = timer.now();
  return () => {
    if (timer.now() - since < sliceMs) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(() => {
      since = timer.now();
      resolve();
    });
    return promise;
  };
}
