/**
 * Whole messages on a libp2p stream, which carries bytes: the one place that reads or writes one.
 *
 *   message := varUint(length × 2 + 1 if it is text) bytes
 *
 * A message is handed on in the turn it is complete, or once its sender may have another one looked at (`admit`).
 * While one waits nothing is read: the sender finds the window of the stream closed, and what is gathered here is that
 * window and the message that is coming. What waits to be written is bounded by whoever asks `behind`.
 */
import type { Stream } from '@libp2p/interface';
import { Failure, LIMITS } from '@markco/protocol';
import type { MessageStream } from '@markco/protocol/message-stream';

/** Messages of one turn that come before there is a listener; more is a fault of this program. */
const EARLY_MAX = 1_000;
const HEADER_BYTES_MAX = 5;
/** Longer than any timer: a quiet stream is as good as a busy one, and a dead peer is noticed by its connection. */
const NEVER_MS = 2 ** 31 - 1;

/** Memory that is not cleared, where there is such: every byte of it is written before it is read. */
export type Allocate = (length: number) => Uint8Array;

export type MessageStreamOptions = {
  /** The largest message that is taken; a larger one ends the stream. */
  readonly bytesMax?: number | undefined;
  /** Milliseconds until a message of so many bytes may be looked at. */
  readonly admit?: (bytes: number) => number;
  /** A message could not be read, or is larger than there may be. */
  readonly onUnreadable?: () => void;
  readonly allocate?: Allocate;
};

