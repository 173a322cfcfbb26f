/**
 * An answer that is costly to get, kept for a while. Whoever asks after `freshMs` still gets the kept one at once, and
 * it is looked for again beside its use; only after `staleMs` is it waited for. One look at a time.
 */
export type KeepOptions = {
  readonly now: () => number;
  readonly freshMs: number;
  /** Default: never too old to be given. */
  readonly staleMs?: number;
};

export function keep<T>(
  look: () => Promise<T>,
  { now, freshMs, staleMs = Number.POSITIVE_INFINITY }: KeepOptions,
): () => Promise<T> {
  let known: { readonly at: number; readonly answer: T } | undefined;
  let looking: Promise<T> | undefined;

  function lookOnce(): Promise<T> {
    looking ??= look()
      .then((answer) => {
        known = { at: now(), answer };
        return answer;
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  return async () => {
    if (known === undefined) return lookOnce();
    // A clock that was set back makes nothing young again.
    const age = Math.abs(now() - known.at);
    if (age > staleMs) return lookOnce();
    if (age > freshMs) lookOnce().catch(() => undefined);
    return known.answer;
  };
}
