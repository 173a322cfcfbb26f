/** Connections by what they hang on: a session, an account, a device. When that ends, so do they, in the same turn. */
import type { Failure } from '@markco/protocol';

type Held = { refuse(why: Failure): void };

export type Live = {
  /** Answers how to forget it. */
  hold(names: readonly string[], held: Held): () => void;
  isHeld(name: string): boolean;
  end(name: string, why: Failure): void;
};

export function createLive(): Live {
  const all = new Map<string, Set<Held>>();
  return {
    hold(names, held) {
      for (const name of names) {
        const known = all.get(name);
        if (known === undefined) all.set(name, new Set([held]));
        else known.add(held);
      }
      return () => {
        for (const name of names) {
          const left = all.get(name);
          left?.delete(held);
          if (left?.size === 0) all.delete(name);
        }
      };
    },
    isHeld: (name) => all.has(name),
    end(name, why) {
      for (const held of [...(all.get(name) ?? [])]) held.refuse(why);
    },
  };
}