export function messageStream(
  stream: Stream,
  {
    bytesMax = LIMITS.messageBytesMax,
    admit = () => 0,
    onUnreadable = () => undefined,
    allocate = cleared,
  }: MessageStreamOptions = {},
): MessageStream {
  const reader = createReader(bytesMax, allocate);
  const chunks: Uint8Array[] = [];
  let coming: Iterator<Uint8Array | string, void> = reader(new Uint8Array());
  let next: Uint8Array | string | undefined;
  let waits: ReturnType<typeof setTimeout> | undefined;
  let isResuming = false;
  let isEnding = false;
  const early: (Uint8Array | string)[] = [];
  const drainListeners: (() => void)[] = [];
  const closeListeners: ((why: Failure | null) => void)[] = [];
  let onMessage = (message: Uint8Array | string): void => {
    if (early.push(message) > EARLY_MAX) stream.abort(new Error('nobody listens'));
  };
  let ended: { readonly why: Failure | null } | null = null;
  let refused: Failure | null = null;
  stream.inactivityTimeout = NEVER_MS;

  function end(why: Failure | null): void {
    if (ended !== null) return;
    ended = { why };
    for (const listener of closeListeners) listener(why);
  }

  function abort(why: Failure): void {
    if (why.code === 'bad_request' || why.code === 'too_large') onUnreadable();
    refused = why;
    stream.abort(why);
  }

  /** One at a time, so that a chunk of very many small ones costs no more memory than its bytes. */
  function read(): Uint8Array | string | undefined {
    for (;;) {
      const { value } = coming.next();
      if (value !== undefined) return value;
      const chunk = chunks.shift();
      if (chunk === undefined) return undefined;
      coming = reader(chunk);
    }
  }

  /** Hands on what has come, as far as its sender may have it looked at now. */
  function handOn(): void {
    waits = undefined;
    try {
      for (;;) {
        for (next ??= read(); next !== undefined && ended === null; next = read()) {
          const waitMs = admit(next.length);
          if (waitMs > 0) {
            if (stream.readStatus === 'readable') stream.pause();
            waits = setTimeout(handOn, waitMs);
            return;
          }
          onMessage(next);
        }
        if (stream.readStatus !== 'paused') break;
        // What comes while it resumes is looked at afterwards: the window is opened last, whatever was paused meanwhile.
        isResuming = true;
        stream.resume();
        isResuming = false;
      }
    } catch (error) {
      abort(Failure.from(error));
    }
    if (isEnding) finish();
  }

  function finish(): void {
    stream.close().catch(() => stream.abort(new Error('it could not be closed')));
  }

  stream.addEventListener('message', ({ data }) => {
    chunks.push(...(data instanceof Uint8Array ? [data] : data));
    if (waits === undefined && !isResuming) handOn();
  });
  stream.addEventListener('drain', () => {
    for (const listener of drainListeners) listener();
  });
  // Half open is of no use to messages: who says no more has left.
  const leave = (): void => {
    isEnding = true;
    // What it said before is looked at first.
    if (waits === undefined) finish();
  };
  stream.addEventListener('remoteCloseWrite', leave);
  stream.addEventListener('close', ({ error }) => {
    clearTimeout(waits);
    end(refused ?? (error === undefined ? null : new Failure('not_ready', 'The connection broke.', { cause: error })));
  });

  // It may have ended before anybody could listen.
  if (stream.status !== 'open' && stream.status !== 'closing') end(new Failure('not_ready', 'The connection broke.'));
  // The other side may have left by then, and waits until this one does: once what it said has been handed on.
  else if (stream.remoteWriteStatus === 'closed') setTimeout(leave);

  function send(payload: Uint8Array, isText: boolean): void {
    if (ended !== null || stream.writeStatus !== 'writable') return;
    try {
      stream.send(withHeader(payload, isText, allocate));
    } catch (error) {
      // The connection below may have broken without this stream having heard of it yet, as when both end in one turn.
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  return {
    sendBytes: (message) => send(message, false),
    sendText: (text) => send(new TextEncoder().encode(text), true),
    waiting: () => stream.writeBufferLength,
    onMessage(listener) {
      onMessage = listener;
      for (const message of early.splice(0)) listener(message);
    },
    onDrain: (listener) => void drainListeners.push(listener),
    onClose(listener) {
      if (ended !== null) listener(ended.why);
      else closeListeners.push(listener);
    },
    close: finish,
    abort,
  };
}

function withHeader(payload: Uint8Array, isText: boolean, allocate: Allocate): Uint8Array {
  let rest = payload.length * 2 + (isText ? 1 : 0);
  const header: number[] = [];
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) header.push((rest % 0x80) | 0x80);
  header.push(rest);
  const bytes = allocate(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

const cleared: Allocate = (length) => new Uint8Array(length);

/** Takes chunks in as they come, each to its end; gives the messages that each completes. Throws at one that is larger than allowed. */
export function createReader(
  bytesMax: number,
  allocate: Allocate = cleared,
): (chunk: Uint8Array) => Generator<Uint8Array | string, void> {
  const header: number[] = [];
  let body: { readonly bytes: Uint8Array; readonly isText: boolean; filled: number } | null = null;

  function begin(byte: number): void {
    header.push(byte);
    if ((byte & 0x80) !== 0) {
      if (header.length >= HEADER_BYTES_MAX) throw new Failure('bad_request', 'A message could not be read.');
      return;
    }
    const value = header.reduceRight((sum, part) => sum * 0x80 + (part & 0x7f), 0);
    header.length = 0;
    const length = Math.floor(value / 2);
    if (length > bytesMax) throw new Failure('too_large', `A message is at most ${bytesMax} bytes here.`);
    body = { bytes: allocate(length), isText: value % 2 === 1, filled: 0 };
  }

  return function* (chunk) {
    for (let at = 0; at < chunk.length || body?.bytes.length === body?.filled;) {
      if (body === null) {
        if (at >= chunk.length) break;
        begin(chunk[at++] ?? 0);
        continue;
      }
      const part = chunk.subarray(at, at + body.bytes.length - body.filled);
      body.bytes.set(part, body.filled);
      body.filled += part.length;
      at += part.length;
      if (body.filled < body.bytes.length) break;
      const { bytes, isText } = body;
      body = null;
      yield isText ? new TextDecoder().decode(bytes) : bytes;
    }
  };
}
