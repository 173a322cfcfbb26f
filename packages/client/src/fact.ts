/** A value that changes, which anybody may read now or be told of. */
export type Fact<T> = {
  get(): T;
  /** Called after each change, never at once. Returns how to stop. */
  subscribe(listener: (value: T) => void): () => void;
};

export type SettableFact<T> = Fact<T> & { set(value: T): void };

export function createFact<T>(initial: T): SettableFact<T> {
  let current = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => current,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) listener(value);
    },
  };
}
