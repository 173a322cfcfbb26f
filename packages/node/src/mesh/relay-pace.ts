/**
 * How fast a relay passes on what one device says to others, on all its streams together.
 *
 * 1. What is beyond that is not read: the device finds the window of its stream closed and waits. Nothing is dropped,
 *    and what was on its way by then, a window for each stream, is all that is kept for it.
 * 2. What a device said before it left is passed on at once.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { createBucket, type Bucket } from './bucket.ts';
import { standIn } from './guarded.ts';

/** 50 Mbit/s; as much may come at once, after a second without anything. */
export const RELAYED_BYTES_PER_SECOND = 50_000_000 / 8;
/** Devices whose pace is remembered; of more, the one heard of longest ago begins anew. */
const DEVICES_MAX = 1_000;

/** @param elapsed milliseconds that never go back */
export function createPaces(elapsed: () => number): (peerId: string) => Bucket {
  const paces = new Map<string, Bucket>();
  return (peerId) => {
    const pace = paces.get(peerId) ?? createBucket(RELAYED_BYTES_PER_SECOND, RELAYED_BYTES_PER_SECOND, elapsed);
    paces.delete(peerId);
    paces.set(peerId, pace);
    const [oldest] = paces.keys();
    if (paces.size > DEVICES_MAX && oldest !== undefined) paces.delete(oldest);
    return pace;
  };
}

/** What comes on the stream is spent; while there is less than nothing left no more of it is read. */
export function keepPace(stream: Stream, pace: Bucket): void {
  let waits: NodeJS.Timeout | undefined;
  let isEnding = false;

  function stop(): void {
    const waitMs = isEnding ? 0 : pace.wait(1);
    if (waitMs === 0 || stream.readStatus !== 'readable') return;
    stream.pause();
    waits = setTimeout(goOn, waitMs).unref();
  }

  function goOn(): void {
    const waitMs = isEnding ? 0 : pace.wait(1);
    if (waitMs > 0) {
      waits = setTimeout(goOn, waitMs).unref();
      return;
    }
    // What comes while it resumes stops nothing yet: libp2p opens the window last, whatever was paused meanwhile.
    try {
      if (stream.readStatus === 'paused') stream.resume();
    } catch (error) {
      // Its connection may have broken without this stream having heard of it yet.
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
    waits = undefined;
    stop();
  }

  stream.addEventListener('message', ({ data }) => {
    pace.spend(data.byteLength);
    if (waits === undefined) stop();
  });
  // Heard here before it is by who passes it on, and takes nothing any more after that.
  stream.addEventListener('remoteCloseWrite', () => {
    isEnding = true;
    clearTimeout(waits);
    goOn();
  });
  stream.addEventListener('close', () => clearTimeout(waits));
}

/** What the relay of libp2p opens to the device that is asked for, by which that device answers. */
export function pacedAnswers<T extends object>(components: T, paceOf: (peerId: string) => Bucket): T {
  type GetConnections = (peer: { toString(): string }) => Connection[];
  return standIn(components, 'connectionManager', (manager: object) =>
    standIn(
      manager,
      'getConnections',
      (getConnections: GetConnections) => (peer: { toString(): string }) =>
        getConnections.call(manager, peer).map((connection) =>
          standIn(connection, 'newStream', (newStream: Connection['newStream']) => {
            const open: Connection['newStream'] = async (...asked) => {
              const stream = await newStream.apply(connection, asked);
              keepPace(stream, paceOf(peer.toString()));
              return stream;
            };
            return open;
          }),
        ),
    ),
  );
}
