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
import type { ConnectedWebSocket, Heard } from './connected-web-socket.ts';
import type { JoinMessages } from './join-messages.ts';
import { messageBytes } from './message.ts';
import type { Pinged } from './pings.ts';
import type { Flushed } from './turn-end.ts';

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

const NOBODY = (): void => undefined;
/** Of whoever has none; never written to. */
const NOTHING: never[] = [];

/** The same for all connections of one listener. */
export type Connections<Kind extends string> = {
  readonly open: Set<OpenConnection>;
  readonly join: JoinMessages;
  /** Has each flushed once, at the end of this turn. */
  readonly atTurnEnd: (one: Flushed) => void;
  /** Told of each connection that was refused or broke off, with why. */
  readonly onTrouble: (reason: string) => void;
  readonly onClose: (kind: Kind) => void;
  /** The turn in which a further one is asked whether it is there. */
  readonly nextPing: () => number;
  /** Milliseconds that never go back. */
  readonly now: () => number;
};

/** What whoever listens can do with each. */
export type OpenConnection = Pinged & {
  close(code: number, reason: string): void;
  /** Ends it without a farewell. */
  cut(): void;
};

/** @param kind what `onClose` is told */
export function createConnection<Kind extends string>(
  socket: Duplex,
  ws: ConnectedWebSocket,
  all: Connections<Kind>,
  kind: Kind,
): WebSocketConnection {
  const connection = new SocketConnection(socket, ws, all, kind);
  ws.connection = connection;
  all.open.add(connection);
  ws.on('pong', onPong);
  ws.on('message', onMessage);
  ws.on('close', onClose);
  ws.on('error', onError);
  return connection;
}

function onPong(this: ConnectedWebSocket): void {
  this.connection?.heard();
}

function onMessage(this: ConnectedWebSocket, data: RawData, isBinary: boolean): void {
  this.connection?.received(messageBytes(data), isBinary);
}

function onClose(this: ConnectedWebSocket): void {
  this.connection?.closed();
}

/** A broken socket also closes; there is nothing to do about it before that. */
function onError(this: ConnectedWebSocket, error: Error & { readonly code?: string }): void {
  this.connection?.broke(error.code ?? 'broken');
}

/** A class, because there are thousands of them that do nothing: each function would be memory of each. */
class SocketConnection<Kind extends string> implements WebSocketConnection, OpenConnection, Flushed, Heard {
  readonly pingTurn: number;
  readonly #socket: Duplex;
  readonly #ws: WebSocket;
  readonly #all: Connections<Kind>;
  readonly #kind: Kind;
  /** Whole messages of this turn: the first, and the others. */
  #first: Uint8Array | undefined;
  #others: Uint8Array[] = NOTHING;
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

  constructor(socket: Duplex, ws: WebSocket, all: Connections<Kind>, kind: Kind) {
    this.pingTurn = all.nextPing();
    this.#socket = socket;
    this.#ws = ws;
    this.#all = all;
    this.#kind = kind;
  }

  /** Asks whether it is still there, and ends it when it has not answered the last time. */
  ping(): void {
    if (!this.#answered) return this.broke('silent');
    this.#answered = false;
    this.#ws.ping();
  }

  heard(): void {
    this.#answered = true;
  }

  broke(reason: string): void {
    this.#all.onTrouble(reason);
    this.cut();
  }

  cut(): void {
    this.#ws.terminate();
  }

  closed(): void {
    this.#all.open.delete(this);
    for (const listener of this.#closeListeners) listener();
    this.#all.onClose(this.#kind);
  }

  received(message: Uint8Array, isBinary: boolean): void {
    this.heard();
    if (isBinary) this.#onBytes(message);
    else this.#onText(new TextDecoder().decode(message));
  }

  #drained(): void {
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

  flush(): void {
    const first = this.#first;
    if (first === undefined) return;
    const others = this.#others;
    this.#first = undefined;
    this.#others = NOTHING;
    this.#waitingBytes = 0;
    if (!this.#isOpen) return;
    if (others.length === 0) return void this.#socket.write(first);
    const messages = [first, ...others];
    const joined = this.#all.join(messages);
    if (joined !== undefined) {
      this.#socket.write(joined);
      return;
    }
    this.#cork();
    for (const message of messages) this.#socket.write(message);
  }

  behind(): boolean {
    if (!this.#behind && this.waiting() > LIMITS.socketBacklogBytesMax) {
      this.#behind = true;
      this.#socket.once('drain', () => this.#drained());
    }
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
    if (this.#first !== undefined) {
      if (this.#others.length === 0) this.#others = [message];
      else this.#others.push(message);
    } else {
      const at = this.#all.now();
      const isQuiet = at - this.#wroteAt > QUIET_MS;
      this.#wroteAt = at;
      if (isQuiet) return void this.#socket.write(message);
      this.#all.atTurnEnd(this);
      this.#first = message;
    }
    this.#waitingBytes += message.length;
  }

  text(json: unknown): void {
    this.rawText(JSON.stringify(json));
  }

  rawText(text: string): void {
    if (!this.#isOpen) return;
    this.flush();
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
    this.#all.onTrouble(failure.code);
    this.close(CLOSE_CODES[failure.code] ?? INTERNAL_ERROR, `${failure.code}: ${failure.message}`);
  }

  close(code: number, reason: string): void {
    let text = reason;
    while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1);
    this.flush();
    this.#ws.close(code, text);
  }
}
