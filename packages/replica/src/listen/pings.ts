/**
 * Asks each connection once in half a minute whether it is still there, by one timer: one for each would be memory of each,
 * and all of them in one turn would keep everybody waiting.
 */
const TURNS = 30;
const TURN_MS = 1_000;

export type Pinged = { readonly pingTurn: number; ping(): void };

export type Pings = {
  /** For a further connection: the `pingTurn` that is its own for as long as it lives. */
  next(): number;
  stop(): void;
};

/** @param open all connections that are open now */
export function createPings(open: Iterable<Pinged>): Pings {
  let given = 0;
  let turn = 0;
  const timer = setInterval(() => {
    turn = (turn + 1) % TURNS;
    for (const connection of open) if (connection.pingTurn === turn) connection.ping();
  }, TURN_MS);
  timer.unref();
  return {
    next: () => (given = (given + 1) % TURNS),
    stop: () => clearInterval(timer),
  };
}
