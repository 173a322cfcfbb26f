/**
 * `WS /api/agents/connect`: one plain agent, from its first message to its last.
 *
 * 1. It is told who it is, registers, and only then is anything else heard.
 * 2. What is not understood is answered with ERROR and changes nothing; who goes on with it is closed.
 * 3. One that says nothing for SILENT_MS is closed, and offline from then on.
 */
import {
  AGENT_MESSAGE_BYTES_MAX,
  AGENT_WINDOW,
  AgentEventSchema,
  AgentMessageSchema,
  Failure,
  newId,
  type AgentMessage,
  type AgentRuntime,
  type DeviceId,
  type IdSource,
  type Received,
  type RunId,
  type ToAgent,
  type UserId,
} from '@markco/protocol';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import type { Rate } from '../accounts/rate.ts';
import type { Incoming } from './progress.ts';

export const HEARTBEAT_SECONDS = 10;
const SILENT_MS = 25_000;
const ASKED_MAX = 32;
const RUNTIMES_MAX = 20;

type Register = Extract<AgentMessage, { type: 'REGISTER' }>;
type Response = Extract<AgentMessage, { type: 'MRP_RESPONSE' }>;
type Asked = { readonly timer: NodeJS.Timeout; resolve(body: unknown): void; reject(failure: Failure): void };

export type AgentConnection = {
  readonly agent: DeviceId;
  readonly userId: UserId;
  readonly name: string;
  readonly instance: string;
  readonly about: Pick<Register, 'os' | 'version'>;
  readonly runtimes: readonly AgentRuntime[];
  /** Unix milliseconds: when it was heard last. */
  readonly heardAt: number;
  send(message: ToAgent, id?: string): void;
  /** Everything before these is on disk. */
  acknowledge(received: readonly Received[]): void;
  /** One question of the runtime protocol. @throws Failure of who was asked, `not_ready` when it does not answer */
  ask(
    path: string,
    body: Readonly<Record<string, unknown>>,
    timeoutMs: number,
    /** Told in the turn in which the answer comes. */
    onAnswer?: (body: unknown) => void,
  ): Promise<unknown>;
  refuse(failure: Failure): void;
};

export type AgentConnectionParts = {
  readonly agent: DeviceId;
  readonly userId: UserId;
  readonly name: string;
  readonly ids: IdSource;
  /** Messages that are no answers to what was asked. */
  readonly rate: Rate;
  /** Resolves once it may be heard: what it goes on with, and what it is to forget. */
  readonly onRegister: (
    connection: AgentConnection,
    running: readonly RunId[],
  ) => Promise<{ readonly resume: readonly Received[]; readonly forget: readonly RunId[] }>;
  /** It was registered, and was told so. */
  readonly onReady: (connection: AgentConnection) => void;
  /** What a run said. Answers the bytes of it that wait to be written down, all runs of this agent together. */
  readonly onStream: (connection: AgentConnection, run: RunId, incoming: Incoming) => number;
  readonly onRefused: (connection: AgentConnection, run: RunId, why: string) => void;
  readonly onChange: (connection: AgentConnection) => void;
  /** It is told who it is. */
  readonly onHello: (connection: AgentConnection) => void;
  readonly onClose: (connection: AgentConnection | null) => void;
  readonly onBad: (code: string) => void;
};

