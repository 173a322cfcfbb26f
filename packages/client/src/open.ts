/** Puts a client together: one socket, many documents, runs that are followed across dropped connections. */
import {
  CONTROL_CHANNEL,
  decodeEntries,
  decodeToClient,
  encodeEntries,
  encodeToDevice,
  Failure,
  FAILURE_STATUS,
  newId,
  SHARE_QUERY,
  SOCKET_ROUTES,
  StreamAnswerSchema,
  type DocumentId,
  type Entry,
  type FailureBody,
  type FailureCode,
  type Opening,
  type ProjectId,
  type Run,
  type RunId,
  type StreamAnswer,
  type StreamRequest,
} from '@markco/protocol';
import { createApi } from './api.ts';
import type { Client, OpenDocument, ProjectChange, RunFollower } from './client.ts';
import type { Copies } from './documents/copies.ts';
import { createReplica, type Replica } from './documents/replica.ts';
import { createReconnecting, type Socket } from './socket.ts';

export type ClientParts = {
  /** `http://localhost:7717`; for the page its own origin. */
  readonly origin: string;
  /** Absent in the page, whose cookie does the job. */
  readonly token?: string;
  /** Of a guest: the link that it came by. */
  readonly share?: string;
  readonly webSocket: (url: string) => Socket;
  readonly fetch: typeof fetch;
  /** Absent: nothing is kept here. */
  readonly copies?: Copies;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
};

/** `known`: the own copy was looked at, so it can be said what is lacking. */
type Held = { readonly replica: Replica; readonly channel: number; users: number; known: boolean };
type Asked = {
  readonly request: StreamRequest;
  readonly again: boolean;
  resolve(answer: StreamAnswer): void;
  reject(failure: Failure): void;
};
type Followed = { nextSeq: number; readonly follower: RunFollower };

