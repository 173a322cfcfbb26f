/** Sessions of a MarkCo device over its one socket, a project each. */
import { newId, type IdSource, type Run, type RunEvent, type RunId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { familyOf } from '../../machine.ts';
import type { Ended, Interpreter, Interpreters, Source } from './interpreter.ts';

export type MarkcoSource = Extract<Source, { kind: 'markco' }>;

const ids: IdSource = { now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) };

export type Stream = {
  readonly ws: WebSocket;
  submit(request: object): Promise<Run>;
  /** Each event once, from a seq on; resolves with the ended run. */
  follow(runId: RunId, fromSeq: number, onEvent: (event: RunEvent) => void): Promise<Run>;
  interrupt(sessionId: string): Promise<void>;
  close(): void;
};

type Answer = {
  readonly ref?: number;
  readonly runId?: RunId;
  readonly event?: RunEvent;
  readonly ended?: Run;
  readonly run?: Run;
  readonly error?: { readonly message: string };
};
type Follow = { onEvent(event: RunEvent): void; onEnd(run: Run): void };

export async function openStream({ origin, token }: Pick<MarkcoSource, 'origin' | 'token'>): Promise<Stream> {
  const ws = new WebSocket(`${origin.replace('http', 'ws')}/api/stream?token=${token}`, { perMessageDeflate: false });
  const asked = new Map<number, PromiseWithResolvers<Answer>>();
  const follows = new Map<RunId, Follow>();
  let nextRef = 0;
  ws.on('message', (data: Buffer, isBinary) => {
    if (isBinary) return;
    const answer = JSON.parse(data.toString()) as Answer;
    if (answer.event !== undefined) follows.get(answer.event.runId)?.onEvent(answer.event);
    else if (answer.ended !== undefined) {
      follows.get(answer.ended.id)?.onEnd(answer.ended);
      follows.delete(answer.ended.id);
    } else if (answer.ref !== undefined) {
      const waiting = asked.get(answer.ref);
      asked.delete(answer.ref);
      if (answer.error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(answer.error.message));
    }
  });
  ws.on('error', () => undefined);
  await once(ws, 'open');

  function ask(request: object): Promise<Answer> {
    const ref = nextRef++;
    const waiting = Promise.withResolvers<Answer>();
    asked.set(ref, waiting);
    ws.send(JSON.stringify({ ...request, ref }));
    return waiting.promise;
  }

  return {
    ws,
    async submit(request) {
      const { run } = await ask({ op: 'submit', ...request });
      if (run === undefined) throw new Error('a submitted run has no answer');
      return run;
    },
    async follow(runId, fromSeq, onEvent) {
      const { promise, resolve } = Promise.withResolvers<Run>();
      follows.set(runId, { onEvent, onEnd: resolve });
      await ask({ op: 'follow', runId, fromSeq });
      return promise;
    },
    interrupt: async (sessionId) => void (await ask({ op: 'interrupt', sessionId })),
    close: () => ws.terminate(),
  };
}

/** The page of a project that wishes its Python cells to run in a Jupyter kernel. */
const wishOf = (kernel: string): string =>
  `# Settings\n\n\`\`\`yaml config\nsession:\n  python:\n    kernel: ${kernel}\n\`\`\`\n`;

export const newRunId = (): RunId => newId<RunId>(ids);

export async function markcoSessions(source: MarkcoSource): Promise<Interpreters> {
  const stream = await openStream(source);
  let projects = 0;

  async function api<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${source.origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${source.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  async function prepare(): Promise<Interpreter> {
    const folder = join(source.folder, `project-${projects++}`);
    await mkdir(folder, { recursive: true });
    if (source.kernel !== undefined) await writeFile(join(folder, 'mrmd.md'), wishOf(source.kernel));
    const open = (): Promise<{ id: string }> => api('POST', '/api/projects/open-local', { localPath: folder });
    await open();
    // Asked again it answers once its documents are indexed.
    const { id: projectId } = await open();
    let sessionId = '';
    return {
      async run(code, onText): Promise<Ended> {
        let resultAt: number | null = null;
        const run = await stream.submit({ id: newRunId(), projectId, language: 'python', code });
        sessionId = run.sessionId;
        const ended = await stream.follow(run.id, 0, (event) => {
          if (event.type === 'stdout' || event.type === 'stderr') onText?.(event.payload.text);
          else if (event.type === 'result') resultAt = performance.now();
        });
        return {
          resultAt,
          endedAt: performance.now(),
          error: ended.error === undefined ? null : `${ended.error.type}: ${ended.error.message}`,
        };
      },
      interrupt: () => stream.interrupt(sessionId),
      end: () => (sessionId === '' ? Promise.resolve() : api('DELETE', `/api/sessions/${sessionId}`)),
    };
  }

  return {
    prepare,
    async processes() {
      const { sessions } = await api<{ sessions: { hostRuntimeId?: string }[] }>('GET', '/api/sessions');
      return familyOf([
        source.pid,
        ...sessions.flatMap(({ hostRuntimeId: pid }) => (pid === undefined ? [] : [Number(pid)])),
      ]);
    },
    close: async () => stream.close(),
  };
}
