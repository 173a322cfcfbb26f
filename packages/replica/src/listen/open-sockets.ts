/**
 * The WebSockets that are open at one listener. Each is asked every half minute whether somebody is there, and ended
 * when nothing has come since it was asked the last time.
 *
 * One timer for all of them, and a part of them each second: a timer each is memory of each, and ten thousand that are
 * asked at once hold up everybody else.
 */
const EVERY_MS = 30_000;
const PARTS = 30;

export type OpenSocket = {
  /** Asks whether somebody is there; ends it when nobody answered the last time. */
  ask(): void;
  close(code: number, reason: string): void;
  /** Without a word. */
  end(): void;
};

export type OpenSockets = {
  readonly count: number;
  add(socket: OpenSocket): void;
  delete(socket: OpenSocket): void;
  all(): Iterable<OpenSocket>;
  /** Nobody is asked any more. */
  stop(): void;
};

export function createOpenSockets(): OpenSockets {
  const parts = Array.from({ length: PARTS }, () => new Set<OpenSocket>());
  let added = 0;
  let asked = 0;
  const timer = setInterval(() => {
    for (const socket of parts[asked++ % PARTS] ?? []) socket.ask();
  }, EVERY_MS / PARTS).unref();

  return {
    get count() {
      return parts.reduce((sum, part) => sum + part.size, 0);
    },
    add: (socket) => void parts[added++ % PARTS]?.add(socket),
    delete: (socket) => void parts.some((part) => part.delete(socket)),
    all: () => parts.flatMap((part) => [...part]),
    stop: () => clearInterval(timer),
  };
}
