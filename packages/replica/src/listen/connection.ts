/**
 * A connection that carries whole messages, and its kind over one WebSocket, written to so that many frames of one turn are one write, and a slow reader costs no memory.
 *
 * Document frames are written to the socket as whole WebSocket messages that all their receivers share; `ws` reads,
 * answers pings and closes. Compression is off, so both write whole messages and never into each other's.
 */
import { LIMITS, type Failure } from '@markco/protocol';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { webSocketMessage } from '../documents/out-frame.ts';
import type { JoinMessages } from './join-messages.ts';
import { messageBytes } from './message.ts';
import type { OpenSocket, OpenSockets } from './open-sockets.ts';

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
/** After so long without one, a document frame is written at once, and waits for no others of its turn. */
const QUIET_MS = 2;

export type ConnectionParts = {
  readonly open: Pick<OpenSockets, 'add' | 'delete'>;
  readonly join: JoinMessages;
  /** Told of each connection that was refused or broke off, with why. */
  readonly onTrouble: (reason: string) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
};

const NOBODY = (): void => undefined;

/** @param parts the same for all connections */
export function createConnection(socket: Duplex, ws: WebSocket, parts: ConnectionParts): WebSocketConnection {
  return new SocketConnection(socket, ws, parts);
}

/** A class, because there are ten thousand of them that do nothing: each method would be memory of each. */
class SocketConnection implements WebSocketConnection, OpenSocket {
  readonly #socket: Duplex;
  readonly #ws: WebSocket;
  readonly #parts: ConnectionParts;
  /** Whole messages of this turn. */
  #waiting: Uint8Array[] | undefined;
  #waitingBytes = 0;
  /** When the first of the last messages of a turn was written. */
  #wroteAt = Number.NEGATIVE_INFINITY;
  #corked = false;
  #behind = false;
  #answered = true;
  #onText: (text: string) => void = NOBODY;
  #onBytes: (message: Uint8Array) => void = NOBODY;
  #onDrain: readonly (() => void)[] = [];
  #onClose: readonly (() => void)[] = [];

  constructor(socket: Duplex, ws: WebSocket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#ws = ws;
    this.#parts = parts;
    parts.open.add(this);
    ws.on('pong', () => {
      this.#answered = true;
    });
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('drain', () => {
      if (!this.#behind) return;
      this.#behind = false;
      for (const listener of this.#onDrain) listener();
    });
    ws.on('close', () => {
      parts.open.delete(this);
      for (const listener of this.#onClose) listener();
    });
    // A broken socket also closes; there is nothing to do about it before that.
    ws.on('error', (error: Error & { readonly code?: string }) => {
      parts.onTrouble(error.code ?? 'broken');
      this.end();
    });
  }

  ask(): void {
    if (!this.#answered) {
      this.#parts.onTrouble('silent');
      this.end();
      return;
    }
    this.#answered = false;
    this.#ws.ping();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#answered = true;
    const message = messageBytes(data);
    if (isBinary) this.#onBytes(message);
    else this.#onText(new TextDecoder().decode(message));
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
    if (messages === undefined) return;
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    if (!this.#isOpen) return;
    const joined = this.#parts.join(messages);
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

  write(message: Uint8Array): void {
    if (!this.#isOpen) return;
    if (this.#waiting === undefined) {
      const at = this.#parts.now();
      const isQuiet = at - this.#wroteAt > QUIET_MS;
      this.#wroteAt = at;
      if (isQuiet) return void this.#socket.write(message);
      this.#waiting = [];
      queueMicrotask(() => this.#flush());
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
  }

  bytes(message: Uint8Array): void {
    this.write(webSocketMessage(message));
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

  onText(listener: (text: string) => void): void {
    this.#onText = listener;
  }

  onBytes(listener: (message: Uint8Array) => void): void {
    this.#onBytes = listener;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = [...this.#onDrain, listener];
  }

  onClose(listener: () => void): void {
    this.#onClose = [...this.#onClose, listener];
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
    this.#parts.onTrouble(failure.code);
    this.close(CLOSE_CODES[failure.code] ?? INTERNAL_ERROR, `${failure.code}: ${failure.message}`);
  }

  close(code: number, reason: string): void {
    let text = reason;
    while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1);
    this.#flush();
    this.#ws.close(code, text);
  }

  end(): void {
    this.#ws.terminate();
  }
}
