/** R10: a cell reads files at least as new as what was on the submitter's screen. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run, RunEvent } from '@markco/protocol';
import { expect, test } from 'vitest';
import { messagesOf, newRunId, startDevice } from '../../conformance/device.fixture.ts';

const RUNS = 300 * Number(process.env['MARKCO_TRIALS'] ?? 1);
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

test(`RUN-2 R10 ${RUNS} runs, 30 % of them with edits in flight: the file that the cell reads is what its submitter saw`, async () => {
  await using device = await startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } });
  const { id } = await device.document('page');
  const [writer, other] = [device.client(), device.client()];
  const open = writer.openDocument({ projectId: device.project.id, documentId: id });
  const beside = other.openDocument({ projectId: device.project.id, documentId: id });
  await Promise.all([open.ready, beside.ready]);
  const code = 'import hashlib\nprint(hashlib.sha256(open("page.md", "rb").read()).hexdigest())';
  let inFlight = 0;
  let behind = 0;
  const stale: string[] = [];
  for (let number = 0; number < RUNS; number++) {
    const isInFlight = number % 10 < 3;
    open.text.insert(7, `${number} `);
    // In flight: on its way to the device. Otherwise: in its log, and mostly not in the file yet.
    if (!isInFlight) await open.saved(AbortSignal.timeout(10_000));
    else inFlight++;
    const seen = open.text.toString();
    if ((await readFile(join(device.folder, 'page.md'), 'utf8')) !== seen) behind++;
    const run = await writer.submitRun(
      {
        id: newRunId(),
        projectId: device.project.id,
        language: 'python',
        documentId: id,
        code,
        docVersion: open.version(),
      },
      AbortSignal.timeout(20_000),
    );
    const { messages } = await messagesOf(device.socket(`/api/runs/${run.id}/events`));
    const read = (messages as RunEvent[])
      .map((event) => (event.type === 'stdout' ? event.payload.text : ''))
      .join('')
      .trim();
    if (read !== sha(seen))
      stale.push(`${number}: ${read} for ${sha(seen)} (${JSON.stringify((messages as RunEvent[]).at(-1))})`);
  }
  expect(stale).toEqual([]);
  expect(inFlight).toBe(RUNS * 0.3);
  // Without the barrier these would have read an older file.
  expect(behind).toBeGreaterThan(RUNS * 0.5);
});

test('R10 a run waits for an edit that its submitter has and the device has not, and fails in words when it never comes', async () => {
  await using device = await startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } });
  const { id } = await device.document('page');
  const client = device.client();
  const open = client.openDocument({ projectId: device.project.id, documentId: id });
  await open.ready;
  await client.close();
  open.text.insert(0, 'never sent ');
  const began = performance.now();
  const run = await device.get<Run>('/api/runs', {
    body: {
      projectId: device.project.id,
      language: 'python',
      documentId: id,
      docVersion: open.version(),
      code: 'open("ran", "w")',
    },
  });
  const { messages } = await messagesOf(device.socket(`/api/runs/${run.id}/events`));
  expect(messages).toMatchObject([{ type: 'error', payload: { type: 'barrier_timeout' } }]);
  expect(await device.get<Run>(`/api/runs/${run.id}`)).toMatchObject({
    state: 'failed',
    error: { type: 'barrier_timeout' },
  });
  expect(performance.now() - began).toBeLessThan(20_000);
});