export function serveAgent(socket: WebSocketConnection, parts: AgentConnectionParts): void {
  const { agent, userId, name, ids } = parts;
  const asked = new Map<string, Asked>();
  const runtimes = new Map<string, AgentRuntime>();
  let registered: Register | undefined;
  let isReady = false;
  let isRefused = false;
  let heardAt = ids.now();
  let silence: NodeJS.Timeout | undefined;

  /** Nothing that it says from now on is heard: it says it again when it comes again. */
  function refuse(failure: Failure): void {
    isRefused = true;
    socket.refuse(failure);
  }

  const connection: AgentConnection = {
    ...{ agent, userId, name },
    get instance() {
      return registered?.instance ?? '';
    },
    get about() {
      const { os, version } = registered ?? {};
      return { ...(os === undefined ? {} : { os }), ...(version === undefined ? {} : { version }) };
    },
    get runtimes() {
      return [...runtimes.values()];
    },
    get heardAt() {
      return heardAt;
    },
    send(message, id = newId(ids)) {
      const timestamp = new Date(ids.now()).toISOString();
      socket.text({ ...message, message_id: id, user_id: userId, timestamp });
    },
    acknowledge(received) {
      this.send({ type: 'HEARTBEAT', received });
    },
    ask(path, body, timeoutMs, onAnswer) {
      if (asked.size >= ASKED_MAX)
        return Promise.reject(new Failure('too_many', `${name} has many questions to answer already. Try again.`));
      const id = newId<RunId>(ids);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          asked.delete(id);
          reject(new Failure('not_ready', `${name} does not answer now. It may be busy with a run.`));
        }, timeoutMs);
        const answered = (answer: unknown): void => {
          onAnswer?.(answer);
          resolve(answer);
        };
        asked.set(id, { timer, resolve: answered, reject });
        this.send({ type: 'MRP_REQUEST', method: 'POST', path, body }, id);
      });
    },
    refuse,
  };

  function listenOn(): void {
    heardAt = ids.now();
    clearTimeout(silence);
    silence = setTimeout(
      () => refuse(new Failure('not_ready', 'Nothing was heard of this agent for 25 seconds.')),
      SILENT_MS,
    );
  }

  async function register(message: Register): Promise<void> {
    if (registered !== undefined) throw new Failure('bad_request', 'REGISTER is said once, first.');
    registered = message;
    for (const runtime of message.runtimes) runtimes.set(runtime.runtime_id, runtime);
    const running = (message.running ?? []).map(({ request_id: id }) => id);
    const { resume, forget } = await parts.onRegister(connection, running).catch((cause: unknown) => {
      refuse(Failure.from(cause));
      throw cause;
    });
    if (isRefused) return;
    isReady = true;
    connection.send({
      ...{ type: 'REGISTER', reply_to: message.message_id, heartbeat_seconds: HEARTBEAT_SECONDS, resume, forget },
    });
    parts.onReady(connection);
  }

  function respond(message: Response): void {
    const { reply_to: id, seq, status, body } = message;
    if (seq !== undefined) {
      const event = AgentEventSchema.safeParse({ event: message.event, data: message.data });
      // An event of a later version counts, and says nothing.
      const known = event.success ? event.data : ({ event: 'start' } as const);
      if (!event.success && KNOWN.has(message.event ?? '')) throw notUnderstood(event.error.issues[0]);
      const waiting = parts.onStream(connection, id as RunId, { seq, event: known });
      if (waiting > AGENT_WINDOW.bytes * 2)
        refuse(new Failure('too_many', 'More was sent than was acknowledged. Wait for HEARTBEAT with `received`.'));
      return;
    }
    const one = asked.get(id);
    if (one === undefined) {
      // The request to run something, which it will not.
      if (status !== undefined && status >= 400) parts.onRefused(connection, id as RunId, wordsOf(body));
      parts.rate.take(agent);
      return;
    }
    asked.delete(id);
    clearTimeout(one.timer);
    if (status !== undefined && status < 300) one.resolve(body);
    else one.reject(new Failure(status === 404 ? 'not_found' : 'unsupported', `${name}: ${wordsOf(body)}`));
  }

  async function receive(message: AgentMessage): Promise<void> {
    if (message.type !== 'MRP_RESPONSE') parts.rate.take(agent);
    if (message.type === 'REGISTER') return register(message);
    if (!isReady) throw new Failure('bad_request', 'Say REGISTER first, and wait for its answer.');
    switch (message.type) {
      case 'HEARTBEAT':
        return connection.send({ type: 'HEARTBEAT', reply_to: message.message_id, received: [] });
      case 'RUNTIME_UP': {
        const { runtime } = message;
        if (!runtimes.has(runtime.runtime_id) && runtimes.size >= RUNTIMES_MAX)
          throw new Failure('too_many', `An agent has at most ${RUNTIMES_MAX} runtimes.`);
        runtimes.set(runtime.runtime_id, runtime);
        return parts.onChange(connection);
      }
      case 'RUNTIME_DOWN':
        if (!runtimes.delete(message.runtime_id)) throw new Failure('not_found', 'There is no such runtime.');
        return parts.onChange(connection);
      case 'MRP_RESPONSE':
        return respond(message);
    }
  }

  /** What is wrong with one message. The first ones are answered, in case somebody is trying things out. */
  function complain(error: unknown, about: unknown): void {
    const { code, message } = Failure.from(error);
    parts.onBad(code);
    const reply = typeof about === 'string' && about.length <= 100 ? { reply_to: about } : {};
    connection.send({ type: 'ERROR', ...reply, code, message });
    if (code === 'too_many' || code === 'forbidden' || code === 'storage_failed' || registered === undefined)
      return refuse(Failure.from(error));
    try {
      parts.rate.take(agent);
    } catch (often) {
      refuse(Failure.from(often));
    }
  }

  socket.onText((text) => {
    if (isRefused) return;
    if (Buffer.byteLength(text) > AGENT_MESSAGE_BYTES_MAX) {
      parts.onBad('too_large');
      return refuse(new Failure('too_large', 'A message of an agent is at most 1 MiB. Cut it into several.'));
    }
    listenOn();
    const json = parseJson(text);
    const id = typeof json === 'object' && json !== null && 'message_id' in json ? json.message_id : undefined;
    try {
      const parsed = AgentMessageSchema.safeParse(json);
      if (!parsed.success) throw notUnderstood(parsed.error.issues[0]);
      if (parsed.data.user_id !== userId)
        throw new Failure('forbidden', 'This token belongs to another user than `user_id` says.');
      receive(parsed.data).catch((error: unknown) => complain(error, id));
    } catch (error) {
      complain(error, id);
    }
  });
  socket.onBytes(() => refuse(new Failure('bad_request', 'Messages of agents are text, as JSON.')));
  socket.onClose(() => {
    clearTimeout(silence);
    for (const { timer, reject } of asked.values()) {
      clearTimeout(timer);
      reject(new Failure('not_ready', `The connection to ${name} broke. Try again when it is back.`));
    }
    asked.clear();
    parts.onClose(isReady || registered !== undefined ? connection : null);
  });
  listenOn();
  parts.onHello(connection);
}

const KNOWN: ReadonlySet<string> = new Set(['stdout', 'stderr', 'stdin_request', 'display', 'result', 'error']);

function notUnderstood(
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): Failure {
  const where = issue === undefined || issue.path.length === 0 ? '' : ` \`${issue.path.map(String).join('.')}\`:`;
  return new Failure('bad_request', `This is no message of an agent.${where} ${issue?.message ?? 'No JSON'}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why, as far as the other side says so. */
function wordsOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('error' in body)) return 'it does not do this.';
  const { error } = body;
  const words = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return typeof words === 'string' ? words.slice(0, 500) : 'it does not do this.';
}
