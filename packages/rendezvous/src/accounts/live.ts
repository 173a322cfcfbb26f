/** Connections by what they hang on: a session, an account, a device. When that ends, so do they, in the same turn. */
import type { Failure } from '@markco/protocol';

export type Live = {
  /** Answers how to forget it. */
  hold(names: readonly string[], end: (why: Failure) => void): () => void;
  isHeld(name: string): boolean;
  end(name: string, why: Failure): void;
};

export function createLive(): Live {
  const held = new Map<string, Set<(why: Failure) => void>>();
  return {
    hold(names, end) {
      for (const name of names) {
        const known = held.get(name);
        if (known === undefined) held.set(name, new Set([end]));
        else known.add(end);
      }
      return () => {
        for (const name of names) {
          const left = held.get(name);
          left?.delete(end);
          if (left?.size === 0) held.delete(name);
        }
      };
    },
    isHeld: (name) => held.has(name),
    end(name, why) {
      for (const end of [...(held.get(name) ?? [])]) end(why);
    },
  };
}
