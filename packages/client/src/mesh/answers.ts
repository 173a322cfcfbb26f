/** Whether a peer answers on one connection to it, and how long that takes. */
import type { Connection } from '@libp2p/interface';
import { PING_PROTOCOL } from '@libp2p/ping';
import { Failure } from '@markco/protocol';

const PING_BYTES = 32;

/**
 * One round trip on this very connection, in milliseconds, which it remembers. Rejects when nothing comes back in time.
 *
 * Where the multiplexer can ping it is asked to: twelve bytes instead of a stream of its own, which with nineteen
 * neighbors took a twentieth of a core of each.
 */
export async function answers(connection: Connection, signal: AbortSignal): Promise<number> {
  const muxer: unknown = Reflect.get(connection, 'muxer');
  connection.rtt = await (canPing(muxer) ? answersItself(muxer, signal) : answersOnStream(connection, signal));
  return connection.rtt;
}

type Pings = { ping(): Promise<number> };
const canPing = (muxer: unknown): muxer is Pings =>
  typeof muxer === 'object' && muxer !== null && 'ping' in muxer && typeof muxer.ping === 'function';

async function answersItself(muxer: Pings, signal: AbortSignal): Promise<number> {
  const began = performance.now();
  // It is not given the signal: it ends the connection over an answer to what it has given up.
  await Promise.race([muxer.ping(), aborted(signal)]);
  return performance.now() - began;
}

/** To open the stream takes several round trips more, which are not counted. */
async function answersOnStream(connection: Connection, signal: AbortSignal): Promise<number> {
  const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true });
  const answered = new Promise<void>((resolve) => stream.addEventListener('message', () => resolve(), { once: true }));
  const began = performance.now();
  let ms = 0;
  try {
    stream.send(new Uint8Array(PING_BYTES));
    await Promise.race([answered, aborted(signal)]);
    ms = performance.now() - began;
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
  stream.close({ signal }).catch((cause: unknown) => stream.abort(new Error('it could not be closed', { cause })));
  return ms;
}

/** Rejects with `not_ready` at the signal. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = (): void => reject(new Failure('not_ready', 'It was given up before the other device answered.'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}
