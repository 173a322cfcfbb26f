/** For tests: a cloud that has a project, and plain agents at it: the one in `examples`, as a program of its own, and sockets. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  newId,
  type Document,
  type DocumentId,
  type Project,
  type ProjectId,
  type Run,
  type RunId,
} from '@markco/protocol';
import { WebSocket } from 'ws';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, ids, newRunId, startDevice } from './device.fixture.ts';

const SCRIPT = join(import.meta.dirname, '../../examples/agent/agent.py');

export const noPython = ((): string | undefined => {
  try {
    execFileSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no python3 of 3.9 or newer here';
  }
})();

export type Place = {
  readonly cloud: CloudProgram;
  readonly userId: string;
  readonly projectId: ProjectId;
  readonly documentId: DocumentId;
  /** Any request with the token of the cloud. */
  ask<T>(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly json: T }>;
  addAgent(name: string): Promise<{ readonly id: string; readonly token: string }>;
  submit(code: string, more?: object): Promise<Run>;
  run(id: RunId): Promise<Run>;
  ended(id: RunId): Promise<Run>;
};

/** @param env read again by each start of the cloud */
export async function startPlace(text: string, env: Record<string, string> = {}): Promise<Place & AsyncDisposable> {
  const cloud = await startCloud(env);
  const place = await placeAt(cloud, text).catch(async (error: unknown) => {
    await cloud[Symbol.asyncDispose]();
    throw error;
  });
  return { ...place, [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose]() };
}

/** The same at a cloud that is there. */
export async function placeAt(cloud: CloudProgram, text: string): Promise<Place> {
  await using laptop = await startDevice({ files: { 'page.md': text } });
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const documents = async (): Promise<Document[]> =>
    (await cloud.get<{ documents: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents;
  await eventually(async () => (await documents()).length === 1, 'the page to be in the cloud');
  const [document] = await documents();
  const { projects } = (await cloud.get<{ projects: Project[] }>('/api/projects')).json;
  const [projectId, documentId] = [projects[0]?.id as ProjectId, document?.id as DocumentId];

  return placeOf(cloud, laptop.userId, projectId, documentId);
}

/** What is asked of one process of a cloud. */
export function placeOf(cloud: CloudProgram, userId: string, projectId: ProjectId, documentId: DocumentId): Place {
  const place: Place = {
    ...{ cloud, userId, projectId, documentId },
    async ask<T>(method: string, path: string, body?: unknown) {
      const answer = await fetch(`${cloud.origin}${path}`, {
        method,
        headers: { authorization: `Bearer ${cloud.token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const said = await answer.text();
      return { status: answer.status, json: (said === '' ? undefined : JSON.parse(said)) as T };
    },
    addAgent: async (name) => (await place.ask<{ id: string; token: string }>('POST', '/api/agents', { name })).json,
    submit: async (code, more = {}) =>
      (await place.ask<Run>('POST', '/api/runs', { id: newRunId(), projectId, language: 'python', code, ...more }))
        .json,
    run: async (id) => (await place.ask<Run>('GET', `/api/runs/${id}`)).json,
    ended: (id) =>
      eventually(async () => {
        const run = await place.run(id);
        return run.completedAt === undefined ? undefined : run;
      }, `the end of ${id}`),
  };
  return place;
}

/** The agent of `examples`. Resolves once it is connected. */
export async function startAgent({ origin }: Pick<CloudProgram, 'origin'>, token: string, cwd: string) {
  let child: ChildProcess | undefined;
  let log = '';
  async function start(): Promise<void> {
    const started = spawn('python3', [SCRIPT, origin], {
      ...{ cwd, stdio: ['ignore', 'ignore', 'pipe'] },
      env: { ...process.env, MARKCO_AGENT_TOKEN: token },
    });
    child = started;
    log = '';
    started.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
    await eventually(() => log.includes('connected'), 'the agent to be connected');
  }
  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await start();
  return { start, kill, log: () => log, exited: () => child?.exitCode ?? null, [Symbol.asyncDispose]: kill };
}

type Said = { readonly type: string; readonly message_id: string; readonly [field: string]: unknown };

/** An agent that says what the test makes it say. */
export async function openAgent({ cloud, userId }: Pick<Place, 'cloud' | 'userId'>, token: string) {
  const socket = new WebSocket(`${cloud.origin.replace('http', 'ws')}/api/agents/connect`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const heard: Said[] = [];
  let closed: number | undefined;
  let reason = '';
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString()) as Said));
  socket.on('close', (code, why) => {
    closed = code;
    reason = why.toString();
  });
  await once(socket, 'open');
  const envelope = () => ({ message_id: newId<RunId>(ids), user_id: userId, timestamp: new Date().toISOString() });
  const say = (message: object): string => {
    const whole = { ...envelope(), ...message };
    socket.send(JSON.stringify(whole));
    return whole.message_id;
  };
  const next = (type: string): Promise<Said> =>
    eventually(
      () => {
        const at = heard.findIndex((each) => each.type === type);
        return at < 0 ? undefined : heard.splice(at, 1)[0];
      },
      `${type}, of ${heard.map((each) => each.type).join(', ')} ${closed ?? ''} ${reason}`,
    );
  return {
    ...{ say, next, heard },
    raw: (text: string | Buffer) => socket.send(text),
    async register(running: readonly string[] = [], instance = 'i') {
      say({
        ...{ type: 'REGISTER', instance, runtimes: [{ runtime_id: 'python', language: 'python', version: '3' }] },
        running: running.map((request_id) => ({ request_id })),
      });
      return next('REGISTER');
    },
    stream: (run: string, seq: number, event: string, data: object = {}) =>
      say({ type: 'MRP_RESPONSE', reply_to: run, seq, event, data }),
    /** What it was closed with. */
    closed: () => eventually(() => (closed === undefined ? undefined : ([closed, reason] as const)), 'the end'),
    /** As a network that is cut: nobody says goodbye. */
    cut: () => socket.terminate(),
    [Symbol.dispose]: () => socket.terminate(),
  };
}
