/** For tests: two ends of one stream of messages, which arrive in later turns, in order, until one end closes it. */
import type { Failure } from '@markco/protocol';
import type { MessageStream } from '@markco/replica/replicate/message-stream';

/** `ended`: why it was aborted, null when it was closed well, undefined while it is open. */
export type StreamEnd = MessageStream & { readonly ended: Failure | null | undefined; readonly sent: number };

export function streamPair(): [StreamEnd, StreamEnd] {
  const ends: {
    receive(message: Uint8Array | string): void;
    closed(why: Failure | null): void;
    readonly stream: StreamEnd;
  }[] = [];
  for (const index of [0, 1]) {
    let listener: ((message: Uint8Array | string) => void) | undefined;
    const early: (Uint8Array | string)[] = [];
    const closers: ((why: Failure | null) => void)[] = [];
    let ended: Failure | null | undefined;
    let sent = 0;
    const send = (message: Uint8Array | string): void => {
      if (ended !== undefined) return;
      sent += 1;
      setImmediate(() => ends[1 - index]?.receive(message));
    };
    const end = (why: Failure | null): void => {
      for (const each of ends) each.closed(why);
    };
    ends.push({
      receive(message) {
        if (ended !== undefined) return;
        if (listener === undefined) early.push(message);
        else listener(message);
      },
      closed(why) {
        if (ended !== undefined) return;
        ended = why;
        for (const close of closers) close(why);
      },
      stream: {
        get ended() {
          return ended;
        },
        get sent() {
          return sent;
        },
        sendBytes: (message) => send(message.slice()),
        sendText: send,
        waiting: () => 0,
        onMessage(next) {
          listener = next;
          for (const message of early.splice(0)) next(message);
        },
        onDrain: () => undefined,
        onClose(close) {
          if (ended === undefined) closers.push(close);
          else close(ended);
        },
        close: () => end(null),
        abort: end,
      },
    });
  }
  return [ends[0]?.stream, ends[1]?.stream] as [StreamEnd, StreamEnd];
}
