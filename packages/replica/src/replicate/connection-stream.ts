/** A WebSocket of a client here as the stream that two replicas talk over. */
import type { WebSocketConnection } from '../listen/connection.ts';
import type { MessageStream } from './message-stream.ts';

export function connectionStream(connection: WebSocketConnection): MessageStream {
  return {
    sendBytes: (message) => connection.bytes(message.slice()),
    sendText: (text) => connection.rawText(text),
    waiting: () => connection.waiting(),
    onMessage(listener) {
      connection.onText(listener);
      connection.onBytes(listener);
    },
    onDrain: (listener) => connection.onDrain(listener),
    onClose: (listener) => connection.onClose(() => listener(null)),
    close: () => connection.close(1000, ''),
    abort: (why) => connection.refuse(why),
  };
}
