/** A WebSocket that this device opened, as the stream that two replicas talk over. */
import { Failure, LIMITS } from '@markco/protocol';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { WebSocket } from 'ws';

const DRAINED_BYTES = 256 * 1024;

export function cloudStream(ws: WebSocket): MessageStream {
  const onDrain: (() => void)[] = [];
  const onClose: ((why: Failure | null) => void)[] = [];
  /** What came before there was a listener: it is there in the turn after the connection is. */
  const early: (Uint8Array | string)[] = [];
  let onMessage = (message: Uint8Array | string): void => void early.push(message);
  let isFull = false;
  let ended: { readonly why: Failure | null } | null = null;

  ws.on('message', (data, isBinary) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    onMessage(isBinary ? bytes : bytes.toString());
  });
  ws.on('close', (code, reason) => {
    const said = reason.toString();
    ended = { why: code === 1000 ? null : new Failure('not_ready', said === '' ? 'The connection ended.' : said) };
    for (const listener of onClose) listener(ended.why);
  });

  function send(message: Uint8Array | string): void {
    if (ws.readyState !== ws.OPEN) return;
    ws.send(message, () => {
      if (!isFull || ws.bufferedAmount > DRAINED_BYTES) return;
      isFull = false;
      for (const listener of onDrain) listener();
    });
  }

  return {
    // What is sent is kept by the socket until it is written.
    sendBytes: (message) => send(message.slice()),
    sendText: send,
    waiting() {
      isFull ||= ws.bufferedAmount > LIMITS.socketBacklogBytesMax;
      return ws.bufferedAmount;
    },
    onMessage(listener) {
      onMessage = listener;
      for (const message of early.splice(0)) listener(message);
    },
    onDrain: (listener) => void onDrain.push(listener),
    onClose(listener) {
      if (ended === null) onClose.push(listener);
      else listener(ended.why);
    },
    close: () => ws.close(1000),
    abort: (why) => ws.close(1008, why.code),
  };
}
