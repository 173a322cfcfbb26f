/** What serves a client of this device serves another device too: the same messages, on a stream between the two. */
import { LIMITS, type Failure } from '@markco/protocol';
import type { Connection } from '@markco/replica/listen/connection';
import { COST } from '@markco/replica/replicate/cost';
import type { Conduct } from './conduct.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';

const DRAINED_BYTES = 256 * 1024;

export function peerConnection(stream: MessageStream, conduct: Pick<Conduct, 'wasted'>): Connection {
  let behind = false;
  let isOpen = true;
  let onText: (text: string) => void = () => undefined;
  let onBytes: (message: Uint8Array) => void = () => undefined;
  const drainListeners: (() => void)[] = [];
  const waiters = new Set<() => void>();

  stream.onMessage((message) => {
    conduct.wasted(COST.question);
    if (typeof message === 'string') onText(message);
    else onBytes(message);
  });
  stream.onDrain(() => {
    for (const go of waiters) go();
    if (!behind) return;
    behind = false;
    for (const listener of drainListeners) listener();
  });
  stream.onClose(() => {
    isOpen = false;
    for (const go of waiters) go();
  });

  return {
    behind() {
      behind ||= stream.waiting() > LIMITS.socketBacklogBytesMax;
      return behind;
    },
    bytes: (message) => stream.sendBytes(message),
    text: (json) => stream.sendText(JSON.stringify(json)),
    onText: (listener) => void (onText = listener),
    onBytes: (listener) => void (onBytes = listener),
    onDrain: (listener) => void drainListeners.push(listener),
    onClose: (listener) => stream.onClose(() => listener()),
    async ready(signal) {
      while (isOpen && !signal.aborted && stream.waiting() > DRAINED_BYTES) {
        await new Promise<void>((resolve) => {
          const go = (): void => {
            waiters.delete(go);
            signal.removeEventListener('abort', go);
            resolve();
          };
          waiters.add(go);
          signal.addEventListener('abort', go);
        });
      }
    },
    refuse: (failure: Failure) => stream.abort(failure),
  };
}
