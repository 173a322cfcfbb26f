/** The streams that two devices always have: one of each kind, opened again when it ends, and anew on a better way. */
import { Failure } from '@markco/protocol';
import type { Host } from './host.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';

const OPEN_MS = 10_000;
const AGAIN_MS = 1_000;

export type KeepOpen = {
  /** Opens a stream, once, and again when it ends, as long as the two are connected. */
  keepOpen(
    peerId: string,
    protocol: string,
    use: (stream: MessageStream, peerId: string) => void,
    bytesMax?: number,
  ): Promise<void>;
  stop(): void;
};

export function createKeepOpen(parts: {
  readonly host: Pick<Host, 'open' | 'onBetterPath'>;
  readonly isGreeted: (peerId: string) => boolean;
  readonly onOpen: (peerId: string, protocol: string) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
}): KeepOpen {
  const { host, isGreeted, onTrouble } = parts;
  /** What is kept open, each with what makes it try again at once. */
  const kept = new Map<string, () => void>();
  /** By peer, who uses a way that is not the best any more. */
  const waiting = new Map<string, Set<() => void>>();
  let isStopped = false;

  host.onBetterPath((peerId) => {
    for (const tell of waiting.get(peerId) ?? []) tell();
  });

  /** Whether a better way has come up, once it has; to be asked before the stream is opened. */
  function betterWay(peerId: string): { readonly promise: Promise<true>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<true>();
    const others = waiting.get(peerId) ?? new Set();
    waiting.set(peerId, others);
    const tell = (): void => resolve(true);
    others.add(tell);
    return {
      promise,
      stop() {
        others.delete(tell);
        if (others.size === 0 && waiting.get(peerId) === others) waiting.delete(peerId);
      },
    };
  }

  return {
    async keepOpen(peerId, protocol, use, bytesMax) {
      const key = `${peerId} ${protocol}`;
      const again = kept.get(key);
      // They were apart for less than a try takes: a second stream would take the place of the first, in turns, for ever.
      if (again !== undefined) return again();
      let wake = (): void => undefined;
      kept.set(key, () => wake());
      while (!isStopped && isGreeted(peerId)) {
        const better = betterWay(peerId);
        try {
          const stream = await host.open(peerId, protocol, AbortSignal.timeout(OPEN_MS), bytesMax);
          const began = performance.now();
          parts.onOpen(peerId, protocol);
          use(stream, peerId);
          const ended = new Promise<void>((resolve) => stream.onClose(() => resolve()));
          if ((await Promise.race([ended, better.promise])) === true) {
            // What was sent by the old way still arrives, before the new one begins.
            stream.close();
            await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, OPEN_MS).unref())]);
            continue;
          }
          // It ended with a connection beside which there is another one.
          if (performance.now() - began > AGAIN_MS) continue;
        } catch (error) {
          onTrouble(`opening ${protocol}`, error);
          // It speaks again, of a later version, when it has started anew.
          if (error instanceof Failure && error.code === 'unsupported') break;
        } finally {
          better.stop();
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, AGAIN_MS).unref();
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      kept.delete(key);
    },
    stop() {
      isStopped = true;
    },
  };
}
