/**
 * `WS /api/stream` and its like between devices: everything one client wants, on one connection. Text frames are requests and answers as JSON,
 * binary frames are many documents (`sync/channel.ts` of the protocol has the bytes).
 */
import {
  CONTROL_CHANNEL,
  decodeEntries,
  decodeToDevice,
  encodeEntries,
  encodeToClient,
  Failure,
  LIMITS,
  NO_DIGEST,
  sameBytes,
  StreamRequestSchema,
  type DocumentId,
  type Entry,
  type Opening,
  type ProjectId,
  type Run,
  type RunEvent,
  type RunId,
  type RunRequest,
  type SessionId,
  type StreamAnswer,
  type StreamRequest,
} from '@markco/protocol';
import type { Rooms } from '../documents/rooms.ts';
import type { Connection } from './connection.ts';
import { joinDocument, type DocumentMember, type DocumentTiming } from './document-member.ts';

export type StreamParts = {
  readonly rooms: Rooms;
  /** A document that its client has as it is here is loaded only once something happens to it. */
  readonly sleeps?: boolean;
  /** What it writes to this document is not looked at. */
  readonly isReadOnly?: (id: DocumentId) => boolean;
  readonly timing: DocumentTiming;
  /** Why this document cannot be opened, or undefined. */
  readonly refusal: (id: DocumentId) => Failure | undefined;
  readonly submit: (request: RunRequest) => Promise<Run>;
  readonly follow: (runId: RunId, fromSeq: number, signal: AbortSignal) => AsyncIterable<RunEvent>;
  /** Fails with `not_found`. */
  readonly run: (runId: RunId) => Promise<Run>;
  readonly answer: (runId: RunId, text: string) => Promise<Run>;
  readonly cancel: (runId: RunId) => Promise<Run>;
  readonly interrupt: (sessionId: SessionId) => Promise<unknown>;
  readonly watch: (
    projectId: ProjectId,
    tell: (change: Omit<Extract<StreamAnswer, { projectId: ProjectId }>, 'ref'>) => void,
  ) => () => void;
};

/** Runs and projects one socket may follow at once. */
const FOLLOWS_MAX = 1_000;
/** Documents of one hello that are loaded at once; the others wait their turn. */
const LOADS_AT_ONCE = 32;

