/**
 * A connection that carries whole messages, and its kind over one WebSocket, written to so that many frames of one turn are one write, and a slow reader costs no memory.
 *
 * Document frames are written to the socket as whole WebSocket messages that all their receivers share; `ws` reads,
 * answers pings and closes. Compression is off, so both write whole messages and never into each other's.
 */
import { LIMITS, type Failure } from '@markco/protocol';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { webSocketMessage } from '../documents/out-frame.ts';
import type { JoinMessages } from './join-messages.ts';
import { messageBytes } from './message.ts';

/** What carries whole messages both ways: a WebSocket of a client here, a stream of another device there. */
export type Connection = {
  /** Whether the reader is so far behind that nothing more should be written until `onDrain`. */
  behind(): boolean;
  /** Writes one message of bytes. */
  bytes(message: Uint8Array): void;
  /** Writes one text message, whatever waits. */
  text(json: unknown): void;
  /** Called once the reader has caught up after it was behind. */
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
  /** Resolves once little enough waits that a stream of messages may go on. */
  ready(signal: AbortSignal): Promise<void>;
  /** Ends the connection with what was wrong, in a form the client can show. */
  refuse(failure: Failure): void;
  /** At most one listener each; it is there before the turn in which the connection was made ends. */
  onText(listener: (text: string) => void): void;
  onBytes(listener: (message: Uint8Array) => void): void;
};

export type WebSocketConnection = Connection & {
  /** Writes one whole WebSocket message, header and all: receivers share it. */
  write(message: Uint8Array): void;
  /** Writes one text message as it is, whatever waits. */
  rawText(text: string): void;
  /** Bytes that wait to be sent. */
  waiting(): number;
  close(code: number, reason: string): void;
};

/** RFC 6455 §7.4.1 and the private range: what a client finds in `CloseEvent.code`. */
const CLOSE_CODES: Partial<Record<Failure['code'], number>> = {
  bad_request: 1008,
  unauthorized: 4401,
  forbidden: 4403,
  not_found: 4404,
  document_deleted: 4410,
  too_large: 1009,
  too_many: 4429,
  not_ready: 1013,
};
const INTERNAL_ERROR = 1011;
/** A close frame holds at most 123 bytes of reason. */
const REASON_BYTES_MAX = 120;
const DRAINED_BYTES = 256 * 1024;
const PING_MS = 30_000;
/** After so long without one, a document frame is written at once, and waits for no others of its turn. */
const QUIET_MS = 2;

/**
 * @param onTrouble told of each connection that was refused or broke off, with why
 * @param now milliseconds that never go back
 */
export function createConnection(
  socket: Duplex,
  ws: WebSocket,
  join: JoinMessages,
  onTrouble: (reason: string) => void,
  now: () => number = () => performance.now(),
): WebSocketConnection {
  /** Whole messages of this turn. */
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  /** When the first of the last messages of a turn was written. */
  let wroteAt = Number.NEGATIVE_INFINITY;
  let corked = false;
  let behind = false;
  let answered = true;
  // Of one or two listeners each, and no room for more: a list that grows by itself takes room for seventeen.
  let drainListeners: readonly (() => void)[] = [];
  let closeListeners: readonly (() => void)[] = [];

  function cork(): void {
    if (corked) return;
    corked = true;
    socket.cork();
    queueMicrotask(() => {
      corked = false;
      socket.uncork();
    });
  }

  function flush(): void {
    const messages = waiting;
    if (messages.length === 0) return;
    waiting = [];
    waitingBytes = 0;
    if (ws.readyState !== ws.OPEN) return;
    const joined = join(messages);
    if (joined !== undefined) {
      socket.write(joined);
      return;
    }
    cork();
    for (const message of messages) socket.write(message);
  }

  const pinger = setInterval(() => {
    if (!answered) {
      onTrouble('silent');
      ws.terminate();
      return;
    }
    answered = false;
    ws.ping();
  }, PING_MS);
  pinger.unref();
  ws.on('pong', () => {
    answered = true;
  });
  let onText: (text: string) => void = () => undefined;
  let onBytes: (message: Uint8Array) => void = () => undefined;
  ws.on('message', (data, isBinary) => {
    answered = true;
    const message = messageBytes(data);
    if (isBinary) onBytes(message);
    else onText(new TextDecoder().decode(message));
  });
  socket.on('drain', () => {
    if (!behind) return;
    behind = false;
    for (const listener of drainListeners) listener();
  });
  ws.on('close', () => {
    clearInterval(pinger);
    for (const listener of closeListeners) listener();
  });
  // A broken socket also closes; there is nothing to do about it before that.
  ws.on('error', (error: Error & { readonly code?: string }) => {
    onTrouble(error.code ?? 'broken');
    ws.terminate();
  });

  return {
    behind() {
      behind ||= socket.writableLength + waitingBytes > LIMITS.socketBacklogBytesMax;
      return behind;
    },
    bytes(message) {
      this.write(webSocketMessage(message));
    },
    onText: (listener) => void (onText = listener),
    onBytes: (listener) => void (onBytes = listener),
    write(message) {
      if (ws.readyState !== ws.OPEN) return;
      if (waiting.length === 0) {
        const at = now();
        const isQuiet = at - wroteAt > QUIET_MS;
        wroteAt = at;
        if (isQuiet) return void socket.write(message);
        queueMicrotask(flush);
      }
      waiting.push(message);
      waitingBytes += message.length;
    },
    text(json) {
      this.rawText(JSON.stringify(json));
    },
    rawText(text) {
      if (ws.readyState !== ws.OPEN) return;
      flush();
      cork();
      ws.send(text);
    },
    waiting: () => socket.writableLength + waitingBytes,
    onDrain: (listener) => void (drainListeners = [...drainListeners, listener]),
    onClose: (listener) => void (closeListeners = [...closeListeners, listener]),
    async ready(signal) {
      while (socket.writableLength > DRAINED_BYTES && !signal.aborted && ws.readyState === ws.OPEN) {
        await new Promise<void>((resolve) => {
          const go = (): void => {
            socket.off('drain', go);
            socket.off('close', go);
            signal.removeEventListener('abort', go);
            resolve();
          };
          socket.once('drain', go);
          socket.once('close', go);
          signal.addEventListener('abort', go);
        });
      }
    },
    refuse(failure) {
      onTrouble(failure.code);
      this.close(CLOSE_CODES[failure.code] ?? INTERNAL_ERROR, `${failure.code}: ${failure.message}`);
    },
    close(code, reason) {
      let text = reason;
      while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1);
      flush();
      ws.close(code, text);
    },
  };
}
