/** Following runs over WebSockets: `/api/runs/:id/events` and the operations of `/api/stream`. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  RunEventSchema,
  RunSchema,
  StreamAnswerSchema,
  type Run,
  type RunEvent,
  type RuntimeSession,
} from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { eventually, messagesOf, newRunId, refusalOf, startDevice } from './device.fixture.ts';

const device = await startDevice({ files: { 'page.md': '# Page\n' } });
afterAll(() => device[Symbol.asyncDispose]());

const submit = (code: string, id = newRunId()): Promise<Run> =>
  device.get<Run>('/api/runs', { body: { id, projectId: device.project.id, language: 'python', code } });
const isGapless = (events: readonly RunEvent[], from: number): void =>
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => from + index));

test('RUN-3 events come from any seq on, stored ones first, then live, without a gap, and the socket closes with 1000', async () => {
  const run = await submit('import time\nfor i in range(60):\n    print(i, flush=True)\n    time.sleep(0.01)');
  const followers = [0, 0, 3].map((from) => messagesOf(device.socket(`/api/runs/${run.id}/events?fromSeq=${from}`)));
  await delay(200);
  followers.push(messagesOf(device.socket(`/api/runs/${run.id}/events`)));
  const all = await Promise.all(followers);
  all.push(await messagesOf(device.socket(`/api/runs/${run.id}/events?fromSeq=0`)));
  for (const [index, { messages, code }] of all.entries()) {
    expect(code).toBe(1000);
    const events = messages.map((message) => RunEventSchema.parse(message));
    isGapless(events, index === 2 ? 3 : 0);
    expect(events.at(-1)?.type).toBe('result');
    expect(events.every(({ runId }) => runId === run.id)).toBe(true);
  }
  const text = all[0]?.messages
    .map((message) =>
      (message as RunEvent).type === 'stdout' ? (message as { payload: { text: string } }).payload.text : '',
    )
    .join('');
  expect(text).toBe(Array.from({ length: 60 }, (_, index) => `${index}\n`).join(''));
  for (const { messages } of [all[1], all[3], all[4]].filter((one) => one !== undefined))
    expect(messages).toEqual(all[0]?.messages);
  expect((await device.get<Run>(`/api/runs/${run.id}`)).state).toBe('completed');

  const past = await messagesOf(device.socket(`/api/runs/${run.id}/events?fromSeq=999`));
  expect(past).toMatchObject({ messages: [], code: 1000 });
});

test('RUN-3 with live=0 the events that are stored come, then a normal close, however fast the run goes on', async () => {
  const run = await submit('for i in range(1_000_000):\n    print(i, flush=True)\nimport time; time.sleep(600)');
  let before = 0;
  for (let ask = 0; ask < 3; ask++) {
    const { messages, code } = await eventually(async () => {
      const answer = await messagesOf(device.socket(`/api/runs/${run.id}/events?live=0`));
      return answer.messages.length > before ? answer : undefined;
    }, 'more events to be stored');
    expect(code).toBe(1000);
    isGapless(
      messages.map((message) => RunEventSchema.parse(message)),
      0,
    );
    before = messages.length;
  }
  expect((await device.get<Run>(`/api/runs/${run.id}`)).state).toBe('running');
  const rest = await messagesOf(device.socket(`/api/runs/${run.id}/events?live=0&fromSeq=${before - 1}`));
  expect(rest.messages[0]).toMatchObject({ seq: before - 1 });
  await device.ask(`/api/runs/${run.id}/cancel`, { method: 'POST' });
  const ended = await messagesOf(device.socket(`/api/runs/${run.id}/events?live=0`));
  expect(ended.messages.at(-1)).toMatchObject({ type: 'error' });
  expect((await refusalOf(device.socket(`/api/runs/${run.id}/events?live=2`))).status).toBe(400);
  expect(await messagesOf(device.socket(`/api/runs/${newRunId()}/events?live=0`))).toMatchObject({ code: 4404 });
});

test('RUN-4 every end has its event before the terminal state: an error, an exit, a cancel, a killed interpreter', async () => {
  for (const [code, state, last] of [
    ['1/0', 'failed', 'error'],
    ['import sys; sys.exit(3)', 'failed', 'error'],
    ['this is no python', 'failed', 'error'],
    ['import os; os._exit(9)', 'failed', 'error'],
    ['None', 'completed', 'result'],
  ] as const) {
    const run = await submit(code);
    const { messages, code: closed } = await messagesOf(device.socket(`/api/runs/${run.id}/events`));
    const events = messages.map((message) => RunEventSchema.parse(message));
    isGapless(events, 0);
    expect([
      code,
      closed,
      events.at(-1)?.type,
      events.filter(({ type }) => type === 'result' || type === 'error').length,
    ]).toEqual([code, 1000, last, 1]);
    expect([code, (await device.get<Run>(`/api/runs/${run.id}`)).state]).toEqual([code, state]);
  }
  const endless = await submit('while True: pass');
  const following = messagesOf(device.socket(`/api/runs/${endless.id}/events`));
  await eventually(
    async () => (await device.get<Run>(`/api/runs/${endless.id}`)).state === 'running',
    'the run to start',
  );
  expect(await device.get<Run>(`/api/runs/${endless.id}/cancel`, { method: 'POST' })).toMatchObject({
    state: 'cancelled',
  });
  expect((await following).code).toBe(1000);
});

test('STREAM-4 a follow that cannot go on says so, after the events that came before', async () => {
  const run = await submit('for i in range(3):\n    display(i)');
  await messagesOf(device.socket(`/api/runs/${run.id}/events`));
  const file = join(device.home, 'runs', run.id, 'events.jsonl');
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, [lines[0], '{"damaged', ...lines.slice(2)].join('\n'));
  const seen: number[] = [];
  const why = await new Promise((resolve) =>
    device.client().followRun(run.id, 0, {
      onEvent: ({ seq }) => void seen.push(seq),
      onEnd: () => resolve('ended'),
      onError: ({ code }) => resolve(code),
    }),
  );
  expect([seen, why]).toEqual([[0], 'storage_failed']);
});

test('whoever follows a run from its beginning just as it ends for another follower of the same client gets all of it', async () => {
  const run = await submit('for i in range(200):\n    display(i)');
  const client = device.client();
  const follow = (fromSeq: number): Promise<readonly number[]> => {
    const seen: number[] = [];
    return new Promise((resolve, reject) => {
      client.followRun(run.id, fromSeq, {
        onEvent: ({ seq }) => void seen.push(seq),
        onEnd: () => resolve(seen),
        onError: ({ message }) => reject(new Error(message)),
      });
    });
  };
  const all = await follow(0);
  expect(all.length).toBeGreaterThan(200);
  for (let turn = 0; turn < 20; turn++) {
    // The end for the first is on its way when the second asks.
    const last = follow(all.length - 1);
    const whole = follow(0);
    expect(await whole).toEqual(all);
    expect((await last).at(-1)).toBe(all.length - 1);
  }
});

test('a run that is not here closes with 4404, a bad address is refused before it is a WebSocket', async () => {
  expect(await messagesOf(device.socket(`/api/runs/${newRunId()}/events`))).toMatchObject({ messages: [], code: 4404 });
  for (const [path, status] of [
    ['/api/runs/no-uuid/events', 404],
    [`/api/runs/${newRunId()}/events?fromSeq=-1`, 400],
    [`/api/runs/${newRunId()}/events?fromSeq=x`, 400],
    ['/api/nothing', 404],
    ['/api/agents', 404],
    ['/', 404],
  ] as const) {
    expect([path, (await refusalOf(device.socket(path))).status]).toEqual([path, status]);
  }
  for (const token of [null, 'wrong']) {
    const refused = await refusalOf(device.socket('/api/stream', { token }));
    expect(refused).toMatchObject({ status: 401, json: { error: { code: 'unauthorized' } } });
  }
  expect((await refusalOf(device.socket('/api/stream', { headers: { origin: 'https://evil.com' } }))).status).toBe(403);
});

type Stream = {
  readonly ws: WebSocket;
  readonly told: Record<string, unknown>[];
  ask(request: object): Promise<Record<string, unknown>>;
};

async function openStream(): Promise<Stream> {
  const ws = device.socket('/api/stream');
  const told: Record<string, unknown>[] = [];
  ws.on('message', (data, isBinary) => {
    if (isBinary) return;
    const message = JSON.parse(String(data)) as Record<string, unknown>;
    expect([message, StreamAnswerSchema.safeParse(message).success]).toEqual([message, true]);
    told.push(message);
  });
  await once(ws, 'open');
  let next = 0;
  return {
    ws,
    told,
    async ask(request) {
      const ref = ++next;
      ws.send(JSON.stringify({ ...request, ref }));
      return eventually(
        () => told.find((message) => message['ref'] === ref),
        `an answer to ${JSON.stringify(request)}`,
      );
    },
  };
}

test('STREAM-1 one socket submits, follows, answers, interrupts and cancels any number of runs', async () => {
  const { ws, told, ask } = await openStream();
  const session = await device.get<RuntimeSession>('/api/sessions/ensure', {
    body: { projectId: device.project.id, language: 'python' },
  });
  const id = newRunId();
  const request = { op: 'submit', id, sessionId: session.id, code: 'print(input("name? "))' };
  const [first, second] = await Promise.all([ask(request), ask(request)]);
  for (const answer of [first, second]) expect(RunSchema.parse(answer['run']).id).toBe(id);
  expect(await ask({ op: 'follow', runId: id })).toEqual({ ref: expect.any(Number), ok: true });
  await eventually(
    () => told.find((message) => (message['event'] as RunEvent | undefined)?.type === 'stdin-request'),
    'the question',
  );
  expect(await ask({ op: 'input', runId: id, text: 'Ada' })).toMatchObject({ run: { id } });
  const ended = await eventually(() => told.find((message) => 'ended' in message), 'the end');
  expect(ended).toMatchObject({ runId: id, ended: { id, state: 'completed' } });
  const events = told.flatMap((message) => ('event' in message ? [message['event'] as RunEvent] : []));
  isGapless(events, 0);
  expect(events.map(({ type }) => type)).toEqual(['stdin-request', 'stdin-response', 'stdout', 'result']);

  const sleeper = (
    await ask({ op: 'submit', id: newRunId(), sessionId: session.id, code: 'import time; time.sleep(60)' })
  )['run'] as Run;
  const waiting = (await ask({ op: 'submit', id: newRunId(), sessionId: session.id, code: '1' }))['run'] as Run;
  expect(await ask({ op: 'cancel', runId: waiting.id })).toMatchObject({ run: { state: 'cancelled' } });
  await eventually(
    async () => (await device.get<Run>(`/api/runs/${sleeper.id}`)).state === 'running',
    'the run to start',
  );
  await ask({ op: 'follow', runId: sleeper.id, fromSeq: 0 });
  expect(await ask({ op: 'interrupt', sessionId: session.id })).toMatchObject({ ok: true });
  await eventually(
    () => told.find((message) => (message['ended'] as Run | undefined)?.id === sleeper.id),
    'the interrupted run to end',
  );
  expect(await ask({ op: 'unfollow', runId: sleeper.id })).toMatchObject({ ok: true });
  ws.close();
});

test('STREAM-2 what changes in a watched project is told', async () => {
  const { ws, told, ask } = await openStream();
  expect(await ask({ op: 'watch', projectId: device.project.id })).toMatchObject({ ok: true });
  const made = await device.get<{ id: string }>(`/api/projects/${device.project.id}/documents`, {
    body: { path: 'told', text: '# Told\n' },
  });
  await eventually(
    () =>
      told.find((message) =>
        (message['documents'] as { id: string; title: string }[] | undefined)?.some(
          ({ id, title }) => id === made.id && title === 'Told',
        ),
      ),
    'the new document',
  );
  await device.ask(`/api/projects/${device.project.id}/documents/${made.id}`, { method: 'DELETE' });
  await eventually(
    () => told.find((message) => (message['removed'] as string[] | undefined)?.includes(made.id)),
    'the removed document',
  );
  const run = await submit('1');
  await eventually(
    () =>
      told.find(
        (message) =>
          (message['run'] as Run | undefined)?.id === run.id && (message['run'] as Run).state === 'completed',
      ),
    'the run to have ended',
  );
  expect(await ask({ op: 'unwatch', projectId: device.project.id })).toMatchObject({ ok: true });
  ws.close();
});

test('STREAM-3 what is not understood is answered with its ref, and the socket goes on', async () => {
  const { ws, told, ask } = await openStream();
  for (const [request, code] of [
    [{ op: 'nothing' }, 'bad_request'],
    [{ op: 'submit', code: '1' }, 'bad_request'],
    [{ op: 'submit', projectId: device.project.id, language: 'python', code: '1', extra: 1 }, 'bad_request'],
    [{ op: 'follow', runId: 'x' }, 'bad_request'],
    [{ op: 'cancel', runId: newRunId() }, 'not_found'],
    [{ op: 'input', runId: newRunId(), text: 'x' }, 'not_found'],
    [{ op: 'interrupt', sessionId: newRunId() }, 'not_found'],
    [{ op: 'watch', projectId: newRunId() }, 'not_found'],
  ] as const) {
    expect([request, await ask(request)]).toEqual([
      request,
      { ref: expect.any(Number), error: { code, message: expect.any(String) } },
    ]);
  }
  await ask({ op: 'follow', runId: newRunId() });
  await eventually(
    () =>
      told.findLast(
        (message) => (message['error'] as { code?: string } | undefined)?.code === 'not_found' && message['ref'] === 9,
      ),
    'the follow to be refused',
  );
  ws.send('no json');
  ws.send('[]');
  await eventually(
    () => told.filter((message) => message['ref'] === undefined && 'error' in message).length === 2,
    'answers without a ref',
  );
  expect(await ask({ op: 'watch', projectId: device.project.id })).toMatchObject({ ok: true });
  const closed = messagesOf(ws);
  ws.send(Buffer.from([0xff, 0xff, 0xff]));
  expect((await closed).code).toBe(1008);
});
