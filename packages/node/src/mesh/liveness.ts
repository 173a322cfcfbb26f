/**
 * Notices that a peer is gone though its connection does not say so, as when its machine sleeps or a cable is pulled.
 *
 * 1. A connection on which nothing was heard for EVERY turns is asked; it ends when nothing at all is heard for as many
 *    turns after that as its peer is given.
 * 2. A turn is one in which this device could have heard: a program that was itself kept from running, by its own work
 *    or that of others on the machine, has had fewer of them. Measured in time, twenty devices on one machine took each
 *    other for dead whenever all were busy, and meeting again kept them busy.
 * 3. A peer that is back soon after it was given up was only busy: it is given twice as long from then on, at most
 *    TURNS_MAX, and by and by less again.
 * 4. Or the network was: a connection that outlives a cut of many seconds stays silent for as many after it, since what
 *    was lost is sent again ever more seldom. So while a peer is given more than TURNS it is looked for anew, and once
 *    it is heard on another connection the silent one ends.
 */
import type { Connection } from '@libp2p/interface';
import { answers } from '@markco/client/mesh/answers';

const TURN_MS = 500;
/** With TURNS, a peer that is gone is noticed within 7 s on a machine that has nothing else to do. */
const EVERY = 8;
const TURNS = 6;
/** Half a minute: who says nothing for that long is of no use, busy or not. */
const TURNS_MAX = 60;
/** A peer that is given more turns than TURNS is looked for once in these. */
const LOOK_EVERY = 3;
/** Who is back within these was only busy. */
const SOON = 120;
/** After each of these without being given up, a peer is given half as long as before. */
const CALM = 600;
/** Of more peers than these, those given up longest ago are forgotten: they are given TURNS again. */
const PEERS_MAX = 1_000;

/** One way to a peer. */
export type Watched = { readonly id: string; readonly peer: string };

export type Liveness<C extends Watched> = {
  /** Something came. */
  heard(connection: Pick<C, 'id'>): void;
  /** To be called every TURN_MS, once what has come by then was read. */
  turn(): void;
  /** It would have been given up, were its peer not one that is given more turns than others. */
  isSilent(connection: Pick<C, 'id'>): boolean;
  close(): void;
};

type Asked = { quiet: number; isAsked: boolean; asking: AbortController };
type GivenUp = { at: number; turns: number };

/**
 * @param ask resolves when the peer has answered; ends what it does at the signal. That it rejects says nothing yet
 * @param end called once for each connection that is given up
 * @param look tries to connect to a peer beside the connection that is silent
 */
export function createLiveness<C extends Watched>(parts: {
  readonly connections: () => readonly C[];
  readonly ask: (connection: C, signal: AbortSignal) => Promise<unknown>;
  readonly end: (connection: C) => void;
  readonly look: (peer: string) => void;
}): Liveness<C> {
  const watched = new Map<string, Asked>();
  const givenUp = new Map<string, GivenUp>();
  let now = 0;

  function turnsFor(peer: string): number {
    const before = givenUp.get(peer);
    if (before === undefined) return TURNS;
    return Math.max(TURNS, before.turns / 2 ** Math.floor((now - before.at) / CALM));
  }

  function giveUp(connection: C): void {
    const turns = turnsFor(connection.peer);
    givenUp.delete(connection.peer);
    givenUp.set(connection.peer, { at: now, turns });
    const [oldest] = givenUp.keys();
    if (givenUp.size > PEERS_MAX && oldest !== undefined) givenUp.delete(oldest);
    parts.end(connection);
  }

  function met(peer: string): void {
    const before = givenUp.get(peer);
    if (before === undefined || now - before.at > SOON) return;
    givenUp.set(peer, { at: now - SOON - 1, turns: Math.min(TURNS_MAX, before.turns * 2) });
  }

  function heard({ id }: Pick<C, 'id'>): void {
    const its = watched.get(id);
    if (its === undefined) return;
    its.quiet = 0;
    its.isAsked = false;
  }

  function ask(connection: C, its: Asked): void {
    its.asking.abort();
    its.asking = new AbortController();
    its.isAsked = true;
    // Whoever cannot even be asked is found silent when its turns are over.
    parts.ask(connection, its.asking.signal).then(
      () => heard(connection),
      () => undefined,
    );
  }

  const silentFor = (its: Asked): number => (its.isAsked ? its.quiet - EVERY - TURNS : 0);

  return {
    heard,
    isSilent({ id }) {
      const its = watched.get(id);
      return its !== undefined && silentFor(its) > 0;
    },
    turn() {
      now += 1;
      const open = new Map(parts.connections().map((connection) => [connection.id, connection]));
      for (const [id, { asking }] of watched) {
        if (open.has(id)) continue;
        asking.abort();
        watched.delete(id);
      }
      for (const [id, connection] of open) {
        let its = watched.get(id);
        if (its === undefined) {
          met(connection.peer);
          // At once: how long a round trip takes is known from the beginning.
          its = { quiet: EVERY - 1, isAsked: false, asking: new AbortController() };
          watched.set(id, its);
        }
        its.quiet += 1;
        if (its.quiet < EVERY) continue;
        if (!its.isAsked) ask(connection, its);
        const silent = silentFor(its);
        if (silent <= 0) continue;
        const isElsewhere = [...open.values()].some(
          (other) => other.peer === connection.peer && (watched.get(other.id)?.quiet ?? EVERY) < EVERY,
        );
        if (isElsewhere || silent > turnsFor(connection.peer) - TURNS) {
          its.asking.abort();
          watched.delete(id);
          if (isElsewhere) parts.end(connection);
          else giveUp(connection);
        } else if (silent % LOOK_EVERY === 1) parts.look(connection.peer);
      }
    },
    close() {
      for (const { asking } of watched.values()) asking.abort();
      watched.clear();
    },
  };
}

/** The connections of libp2p, watched until it is closed. */
export function watchConnections(parts: {
  readonly connections: () => readonly Connection[];
  readonly look: (peer: string) => void;
}): Omit<Liveness<Watched>, 'turn'> {
  const liveness = createLiveness({
    connections: () =>
      parts
        .connections()
        .filter(({ status }) => status === 'open')
        .map((connection) => ({ id: connection.id, peer: connection.remotePeer.toString(), connection })),
    ask: ({ connection }, signal) =>
      answers(connection, signal).catch((error: unknown) => {
        // That it does not know how to is an answer as well.
        if (!(error instanceof Error && error.name === 'UnsupportedProtocolError')) throw error;
      }),
    end: ({ connection }) => connection.abort(new Error('it says nothing any more')),
    look: parts.look,
  });
  const turns = setInterval(() => setImmediate(liveness.turn), TURN_MS).unref();
  return {
    ...liveness,
    close() {
      clearInterval(turns);
      liveness.close();
    },
  };
}
