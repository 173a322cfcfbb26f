/** Peers that are none of the user's: few at once, and not for long, unless somebody has a reason to keep one. */

const STRANGERS_MAX = 10;
const STRANGER_MS = 10_000;

export type Strangers = {
  hasRoom(peerId: string): boolean;
  came(peerId: string): void;
  left(peerId: string): void;
  close(): void;
};

export function createStrangers(parts: {
  /** It is one of the user's now. */
  readonly isKnown: (peerId: string) => boolean;
  /** It is being added, or talks to one that adds it: it may stay a while longer. */
  readonly isKept: (peerId: string) => boolean;
  readonly hangUp: (peerId: string) => void;
}): Strangers {
  const timers = new Map<string, NodeJS.Timeout>();

  function lookLater(peerId: string): void {
    const look = (): void => {
      if (!parts.isKnown(peerId) && parts.isKept(peerId)) return lookLater(peerId);
      timers.delete(peerId);
      if (!parts.isKnown(peerId)) parts.hangUp(peerId);
    };
    timers.set(peerId, setTimeout(look, STRANGER_MS).unref());
  }

  function left(peerId: string): void {
    clearTimeout(timers.get(peerId));
    timers.delete(peerId);
  }

  return {
    hasRoom: (peerId) => timers.size < STRANGERS_MAX || timers.has(peerId),
    came(peerId) {
      left(peerId);
      lookLater(peerId);
    },
    left,
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
