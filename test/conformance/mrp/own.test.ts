/** What a device of ours keeps beyond the tables of the runtime protocol: durable runs, bounds, and nothing named by the wire. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS, sessionName, type Run, type RunEvent } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { conforms, isError } from '../answers.fixture.ts';
import { eventually, messagesOf, newRunId, startDevice, type Answer } from '../device.fixture.ts';
import { following, serverAt, textOf } from './server.ts';

const device = await startDevice({
  files: { 'page.md': '# Page\n', '_assets/note.md': '# Note\n', '_assets/page.html': '<script>alert(1)</script>' },
  env: { MARKCO_TEST_VALUE: 'of the device' },
});
afterAll(() => device[Symbol.asyncDispose]());
const server = serverAt(device.origin, device.token);

const mrp = (path: string, body?: unknown): Promise<Answer> =>
  device.ask(`/mrp/v1${path}`, body === undefined ? {} : { body });
const runOf = (id: string): Promise<Run> => device.get<Run>(`/api/runs/${id}`);
const eventsOf = async (id: string): Promise<RunEvent[]> =>
  (await messagesOf(device.socket(`/api/runs/${id}/events?fromSeq=0`))).messages as RunEvent[];

test('MRP-20 a program needs the token, and a page elsewhere is refused before that', async () => {
  isError(await device.ask('/mrp/v1/execute', { token: null, body: { code: '1' } }), 401, 'unauthorized');
  for (const path of ['/mrp/v1/capabilities', '/mrp/v1/execute/stream']) {
    const answer = await device.ask(path, { method: 'OPTIONS', headers: { origin: 'https://example.com' } });
    isError(answer, 403, 'forbidden');
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('MRP-1 every answer has the shape of its route', async () => {
  const cursor = { code: 'told', cursor: 4 };
  for (const round of ['cold', 'warm']) {
    conforms('mrpComplete', await mrp('/complete', cursor));
    conforms('mrpInspect', await mrp('/inspect', { ...cursor, detail: 2 }));
    conforms('mrpHover', await mrp('/hover', cursor));
    conforms('mrpVariables', await mrp('/variables', {}));
    conforms('mrpIsComplete', await mrp('/is_complete', cursor));
    conforms('mrpHistory', await mrp('/history', {}));
    conforms('mrpInput', await mrp('/input', { text: 'x\n' }));
    conforms('mrpInterrupt', await mrp('/interrupt', {}));
    conforms('mrpCapabilities', await mrp('/capabilities'));
    conforms('mrpSessions', await mrp('/sessions'));
    if (round === 'cold') conforms('mrpExecute', await mrp('/execute', { code: 'def told(): "Docs."' }));
  }
  conforms('mrpVariable', await mrp('/variables/told', {}));
  conforms('mrpSession', await mrp('/sessions/default'));
  conforms('mrpResetSession', await device.ask('/mrp/v1/sessions/default/reset', { method: 'POST' }));
  conforms('mrpCreateSession', await mrp('/sessions', { id: 'made' }));
  conforms('mrpDeleteSession', await device.ask('/mrp/v1/sessions/made', { method: 'DELETE' }));
  conforms('mrpExecute', await mrp('/execute', { code: '1 / 0' }));
});

test('MRP-2 a field that is null is one that is missing', async () => {
  const nothing = { session: null, execId: null, cellId: null, cellMeta: null, assetDir: null, silent: null };
  expect((await mrp('/execute', { code: '6 * 7', ...nothing })).json).toMatchObject({ result: '42' });
  expect((await mrp('/variables', { session: null, filter: { namePattern: null } })).status).toBe(200);
  const environment = { cwd: null, executable: null, virtualenv: null, env: null };
  expect((await mrp('/sessions', { id: 'nulls', environment, dependencies: null })).status).toBe(200);
  isError(await mrp('/execute', { code: null }), 400, 'bad_request');
  isError(await mrp('/execute', null), 400, 'bad_request');
});

test('MRP-21 a client that leaves ends no run, and finds its events again', async () => {
  const execId = newRunId();
  const leaving = new AbortController();
  const code = 'import time\nprint("one", flush=True)\ntime.sleep(0.5)\nprint("two")\n6 * 7';
  const live = following(server.stream('/execute/stream', { code, execId }, leaving.signal));
  await live.until(({ event }) => event === 'stdout');
  leaving.abort();
  await live.all.catch(() => undefined);
  const events = await eventsOf(execId);
  expect(events.map((event) => (event.type === 'stdout' ? event.payload.text : event.type)).join('')).toBe(
    'one\ntwo\nresult',
  );
  expect((await runOf(execId)).state).toBe('completed');
});

test('MRP-21 who waits for an answer and leaves ends no run, and is no trouble', async () => {
  const execId = newRunId();
  const leaving = new AbortController();
  const asked = fetch(`${device.origin}/mrp/v1/execute`, {
    method: 'POST',
    headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ code: 'import time\ntime.sleep(0.5)\n6 * 7', execId, session: 'left' }),
    signal: leaving.signal,
  }).catch(() => 'left');
  await eventually(async () => (await device.ask(`/api/runs/${execId}`)).status === 200, 'the run');
  leaving.abort();
  expect(await asked).toBe('left');
  await eventually(async () => (await runOf(execId)).state === 'completed', 'the end of the run');
  expect(device.log()).not.toContain('http.failed');
});

test('MRP-21 the same UUID is one run, however often it is sent; another name may be used again', async () => {
  const execId = newRunId();
  await mrp('/execute', { code: 'count = 0' });
  const once = { code: 'count += 1\ncount', execId };
  const answers = [await mrp('/execute', once), await mrp('/execute', once), await mrp('/execute', once)];
  expect(answers.map(({ json }) => json)).toMatchObject([{ result: '1' }, { result: '1' }, { result: '1' }]);
  isError(await mrp('/execute', { code: 'other', execId }), 409, 'conflict');
  const named = { code: 'count += 1\ncount', execId: 'exec-1' };
  expect((await mrp('/execute', named)).json).toMatchObject({ result: '2' });
  expect((await mrp('/execute', named)).json).toMatchObject({ result: '3' });
});

test('MRP-22 no program, variable, folder or package is taken from a request', async () => {
  const before = (await mrp('/sessions')).text;
  const made = await mrp('/sessions', { id: 'checked', environment: { cwd: device.folder } });
  const { environment } = made.json as { environment: { cwd: string; executable: string } };
  expect([made.status, environment.cwd]).toEqual([200, device.folder]);
  await device.ask('/mrp/v1/sessions/checked', { method: 'DELETE' });
  for (const [wish, status, code] of [
    [{ environment: { executable: '/bin/true' } }, 403, 'forbidden'],
    [{ environment: { virtualenv: '/tmp' } }, 403, 'forbidden'],
    [{ environment: { env: { PYTHONSTARTUP: '/tmp/x.py' } } }, 403, 'forbidden'],
    [{ environment: { env: { MARKCO_TEST_VALUE: 'of a request' } } }, 403, 'forbidden'],
    [{ environment: { cwd: '/' } }, 400, 'bad_request'],
    [{ environment: { cwd: device.root } }, 400, 'bad_request'],
    [{ environment: { cwd: `${device.folder}/../home` } }, 400, 'bad_request'],
    [{ environment: { cwd: `${device.folder}-beside` } }, 400, 'bad_request'],
    [{ environment: { cwd: 'notes' } }, 400, 'bad_request'],
    [{ dependencies: ['left-pad'] }, 501, 'unsupported'],
    [{ pythonVersion: '2.7' }, 424, 'runtime_missing'],
    [{ language: 'cobol' }, 501, 'unsupported'],
    [{ id: 'work@python', language: 'cobol' }, 400, 'bad_request'],
    [{ id: 'nowhere:work' }, 404, 'not_found'],
    [{ id: 'a\nb' }, 400, 'bad_request'],
  ] as const)
    isError(await mrp('/sessions', { id: 'checked', ...wish }), status, code);
  expect((await mrp('/sessions')).text).toBe(before);
  const same = { executable: environment.executable, env: { MARKCO_TEST_VALUE: 'of the device' } };
  expect((await mrp('/sessions', { id: 'checked', environment: same })).status).toBe(200);
  await device.ask('/mrp/v1/sessions/checked', { method: 'DELETE' });
});

test('MRP-23 a very long output is cut in the answer, and whole in the events', async () => {
  const execId = newRunId();
  const chars = LIMITS.mrpTextCharsMax + 100_000;
  const answer = await mrp('/execute', { code: `print("x" * ${chars - 1})`, execId });
  const { stdout } = answer.json as { stdout: string };
  expect(stdout.length).toBeLessThan(LIMITS.mrpTextCharsMax + 200);
  expect(stdout.slice(-120)).toContain('100,000 more characters');
  const events = await eventsOf(execId);
  const printed = events.reduce((sum, event) => sum + (event.type === 'stdout' ? event.payload.text.length : 0), 0);
  expect(printed).toBe(chars);
});

test('MRP-24 a session that does not run answers from its language alone, and asking starts nothing', async () => {
  const session = 'cold';
  for (let round = 0; round < 2; round++) {
    const asked = { code: 'whi', cursor: 3, session };
    expect((await mrp('/complete', asked)).json).toMatchObject({ matches: [{ label: 'while' }], source: 'static' });
    expect((await mrp('/hover', asked)).json).toEqual({ found: false });
    expect((await mrp('/inspect', asked)).json).toEqual({ found: false, source: 'static' });
    expect((await mrp('/variables', { session })).json).toEqual({ variables: [], count: 0, truncated: false });
    expect((await mrp('/is_complete', asked)).json).toEqual({ status: 'unknown', indent: '' });
    isError(await mrp('/variables/x', { session }), 404, 'not_found');
    expect((await mrp('/interrupt', { session })).json).toEqual({ interrupted: false });
    if (round === 0) await mrp('/sessions', { id: session });
  }
  const { sessions } = await device.get<{ sessions: { sessionAffinityKey: string; state: string }[] }>('/api/sessions');
  expect(sessions.find((each) => sessionName(each) === session)?.state).toBe('cold');
});

test('MRP-24 a session goes by its name, by its id, and by its project and language', async () => {
  await mrp('/execute', { code: 'mark = 7', session: 'named' });
  const { sessionId } = (await mrp('/sessions/named')).json as { sessionId: string };
  for (const session of [
    sessionId,
    'named@python',
    'named@py',
    `${device.project.slug}:named`,
    `${device.project.id}:named@python3`,
  ]) {
    expect((await mrp('/execute', { code: 'mark', session })).json).toMatchObject({ result: '7' });
    expect((await mrp(`/sessions/${encodeURIComponent(session)}`)).json).toMatchObject({ id: 'named', sessionId });
  }
  isError(await mrp('/execute', { code: '1', session: newRunId() }), 404, 'not_found');
  isError(await mrp('/execute', { code: '1', session: 'elsewhere:x' }), 404, 'not_found');
});

test('MRP-24 the session that pages of a project use is the default one, whatever the project calls it', async () => {
  const text = '```yaml config\nsession:\n  python:\n    name: analysis\n```\n';
  const path = `/api/projects/${device.project.id}/documents`;
  const { id } = await device.get<{ id: string }>(path, { body: { path: 'mrmd', text } });
  await device.get('/api/sessions/ensure', { body: { projectId: device.project.id, language: 'python' } });
  await mrp('/execute', { code: 'shared = 1', session: 'default' });
  for (const session of ['', 'default', 'analysis', '@python'])
    expect((await mrp('/execute', { code: 'shared', session })).json).toMatchObject({ result: '1' });
  expect((await mrp('/execute', { code: 'shared', session: 'default@python' })).json).toMatchObject({ success: false });
  const { sessions } = (await mrp('/sessions')).json as { sessions: { id: string; sessionId: string }[] };
  expect(sessions.map((session) => session.id)).toEqual(expect.arrayContaining(['analysis', 'default@python']));
  for (const session of sessions)
    expect((await mrp(`/sessions/${encodeURIComponent(session.id)}`)).json).toMatchObject(session);
  await device.ask(`${path}/${id}`, { method: 'DELETE' });
});

test('MRP-25 a file that code saved is an asset of its run, and no path leads anywhere else', async () => {
  const code = [
    'import os',
    'os.makedirs("_assets/generated", exist_ok=True)',
    'open("_assets/generated/a b.svg", "w").write("<svg/>")',
    'os.symlink("/etc/passwd", "_assets/generated/link.txt")',
    'None',
  ].join('\n');
  const { assets } = (await mrp('/execute', { code, assetDir: '/etc' })).json as { assets: { url: string }[] };
  const [asset] = assets;
  expect(assets).toEqual([
    {
      path: '_assets/generated/a b.svg',
      url: `/mrp/v1/assets/${device.project.slug}/_assets/generated/a%20b.svg`,
      mimeType: 'image/svg+xml',
      assetType: 'svg',
      size: 6,
    },
  ]);
  const found = await device.ask(asset?.url ?? '');
  expect([found.status, found.text, found.headers.get('content-type')]).toEqual([200, '<svg/>', 'image/svg+xml']);
  expect(found.headers.get('content-security-policy')).toContain('sandbox');
  const page = await mrp('/assets/_assets/page.html');
  expect([page.status, page.headers.get('content-disposition')]).toEqual([200, 'attachment']);
  const { slug } = device.project;
  await mkdir(join(device.folder, '.hidden'));
  await writeFile(join(device.folder, 'outside.txt'), 'not an asset');
  await symlink(device.home, join(device.folder, '_assets/home'));
  for (const path of [
    `${slug}/outside.txt`,
    `${slug}/_assets/../outside.txt`,
    `${slug}/_assets/%2e%2e/outside.txt`,
    `${slug}/_assets%2f..%2foutside.txt`,
    `${slug}/_assets/generated/link.txt`,
    `${slug}/_assets/home/api-token`,
    `${slug}/_assets/note.md`,
    `${slug}/_assets/`,
    `${slug}/_assets/generated`,
    'elsewhere/_assets/generated/a%20b.svg',
    '_assets/%zz',
    '%00',
    '/etc/passwd',
  ])
    isError(await mrp(`/assets/${path}`), 404, 'not_found');
});

test('MRP-26 a reader that does not read slows neither the run nor anybody else', async () => {
  const execId = newRunId();
  const code = 'for n in range(300):\n    print("y" * 100_000)';
  const response = await fetch(`${device.origin}/mrp/v1/execute/stream`, {
    method: 'POST',
    headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ code, execId, session: 'slow' }),
  });
  // Nothing of it is read: 30 MB do not fit on the way.
  await eventually(async () => (await runOf(execId)).state === 'completed', 'the end of the run', 30_000);
  expect((await mrp('/execute', { code: '1 + 1' })).json).toMatchObject({ result: '2' });
  const text = await response.text();
  expect(text.endsWith('event: done\ndata: {}\n\n')).toBe(true);
  expect(text.length).toBeGreaterThan(30_000_000);
});

test('MRP-27 a value that shows itself is a display too, and an update replaces what it updates', async () => {
  const code = [
    'class Rich:',
    '    def _repr_html_(self): return "<b>rich</b>"',
    '    def __repr__(self): return "plain"',
    'shown = display("first")',
    'shown.update("second")',
    'Rich()',
  ].join('\n');
  const answer = (await mrp('/execute', { code })).json as { displayData: { data: object }[] };
  expect(answer).toMatchObject({ result: 'plain' });
  expect(answer.displayData.map(({ data }) => data)).toEqual([
    { 'text/plain': "'second'" },
    { 'text/plain': 'plain', 'text/html': '<b>rich</b>' },
  ]);
  const events = await following(server.stream('/execute/stream', { code })).all;
  expect(events.filter(({ event }) => event === 'display')).toHaveLength(3);
});

test('MRP-28 lines break a stream as little as anything else that is printed', async () => {
  const printed = 'a\n\nb\r\nc\rd\u2028e\u2029f\n: no comment\ndata: none\nevent: done\n\n\u{1f600}\u0000';
  const events = await following(
    server.stream('/execute/stream?accumulated=1', { code: `print(${JSON.stringify(printed)}, end="")` }),
  ).all;
  expect(events.map(({ event }) => event).filter((name) => name !== 'stdout')).toEqual(['start', 'result', 'done']);
  expect(textOf(events, 'stdout')).toBe(printed);
});

test('MRP-29 an answer to input, an interrupt and a question reach a session that is busy, at once', async () => {
  const session = 'busy';
  const live = following(
    server.stream('/execute/stream', { code: 'kept = 5\nimport getpass\ngetpass.getpass("Key? ")', session }),
  );
  const asked = await live.until(({ event }) => event === 'stdin_request');
  expect(asked.data).toMatchObject({ prompt: 'Key? ', password: true });
  expect((await mrp('/variables', { session, filter: { namePattern: 'kept' } })).json).toMatchObject({
    variables: [{ name: 'kept', value: '5' }],
  });
  const early = await mrp('/input', { session, text: 'secret words\n' });
  expect(early.json).toEqual({ accepted: true });
  expect((await live.all).at(-2)?.data).toMatchObject({ result: "'secret words'" });
  expect(await readFile(join(device.home, 'runs', String(asked.data['execId']), 'events.jsonl'), 'utf8')).not.toMatch(
    /stdin-response.*secret words/,
  );
});

test('MRP-29 an interrupt ends code whose interpreter is still starting', async () => {
  const session = 'starting';
  const live = following(server.stream('/execute/stream', { code: 'import time\ntime.sleep(60)', session }));
  await live.until(({ event }) => event === 'start');
  expect((await mrp('/interrupt', { session })).json).toEqual({ interrupted: true });
  expect((await live.all).map(({ event }) => event)).toEqual(['start', 'error', 'done']);
  expect((await mrp('/execute', { code: '6 * 7', session })).json).toMatchObject({ result: '42' });
});
