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

const systemNow = (): number => performance.now();
const NOBODY = (): void => undefined;
/** Of whoever has none; never written to. */
const NOTHING: never[] = [];

/**
 * @param onTrouble told of each connection that was refused or broke off, with why
 * @param now milliseconds that never go back
 */
export function createConnection(
  socket: Duplex,
  ws: WebSocket,
  join: JoinMessages,
  onTrouble: (reason: string) => void,
  now: () => number = systemNow,
): WebSocketConnection {
  return new SocketConnection(socket, ws, join, onTrouble, now);
}

/** A class, because there are thousands of them that do nothing: each function would be memory of each. */
class SocketConnection implements WebSocketConnection {
  readonly #socket: Duplex;
  readonly #ws: WebSocket;
  readonly #join: JoinMessages;
  readonly #onTrouble: (reason: string) => void;
  readonly #now: () => number;
  /** Whole messages of this turn. */
  #waiting: Uint8Array[] = NOTHING;
  #waitingBytes = 0;
  /** When the first of the last messages of a turn was written. */
  #wroteAt = Number.NEGATIVE_INFINITY;
  #corked = false;
  #behind = false;
  #answered = true;
  #onText: (text: string) => void = NOBODY;
  #onBytes: (message: Uint8Array) => void = NOBODY;
  // Of one or two listeners each, and no room for more (`concat`): a list that grows by itself takes room for seventeen.
  #drainListeners: readonly (() => void)[] = NOTHING;
  #closeListeners: readonly (() => void)[] = NOTHING;

  constructor(
    socket: Duplex,
    ws: WebSocket,
    join: JoinMessages,
    onTrouble: (reason: string) => void,
    now: () => number,
  ) {
    this.#socket = socket;
    this.#ws = ws;
    this.#join = join;
    this.#onTrouble = onTrouble;
    this.#now = now;
    const pinger = setInterval(() => this.#ping(), PING_MS);
    pinger.unref();
    ws.on('pong', () => {
      this.#answered = true;
    });
    ws.on('message', (data, isBinary) => this.#receive(messageBytes(data), isBinary));
    socket.on('drain', () => this.#drained());
    ws.on('close', () => {
      clearInterval(pinger);
      for (const listener of this.#closeListeners) listener();
    });
    // A broken socket also closes; there is nothing to do about it before that.
    ws.on('error', (error: Error & { readonly code?: string }) => {
      onTrouble(error.code ?? 'broken');
      ws.terminate();
    });
  }

  #ping(): void {
    if (!this.#answered) {
      this.#onTrouble('silent');
      this.#ws.terminate();
      return;
    }
    this.#answered = false;
    this.#ws.ping();
  }

  #receive(message: Uint8Array, isBinary: boolean): void {
    this.#answered = true;
    if (isBinary) this.#onBytes(message);
    else this.#onText(new TextDecoder().decode(message));
  }

  #drained(): void {
    if (!this.#behind) return;
    this.#behind = false;
    for (const listener of this.#drainListeners) listener();
  }

  get #isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    queueMicrotask(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #flush(): void {
    const messages = this.#waiting;
    if (messages.length === 0) return;
    this.#waiting = NOTHING;
    this.#waitingBytes = 0;
    if (!this.#isOpen) return;
    const joined = this.#join(messages);
    if (joined !== undefined) {
      this.#socket.write(joined);
      return;
    }
    this.#cork();
    for (const message of messages) this.#socket.write(message);
  }

  behind(): boolean {
    this.#behind ||= this.waiting() > LIMITS.socketBacklogBytesMax;
    return this.#behind;
  }

  bytes(message: Uint8Array): void {
    this.write(webSocketMessage(message));
  }

  onText(listener: (text: string) => void): void {
    this.#onText = listener;
  }

  onBytes(listener: (message: Uint8Array) => void): void {
    this.#onBytes = listener;
  }

  write(message: Uint8Array): void {
    if (!this.#isOpen) return;
    if (this.#waiting.length > 0) {
      this.#waiting.push(message);
    } else {
      const at = this.#now();
      const isQuiet = at - this.#wroteAt > QUIET_MS;
      this.#wroteAt = at;
      if (isQuiet) return void this.#socket.write(message);
      queueMicrotask(() => this.#flush());
      this.#waiting = [message];
    }
    this.#waitingBytes += message.length;
  }

  text(json: unknown): void {
    this.rawText(JSON.stringify(json));
  }

  rawText(text: string): void {
    if (!this.#isOpen) return;
    this.#flush();
    this.#cork();
    this.#ws.send(text);
  }

  waiting(): number {
    return this.#socket.writableLength + this.#waitingBytes;
  }

  onDrain(listener: () => void): void {
    this.#drainListeners = this.#drainListeners.concat(listener);
  }

  onClose(listener: () => void): void {
    this.#closeListeners = this.#closeListeners.concat(listener);
  }

  async ready(signal: AbortSignal): Promise<void> {
    const socket = this.#socket;
    while (socket.writableLength > DRAINED_BYTES && !signal.aborted && this.#isOpen) {
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
  }

  refuse(failure: Failure): void {
    this.#onTrouble(failure.code);
    this.close(CLOSE_CODES[failure.code] ?? INTERNAL_ERROR, `${failure.code}: ${failure.message}`);
  }

  close(code: number, reason: string): void {
    let text = reason;
    while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1);
    this.#flush();
    this.#ws.close(code, text);
  }
}
