/** What a device says of itself: metrics that real use has filled, log lines that name what they are about, and no secret in any of it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run, RunEvent } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { searchFor } from './canaries.fixture.ts';
import { eventually, messagesOf, newRunId, startDevice } from './device.fixture.ts';

const ENVIRONMENT_SECRET = 'canary-of-the-environment-51f0';
const PASSWORD = 'canary-of-the-password-prompt-9b1e';
const device = await startDevice({
  files: {
    'page.md': '# Page\n\n```python\nimport getpass\nsecret = getpass.getpass("key? ")\nprint(len(secret))\n```\n',
  },
  env: { SOME_API_KEY: ENVIRONMENT_SECRET, LOG_LEVEL: 'trace' },
});
afterAll(() => device[Symbol.asyncDispose]());

/** A whole session: sign in, open, edit, run with a password prompt, edit outside, fail, restart. */
async function use(): Promise<Run> {
  const { headers } = await device.ask('/api/session', { method: 'POST' });
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  await device.ask('/api/projects', { token: null, headers: { cookie } });
  await device.ask('/api/projects?token=nothing', {
    headers: { referer: `${device.origin}/#token=${device.token}`, 'user-agent': `agent ${device.token}` },
  });
  const page = await device.document('page');
  const client = device.client();
  const open = client.openDocument({ projectId: device.project.id, documentId: page.id });
  await open.ready;
  for (let edit = 0; edit < 5; edit++) {
    open.text.insert(0, `${edit}`);
    await open.saved(AbortSignal.timeout(5_000));
  }
  const again = device.client().openDocument({ projectId: device.project.id, documentId: page.id });
  await again.ready;

  const run = await client.submitRun(
    {
      id: newRunId(),
      projectId: device.project.id,
      language: 'python',
      documentId: page.id,
      docVersion: open.version(),
      code: 'import getpass, os\nsecret = getpass.getpass("key? ")\nprint(len(secret), len(os.environ["SOME_API_KEY"]))\n"done"',
    },
    AbortSignal.timeout(10_000),
  );
  const following = messagesOf(device.socket(`/api/runs/${run.id}/events`));
  await eventually(
    async () => (await device.ask(`/api/runs/${run.id}/input`, { body: { text: PASSWORD } })).status === 200,
    'the password to be taken',
  );
  const { messages } = await following;
  expect((messages as RunEvent[]).map(({ type }) => type)).toEqual([
    'stdin-request',
    'stdin-response',
    'stdout',
    'result',
  ]);
  expect((messages as RunEvent[])[2]).toMatchObject({
    payload: { text: `${PASSWORD.length} ${ENVIRONMENT_SECRET.length}\n` },
  });

  await writeFile(join(device.folder, 'page.md'), `${open.text.toString()}from outside\n`);
  await eventually(() => open.text.toString().includes('from outside'), 'the edit of the file');
  // What goes wrong is logged, too.
  await messagesOf(device.socket(`/api/runs/${newRunId()}/events`));
  const wrong = device.socket('/api/stream', { token: `${device.token}x` });
  wrong.on('error', () => undefined);
  await eventually(() => wrong.readyState === wrong.CLOSED, 'the wrong token to be refused');
  await device.ask('/api/runs', {
    body: { projectId: device.project.id, language: 'python', code: '1', docVersion: 'BQ==' },
  });
  return device.get<Run>(`/api/runs/${run.id}`);
}

const run = await use();

test('METRICS-1 every name of the seeds is there and was filled by real use', async () => {
  const { text } = await device.ask('/metrics');
  const valueOf = (name: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  for (const name of [
    'doc_open_ttfc_ms',
    'doc_switch_ttfc_ms',
    'doc_sync_rtt_ms',
    'runtime_file_reflect_ms',
    'projection_lag_ms',
    'run_queue_latency_ms',
    'run_duration_ms',
    'log_sync_ms',
  ]) {
    expect([name, valueOf(`${name}_count`) > 0, valueOf(`${name}_sum`) >= 0]).toEqual([name, true, true]);
  }
  expect(valueOf('websocket_errors_total')).toBeGreaterThanOrEqual(2);
  expect(valueOf('runs_total')).toBeGreaterThanOrEqual(1);
  expect(valueOf('runs_routed_total')).toBeGreaterThanOrEqual(1);
  expect(valueOf('document_updates_total')).toBeGreaterThanOrEqual(6);
  expect(valueOf('resident_bytes')).toBeGreaterThan(10_000_000);
  // Milliseconds, not seconds, and sane: a sync of the log here takes less than ten of them.
  expect(valueOf('doc_sync_rtt_ms_sum') / valueOf('doc_sync_rtt_ms_count')).toBeLessThan(1_000);
});

test('LOG-1 a line is JSON, and names the user, the device and what it is about', async () => {
  const lines = device
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    expect(line).toMatchObject({
      user_id: device.userId,
      device_id: expect.any(String),
      event: expect.stringMatching(/^[a-z-]+\.[a-z-]+$/),
      level: expect.any(String),
      time: expect.any(String),
    });
  }
  expect(lines.find(({ event }) => event === 'run.routed')).toMatchObject({
    run_id: run.id,
    project_id: device.project.id,
    doc_path: 'page',
    reason: expect.any(String),
  });
  expect(
    lines.filter((line) => line['event'] === 'run.state' && line['run_id'] === run.id).map(({ to }) => to),
  ).toEqual(['queued', 'scheduled', 'running', 'completed']);
});

test('T16 no secret is in the log, the state folder, the project, the metrics or the answers, after a restart neither', async () => {
  const search = searchFor({ token: device.token, password: PASSWORD, environment: ENVIRONMENT_SECRET });
  await device.stop();
  await device.start();
  search.look('the log', device.log());
  await search.lookInFolder(device.home, { 'api-token': ['token'] });
  await search.lookInFolder(device.folder);
  for (const path of [
    '/metrics',
    '/stats',
    '/api/device',
    '/api/runs',
    '/api/sessions',
    '/api/projects',
    `/api/runs/${run.id}`,
  ])
    search.look(path, (await device.ask(path)).text);
  const events = await messagesOf(device.socket(`/api/runs/${run.id}/events`));
  search.look('the events', JSON.stringify(events.messages));
  expect(search.found).toEqual([]);
  expect(search.bytesSeen).toBeGreaterThan(10_000);
  // The same search finds what is there: the token in its own file.
  search.look('api-token', await readFile(join(device.home, 'api-token')));
  expect(search.found).toEqual(['token in api-token']);
});
