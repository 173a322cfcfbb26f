/** R11, R13: a run starts once and ends once, however often it is delivered and however often the device is killed. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runMachine, type Run, type RunEvent, type RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, messagesOf, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';

const SUBMISSIONS = 100 * Number(process.env['MARKCO_TRIALS'] ?? 1);
const RESTARTS = 5;

/** Delivers a request several times by both ways; whatever the device is doing just then. */
async function deliver(device: Device, requests: readonly object[]): Promise<void> {
  const socket = device.socket('/api/stream');
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'open'), once(socket, 'close')]).catch(() => undefined);
  for (const request of requests) {
    if (socket.readyState === socket.OPEN)
      for (let copy = 0; copy < 2; copy++) socket.send(JSON.stringify({ op: 'submit', ...request }));
  }
  await Promise.all(
    requests.flatMap((body) => [
      device.ask('/api/runs', { body }).catch(() => undefined),
      device.ask('/api/runs', { body }).catch(() => undefined),
    ]),
  );
  socket.close();
}

test(`RUN-1 RUN-4 R11 R13 ${SUBMISSIONS} submissions, each delivered many times over HTTP and the stream, the device killed ${RESTARTS} times: one start, one end each`, async () => {
  await using device = await startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } });
  const { id: documentId } = await device.document('page');
  const requests = Array.from({ length: SUBMISSIONS }, () => {
    const id = newRunId();
    return {
      id,
      projectId: device.project.id,
      language: 'python',
      documentId,
      code: `with open("starts", "a") as f: f.write("${id}\\n")\nprint("${id}")`,
    };
  });
  const size = Math.ceil(SUBMISSIONS / (RESTARTS + 1));
  for (let restart = 0; restart <= RESTARTS; restart++) {
    const mine = requests.slice(restart * size, (restart + 1) * size);
    // Those of before come again, too.
    const delivering = deliver(device, [...mine, ...requests.slice(Math.max(0, restart * size - 5), restart * size)]);
    if (restart < RESTARTS) {
      await new Promise((resolve) => setTimeout(resolve, 30 + restart * 40));
      await device.kill();
      await delivering;
      await device.start();
    } else await delivering;
  }
  // Whoever does not know whether it arrived sends it again.
  for (let at = 0; at < requests.length; at += 50) await deliver(device, requests.slice(at, at + 50));

  const runs = new Map<RunId, Run>();
  for (const { id } of requests) {
    const { messages, code } = await messagesOf(device.socket(`/api/runs/${id}/events`));
    const events = messages as RunEvent[];
    expect(code).toBe(1000);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    expect([
      id,
      events.filter(({ type }) => type === 'result' || type === 'error').length,
      ['result', 'error'].includes(events.at(-1)?.type ?? ''),
    ]).toEqual([id, 1, true]);
    runs.set(id, await device.get<Run>(`/api/runs/${id}`));
  }
  const starts = (await readFile(join(device.folder, 'starts'), 'utf8')).trim().split('\n');
  expect(starts.length).toBe(new Set(starts).size);
  for (const [id, run] of runs) {
    expect([id, runMachine.isTerminal(run.state)]).toEqual([id, true]);
    if (run.state === 'completed') expect(starts).toContain(id);
    // Killed between the note of its start and the code being sent: lost, and never started again.
    else expect([run.error?.type, starts.includes(id)]).toEqual(['lost', false]);
  }
  expect([...runs.values()].filter(({ state }) => state === 'completed').length).toBeGreaterThan(SUBMISSIONS * 0.9);
});

test('RUN-5 a run goes on while its device is dead, and its output is whole in the stream and in the document afterwards', async () => {
  const cell = '```python\nimport time\nfor i in range(100):\n    print(i, flush=True)\n    time.sleep(0.02)\n```\n';
  await using device = await startDevice({ files: { 'page.md': `# Page\n\n${cell}` }, env: { LOG_LEVEL: 'warn' } });
  const { id: documentId } = await device.document('page');
  const code = cell.split('\n').slice(1, -2).join('\n');
  const run = await device.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'python', documentId, code },
  });
  const follower = device.socket(`/api/runs/${run.id}/events`);
  await once(follower, 'message');
  const { promise: cut, resolve } = Promise.withResolvers<void>();
  follower.once('close', () => resolve());
  follower.on('error', () => undefined);
  await device.kill();
  await cut;
  await new Promise((wait) => setTimeout(wait, 500));
  await device.start();
  const { messages, code: closed } = await messagesOf(device.socket(`/api/runs/${run.id}/events`));
  const lines = Array.from({ length: 100 }, (_, index) => `${index}\n`).join('');
  expect(closed).toBe(1000);
  expect((messages as RunEvent[]).map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('')).toBe(
    lines,
  );
  expect(await device.get<Run>(`/api/runs/${run.id}`)).toMatchObject({
    state: 'completed',
    startedAt: expect.any(String),
  });
  await eventually(
    async () =>
      (await readFile(join(device.folder, 'page.md'), 'utf8')) === `# Page\n\n${cell}\n\`\`\`output\n${lines}\`\`\`\n`,
    'the output in the file',
  );
});