export function serveStream(connection: Connection, parts: StreamParts): void {
  const channels = new Map<number, DocumentMember>();
  const follows = new Map<RunId, AbortController>();
  const watches = new Map<ProjectId, () => void>();
  const closed = new AbortController();
  /** Entries of this turn; they leave as one message. */
  let entries: Entry[] = [];
  let equal: number[] = [];

  function planFlush(): void {
    if (entries.length + equal.length > 0) return;
    queueMicrotask(() => {
      if (equal.length > 0)
        entries.push({ channel: CONTROL_CHANNEL, payload: encodeToClient({ type: 'equal', channels: equal }) });
      connection.bytes(encodeEntries(entries));
      entries = [];
      equal = [];
    });
  }

  function send(channel: number, payload: Uint8Array): void {
    planFlush();
    entries.push({ channel, payload });
  }

  function fail(channel: number, failure: Failure): void {
    channels.get(channel)?.leave();
    channels.delete(channel);
    send(CONTROL_CHANNEL, encodeToClient({ type: 'failed', channel, code: failure.code, message: failure.message }));
  }

  /** Resolves when the document has been answered or refused. */
  function open({ channel, documentId, digest }: Opening): Promise<void> {
    if (channel === CONTROL_CHANNEL || channels.has(channel)) {
      fail(channel, new Failure('bad_request', `Channel ${channel} is in use.`));
      return Promise.resolve();
    }
    if (channels.size >= LIMITS.channelsPerSocketMax) {
      fail(channel, new Failure('too_many', 'Too many documents are open on this connection. Close some.'));
      return Promise.resolve();
    }
    const refusal = parts.refusal(documentId);
    if (refusal !== undefined) {
      fail(channel, refusal);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      let isToldEqual = false;
      const tellEqual = (): void => {
        isToldEqual = true;
        planFlush();
        equal.push(channel);
        resolve();
      };
      const member = joinDocument({
        ...(parts.sleeps === true ? { sleep: { digest, slept: tellEqual } } : {}),
        rooms: parts.rooms,
        timing: parts.timing,
        documentId,
        readOnly: parts.isReadOnly?.(documentId) === true,
        write(frame) {
          if (connection.behind()) return false;
          send(channel, frame.payload);
          return true;
        },
        refuse(failure) {
          fail(channel, failure);
          resolve();
        },
        welcome(room, joined) {
          if (sameBytes(digest, room.digest)) {
            // "Equal" promises that it is on disk. It is said once: it would count what was written since as saved.
            if (!isToldEqual) void room.durable().then(tellEqual);
            return;
          }
          room.greet(joined);
          if (isToldEqual || sameBytes(digest, NO_DIGEST)) room.sendAll(joined);
          resolve();
        },
      });
      channels.set(channel, member);
    });
  }

  async function openAll(openings: readonly Opening[]): Promise<void> {
    const waiting = [...openings];
    const next = async (): Promise<void> => {
      for (let opening = waiting.shift(); opening !== undefined && !closed.signal.aborted; opening = waiting.shift())
        await open(opening);
    };
    await Promise.all(Array.from({ length: LOADS_AT_ONCE }, next));
  }

  function receiveBinary(message: Uint8Array): void {
    for (const { channel, payload } of decodeEntries(message)) {
      if (channel !== CONTROL_CHANNEL) {
        channels.get(channel)?.receive(payload);
        continue;
      }
      const control = decodeToDevice(payload);
      if (control.type === 'open') void openAll(control.openings);
      else if (control.type === 'close') {
        for (const closing of control.channels) {
          channels.get(closing)?.leave();
          channels.delete(closing);
        }
      }
    }
  }

  async function follow(runId: RunId, fromSeq: number): Promise<void> {
    follows.get(runId)?.abort();
    const stop = new AbortController();
    follows.set(runId, stop);
    const signal = AbortSignal.any([stop.signal, closed.signal]);
    for await (const event of parts.follow(runId, fromSeq, signal)) {
      if (signal.aborted) return;
      connection.text({ runId, event });
      await connection.ready(signal);
    }
    if (signal.aborted) return;
    const ended = await parts.run(runId);
    // Followed anew from an earlier place it has not ended for whoever reads.
    if (signal.aborted) return;
    follows.delete(runId);
    connection.text({ runId, ended });
  }

  async function handle(request: StreamRequest): Promise<StreamAnswer> {
    const { ref } = request;
    switch (request.op) {
      case 'submit': {
        const { op: _, ref: __, ...submission } = request;
        return { ref, run: await parts.submit(submission) };
      }
      case 'follow':
        if (follows.size >= FOLLOWS_MAX)
          throw new Failure('too_many', 'Too many runs are followed on this connection. Close some.');
        // Asked before it is said to be followed: a request has one answer.
        await parts.run(request.runId);
        void follow(request.runId, request.fromSeq ?? 0).catch((error: unknown) =>
          connection.text({ runId: request.runId, error: Failure.from(error).toBody().error }),
        );
        return { ref, ok: true };
      case 'unfollow':
        follows.get(request.runId)?.abort();
        follows.delete(request.runId);
        return { ref, ok: true };
      case 'input':
        return { ref, run: await parts.answer(request.runId, request.text) };
      case 'cancel':
        return { ref, run: await parts.cancel(request.runId) };
      case 'interrupt':
        await parts.interrupt(request.sessionId);
        return { ref, ok: true };
      case 'watch':
        if (watches.size >= FOLLOWS_MAX)
          throw new Failure('too_many', 'Too many projects are watched on this connection. Close some.');
        watches.get(request.projectId)?.();
        watches.set(
          request.projectId,
          parts.watch(request.projectId, (change) => connection.text(change)),
        );
        return { ref, ok: true };
      case 'unwatch':
        watches.get(request.projectId)?.();
        watches.delete(request.projectId);
        return { ref, ok: true };
    }
  }

  async function receiveText(text: string): Promise<void> {
    let ref: unknown;
    try {
      if (Buffer.byteLength(text) > LIMITS.jsonBytesMax) throw new Failure('too_large', 'A request is at most 2 MiB.');
      const json: unknown = parseJson(text);
      if (typeof json === 'object' && json !== null && 'ref' in json) ref = json.ref;
      const parsed = StreamRequestSchema.safeParse(json);
      if (!parsed.success)
        throw new Failure(
          'bad_request',
          `The request is not understood: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}.`,
        );
      connection.text(await handle(parsed.data));
    } catch (error) {
      connection.text({ ref, ...Failure.from(error).toBody() });
    }
  }

  connection.onText((text) => void receiveText(text));
  connection.onBytes((message) => {
    try {
      receiveBinary(message);
    } catch (cause) {
      connection.refuse(new Failure('bad_request', 'A message could not be read.', { cause }));
    }
  });
  connection.onDrain(() => {
    for (const member of channels.values()) member.caughtUp();
  });
  connection.onClose(() => {
    closed.abort();
    for (const member of channels.values()) member.leave();
    for (const stop of watches.values()) stop();
    channels.clear();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure('bad_request', 'The request is no JSON.', { cause });
  }
}