export function openClient(parts: ClientParts): Client {
  const api = createApi(parts);
  const held = new Map<DocumentId, Held>();
  const byChannel = new Map<number, Held>();
  const asked = new Map<number, Asked>();
  const follows = new Map<RunId, Set<Followed>>();
  const watches = new Map<ProjectId, Set<(change: ProjectChange) => void>>();
  let nextChannel = 1;
  let nextRef = 1;
  let entries: Entry[] = [];

  const url = addressOf(parts);

  const socket = createReconnecting({
    connect: () => parts.webSocket(url),
    refused: () =>
      api(parts.share === undefined ? 'device' : 'joined', {}).then(
        () => false,
        (error: unknown) => error instanceof Failure && (error.code === 'unauthorized' || error.code === 'forbidden'),
      ),
    now: parts.now,
    chance: () => (parts.randomBytes(1)[0] ?? 0) / 256,
    onOpen() {
      entries = [];
      openOnDevice([...held.values()].filter(({ known }) => known));
      for (const [ref, { request }] of asked) socket.send(JSON.stringify({ ...request, ref }));
      for (const [runId, followers] of follows) sendFollow(runId, followers);
      for (const projectId of watches.keys()) void ask({ op: 'watch', projectId }, false).catch(() => {});
    },
    onClose() {
      for (const { replica } of held.values()) replica.disconnected();
      for (const [ref, one] of asked) {
        if (one.again) continue;
        asked.delete(ref);
        one.reject(new Failure('not_ready', 'The connection to the device broke. Try again.', { retryable: true }));
      }
    },
    onText: receiveText,
    onBytes: receiveBytes,
  });

  function send(channel: number, payload: Uint8Array): void {
    if (!socket.isOpen()) return;
    if (entries.length === 0) {
      queueMicrotask(() => {
        const message = encodeEntries(entries);
        entries = [];
        socket.send(message);
      });
    }
    entries.push({ channel, payload });
  }

  function openOnDevice(opened: readonly Held[]): void {
    if (opened.length === 0 || !socket.isOpen()) return;
    const openings: Opening[] = opened.map(({ replica, channel }) => ({
      channel,
      documentId: replica.documentId,
      digest: replica.digest(),
    }));
    send(CONTROL_CHANNEL, encodeToDevice({ type: 'open', openings }));
    for (const { replica, channel } of opened) replica.connected({ send: (frame) => send(channel, frame) });
  }

  function receiveBytes(message: Uint8Array): void {
    for (const { channel, payload } of decodeEntries(message)) {
      if (channel !== CONTROL_CHANNEL) {
        byChannel.get(channel)?.replica.receive(payload);
        continue;
      }
      const control = decodeToClient(payload);
      if (control.type === 'equal') {
        for (const equal of control.channels) byChannel.get(equal)?.replica.equal();
      } else if (control.type === 'failed') {
        byChannel.get(control.channel)?.replica.failed({ code: knownCode(control.code), message: control.message });
      }
    }
  }

  function receiveText(text: string): void {
    const parsed = StreamAnswerSchema.safeParse(JSON.parse(text));
    // An answer of a later version is passed over.
    if (!parsed.success) return;
    const answer = parsed.data;
    if ('event' in answer) {
      for (const followed of follows.get(answer.runId) ?? []) {
        if (answer.event.seq !== followed.nextSeq) continue;
        followed.nextSeq++;
        followed.follower.onEvent(answer.event);
      }
      return;
    }
    if ('error' in answer && answer.runId !== undefined) {
      if (isAskedAnew(answer.runId)) return;
      giveUp(answer.runId, { code: knownCode(answer.error.code), message: answer.error.message });
      return;
    }
    if ('ended' in answer) {
      if (isAskedAnew(answer.runId)) return;
      const followers = [...(follows.get(answer.runId) ?? [])];
      follows.delete(answer.runId);
      for (const { follower } of followers) follower.onEnd(answer.ended);
      return;
    }
    if ('projectId' in answer) {
      const { ref: _, ...change } = answer;
      for (const tell of watches.get(answer.projectId) ?? []) tell(change as ProjectChange);
      return;
    }
    const one = typeof answer.ref === 'number' ? asked.get(answer.ref) : undefined;
    if (one === undefined || typeof answer.ref !== 'number') return;
    asked.delete(answer.ref);
    if ('error' in answer) one.reject(new Failure(knownCode(answer.error.code), answer.error.message));
    else one.resolve(answer);
  }

  /** @param again whether it may be sent a second time after a dropped connection */
  function ask(request: StreamRequest, again: boolean, signal?: AbortSignal): Promise<StreamAnswer> {
    return new Promise((resolve, reject) => {
      if (!again && !socket.isOpen()) {
        reject(
          new Failure('not_ready', 'This device does not answer now. Try again when it does.', { retryable: true }),
        );
        return;
      }
      const ref = nextRef++;
      asked.set(ref, { request, again, resolve, reject });
      signal?.addEventListener('abort', () => {
        if (asked.delete(ref)) reject(new Failure('not_ready', 'It was given up before the device answered.'));
      });
      socket.send(JSON.stringify({ ...request, ref }));
    });
  }

  /** What is asked once only waits for the try that is under way: the device may be back in this moment. */
  async function askOnce(request: StreamRequest): Promise<StreamAnswer> {
    await socket.tried();
    return ask(request, false);
  }

  async function askRun(answered: Promise<StreamAnswer>): Promise<Run> {
    const answer = await answered;
    if (!('run' in answer) || answer.run === undefined)
      throw new Failure('internal', 'The device answered in a form this version does not know. Upgrade both.');
    return answer.run;
  }

  /** Another follower needs what came before: the end that comes meanwhile is not its end. */
  const isAskedAnew = (runId: RunId): boolean =>
    [...asked.values()].some(({ request }) => request.op === 'follow' && request.runId === runId);

  function sendFollow(runId: RunId, followers: ReadonlySet<Followed>): void {
    const fromSeq = Math.min(...[...followers].map((followed) => followed.nextSeq));
    ask({ op: 'follow', runId, fromSeq }, false).catch((error: unknown) => {
      // It is asked for again once the socket is open.
      if (error instanceof Failure && error.retryable && !socket.isOpen()) return;
      if (follows.get(runId) === followers) giveUp(runId, Failure.from(error).toBody().error);
    });
  }

  /** The device cannot go on with a run: nothing more of it comes. */
  function giveUp(runId: RunId, error: FailureBody['error']): void {
    const followers = [...(follows.get(runId) ?? [])];
    follows.delete(runId);
    for (const { follower } of followers) follower.onError?.(error);
  }

  return {
    connection: socket.connection,
    api,

    openDocument({ projectId, documentId }): OpenDocument {
      let document = held.get(documentId);
      if (document === undefined) {
        const replica = createReplica({ projectId, documentId, copies: parts.copies, now: parts.now });
        const made: Held = { replica, channel: nextChannel++, users: 0, known: false };
        document = made;
        held.set(documentId, made);
        byChannel.set(made.channel, made);
        void (replica.copyLoaded ?? Promise.resolve()).then(() => {
          if (held.get(documentId) !== made) return;
          made.known = true;
          openOnDevice([made]);
        });
      }
      const opened = document;
      opened.users++;
      let closed = false;
      return {
        ...opened.replica,
        close() {
          if (closed) return;
          closed = true;
          opened.users--;
          if (opened.users > 0) return;
          held.delete(documentId);
          byChannel.delete(opened.channel);
          send(CONTROL_CHANNEL, encodeToDevice({ type: 'close', channels: [opened.channel] }));
          void opened.replica.destroy();
        },
      };
    },

    submitRun(request, signal) {
      const id = request.id ?? newId<RunId>(parts);
      return askRun(ask({ op: 'submit', ...request, id }, true, signal));
    },

    followRun(runId, fromSeq, follower) {
      const followed: Followed = { nextSeq: fromSeq, follower };
      const followers = follows.get(runId) ?? new Set();
      followers.add(followed);
      follows.set(runId, followers);
      if (socket.isOpen()) sendFollow(runId, followers);
      return () => {
        followers.delete(followed);
        if (followers.size > 0 || follows.get(runId) !== followers) return;
        follows.delete(runId);
        void ask({ op: 'unfollow', runId }, false).catch(() => {});
      };
    },

    async answerRun(runId, text) {
      await askRun(askOnce({ op: 'input', runId, text }));
    },
    cancelRun: (runId) => askRun(askOnce({ op: 'cancel', runId })),
    async interruptSession(sessionId) {
      await askOnce({ op: 'interrupt', sessionId });
    },

    watchProject(projectId, onChange) {
      const watchers = watches.get(projectId) ?? new Set();
      watchers.add(onChange);
      watches.set(projectId, watchers);
      if (watchers.size === 1) void ask({ op: 'watch', projectId }, false).catch(() => {});
      return () => {
        watchers.delete(onChange);
        if (watchers.size > 0) return;
        watches.delete(projectId);
        void ask({ op: 'unwatch', projectId }, false).catch(() => {});
      };
    },

    reconnect: () => socket.reconnect(),

    async close() {
      socket.close();
      for (const one of asked.values()) one.reject(new Failure('not_ready', 'The client was closed.'));
      asked.clear();
      await Promise.all([...held.values()].map(({ replica }) => replica.destroy()));
      held.clear();
    },
  };
}

function addressOf({ origin, token, share }: ClientParts): string {
  const query = new URLSearchParams({
    ...(token === undefined ? {} : { token }),
    ...(share === undefined ? {} : { [SHARE_QUERY]: share }),
  });
  const path = share === undefined ? SOCKET_ROUTES.stream : SOCKET_ROUTES.guest;
  return `${origin.replace(/^http/, 'ws')}${path}${query.size === 0 ? '' : `?${query}`}`;
}

function knownCode(code: string): FailureBody['error']['code'] {
  return code in FAILURE_STATUS ? (code as FailureCode) : 'internal';
}
