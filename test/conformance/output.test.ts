/** What a run prints and what of it goes through the document. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeFrame, encodeFrame } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { once } from 'node:events';
import type { Run } from '@markco/protocol';
import { eventually, newRunId, startDevice } from './device.fixture.ts';

const FLUSHES = 600;
const CODE = `import time
for i in range(${FLUSHES}):
    print(f"step {i:04d} of a log that is written all the time", flush=True)
    time.sleep(0.002)`;

const device = await startDevice({ files: { 'log.md': `# Log\n\n\`\`\`python\n${CODE}\n\`\`\`\n` } });
afterAll(() => device[Symbol.asyncDispose]());

test('M9 live output never goes through the document: 600 flushes are one update, about as large as what they leave', async () => {
  const document = (await device.documents()).find(({ path }) => path === 'log');
  if (document === undefined) throw new Error('the document is not listed');
  const socket = device.socket(`/sync/${device.userId}/${device.project.slug}/log`);
  const updates: number[] = [];
  socket.on('message', (data: Buffer) => {
    const frame = decodeFrame(new Uint8Array(data));
    if (frame.type === 'update') updates.push(frame.update.length);
  });
  await once(socket, 'open');
  socket.send(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
  const run = await device.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, documentId: document.id, language: 'python', code: CODE },
  });
  await eventually(
    async () => (await device.get<Run>(`/api/runs/${run.id}`)).state === 'completed',
    'the run to end',
    30_000,
  );
  const file = join(device.folder, 'log.md');
  const output = await eventually(
    async () => /```output\n([\s\S]*?)```/.exec(await readFile(file, 'utf8'))?.[1],
    'the output to be in the file',
  );
  socket.close();
  expect(output?.split('\n').filter((line) => line.startsWith('step ')).length).toBe(FLUSHES);
  expect(updates.length).toBe(1);
  expect(updates[0]).toBeLessThan((output?.length ?? 0) + 200);
});
