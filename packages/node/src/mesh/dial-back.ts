/**
 * Whether this device is reached from outside its network at the port where it listens, because its router forwards it.
 *
 * 1. A device that has called another one directly asks it to call back: at the address that the call came from, and at
 *    the port where the asking device listens. If that is answered, by nobody else, others are told of the address.
 * 2. Who is asked calls nobody but who asks: the address is that of the connection, and no field of a message has one.
 * 3. It calls back one at a time for each device, at most every EVERY_MS_MIN, and no port of the system's own.
 *
 * AutoNAT of libp2p asks strangers, and wants several of them, in different networks, to agree: one person's devices
 * are too few for that, and one of them is believed.
 */
import { isLoopback, kindOf, withoutPeer } from '@markco/client/mesh/path';
import type { Peers } from '@markco/client/mesh/peers';
import { Failure, type DeviceId } from '@markco/protocol';
import type { MessageStream } from '@markco/protocol/message-stream';
import * as z from 'zod/mini';
import type { Host } from './host.ts';

export const DIAL_BACK = '/markco/dial-back/1.0.0';
/** A router may be told to forward a port, or not to any more, at any time. */
const EVERY_MS = 10 * 60_000;
const EVERY_MS_MIN = 5_000;
const CALL_MS = 5_000;
const ANSWER_MS = 10_000;
const MESSAGE_BYTES_MAX = 1_024;
/** Addresses that others are told; of more, the first. */
const TOLD_MAX = 3;

const AskSchema = z.object({ port: z.int().check(z.minimum(1_024), z.maximum(65_535)) });
const AnswerSchema = z.object({
  /** `/ip4/203.0.113.7/tcp/7718`; left out where nobody was called. */
  address: z.optional(z.string().check(z.maxLength(100), z.regex(/^\/ip[46]\/[0-9a-f.:]+\/tcp\/\d+$/))),
  /** Why it was not answered; left out when it was. */
  why: z.optional(z.string().check(z.maxLength(300))),
});
type Answer = z.infer<typeof AnswerSchema>;

/** What another device found when it called this one. */
export type Outside = { readonly by: DeviceId; readonly address: string; readonly why: string | null };

/** Calls who asks. @param elapsed milliseconds that never go back */
export function answerDialBack(host: Pick<Host, 'paths' | 'probe'>, elapsed: () => number) {
  /** No more than there are members. */
  const calledAt = new Map<string, number>();

  async function call(peerId: string, port: number): Promise<Answer> {
    const came = host.paths(peerId).find(({ address, isOutgoing }) => !isOutgoing && kindOf(address) === 'tcp');
    const from = /^\/ip[46]\/[^/]+/.exec(came?.address ?? '')?.[0];
    if (from === undefined) return { why: 'you have not called this device directly' };
    if (elapsed() - (calledAt.get(peerId) ?? Number.NEGATIVE_INFINITY) < EVERY_MS_MIN)
      return { why: 'you ask too often' };
    calledAt.set(peerId, elapsed());
    const address = `${from}/tcp/${port}`;
    const [tried] = await host.probe(peerId, [address], AbortSignal.timeout(CALL_MS));
    const why = tried === undefined ? 'it was not tried' : tried.why;
    return { address, ...(why === null ? {} : { why }) };
  }

  return (stream: MessageStream, peerId: string): void => {
    let isAsked = false;
    stream.onMessage((message) => {
      const ask = AskSchema.safeParse(typeof message === 'string' ? parse(message) : undefined);
      if (isAsked || !ask.success) return stream.abort(new Failure('bad_request', 'Which port is to be called?'));
      isAsked = true;
      void call(peerId, ask.data.port)
        .catch((): Answer => ({ why: 'it could not be tried' }))
        .then((answer) => {
          stream.sendText(JSON.stringify(answer));
          stream.close();
        });
    });
  };
}

export type DialBack = {
  /** What others found, the last time that each was asked. */
  list(): readonly Outside[];
  close(): void;
};

/** Asks every device that this one has called from another network, and tells others where it is reached. */
export function createDialBack(parts: {
  readonly host: Pick<Host, 'paths' | 'open' | 'listening' | 'setOutside' | 'onBetterPath'>;
  readonly peers: Pick<Peers, 'onPeer' | 'isGreeted' | 'deviceAt'>;
  /** Whether an address is on a network that this machine is on. */
  readonly isNear: (address: string) => boolean;
  readonly onFound: (outside: Outside) => void;
}): DialBack {
  const { host, peers } = parts;
  const found = new Map<string, Outside>();
  /** Of those that are asked from time to time. */
  const timers = new Map<string, NodeJS.Timeout>();
  const closing = new AbortController();

  function port(): number | undefined {
    const address = host.listening().find((each) => kindOf(each) === 'tcp');
    return address === undefined ? undefined : Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
  }

  async function ask(peerId: string): Promise<void> {
    const by = peers.deviceAt(peerId);
    const at = port();
    if (by === undefined || at === undefined) return;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MS)]);
    const { address, why } = await answerOf(
      await host.open(peerId, DIAL_BACK, signal, MESSAGE_BYTES_MAX, true),
      at,
      signal,
    );
    // Another port is none that was asked for.
    if (address === undefined || !address.endsWith(`/tcp/${at}`)) return;
    note(peerId, { by, address, why: why ?? null });
  }

  function note(peerId: string, outside: Outside): void {
    const before = found.get(peerId);
    found.set(peerId, outside);
    // Who is not connected any more may have found another network's.
    for (const [other, { address }] of found)
      if (!timers.has(other) && address !== outside.address) found.delete(other);
    const reached = [...found.values()].filter(({ why, address }) => why === null && !isLoopback(address));
    host.setOutside([...new Set(reached.map(({ address }) => address))].slice(0, TOLD_MAX));
    if (before?.address !== outside.address || before.why !== outside.why) parts.onFound(outside);
  }

  function look(peerId: string): void {
    if (timers.has(peerId) || !peers.isGreeted(peerId)) return;
    const isFar = ({ address, isOutgoing }: ReturnType<Host['paths']>[number]): boolean =>
      isOutgoing && kindOf(address) === 'tcp' && !parts.isNear(withoutPeer(address));
    if (!host.paths(peerId).some(isFar)) return;
    // One that cannot be asked, as it is older, is reached and found as before.
    const turn = (): void => void ask(peerId).catch(() => undefined);
    timers.set(peerId, setInterval(turn, EVERY_MS).unref());
    turn();
  }

  const stop = peers.onPeer(({ peerId }, isConnected) => {
    clearInterval(timers.get(peerId));
    timers.delete(peerId);
    if (isConnected) look(peerId);
  });
  host.onBetterPath(look);

  return {
    list: () => [...found.values()],
    close() {
      stop();
      closing.abort();
      for (const timer of timers.values()) clearInterval(timer);
    },
  };
}

function answerOf(stream: MessageStream, port: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    stream.onMessage((message) => {
      const answer = AnswerSchema.safeParse(typeof message === 'string' ? parse(message) : undefined);
      if (answer.success) resolve(answer.data);
      stream.close();
    });
    stream.onClose((why) => reject(why ?? new Failure('not_ready', 'The other device said nothing.')));
    signal.addEventListener('abort', () => stream.abort(new Failure('not_ready', 'It did not answer in time.')), {
      once: true,
    });
    stream.sendText(JSON.stringify({ port }));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
