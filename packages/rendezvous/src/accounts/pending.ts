/** What waits for somebody to come back with its name: once, and not for long. At the bound the oldest is given up. */
export type Pending<T> = {
  /** Answers the name: 128 bits of chance. */
  put(value: T): string;
  /** Once; undefined for what is over or was never there. */
  take(name: string): T | undefined;
  peek(name: string): T | undefined;
};

export function createPending<T>({
  max,
  lastsMs,
  now,
  randomBytes,
}: {
  readonly max: number;
  readonly lastsMs: number;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
}): Pending<T> {
  const waiting = new Map<string, { readonly value: T; readonly endsAt: number }>();

  function peek(name: string): T | undefined {
    const found = waiting.get(name);
    if (found === undefined || found.endsAt > now()) return found?.value;
    waiting.delete(name);
    return undefined;
  }

  return {
    put(value) {
      // They were put in the order in which they end.
      for (const [name, { endsAt }] of waiting) {
        if (endsAt > now() && waiting.size < max) break;
        waiting.delete(name);
      }
      const name = Buffer.from(randomBytes(16)).toString('base64url');
      waiting.set(name, { value, endsAt: now() + lastsMs });
      return name;
    },
    take(name) {
      const value = peek(name);
      waiting.delete(name);
      return value;
    },
    peek,
  };
}
