/** A run that says nothing for hours is left alone, and so is whoever waits for it. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Run, RunEvent } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, messagesOf, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';

const CLOCK = pathToFileURL(join(import.meta.dirname, 'clock.fixture.ts')).href;
const HOURS = 2;
const CODE =
  'import os, time\nprint("before", flush=True)\nwhile not os.path.exists("go"): time.sleep(0.01)\nprint("after")\n6 * 7';

/** Lets two hours pass for the device, once more. */
async function letHoursPass(device: Device): Promise<void> {
  const before = device.log().split('two hours have passed').length;
  const { pid } = JSON.parse(await readFile(join(device.home, 'device.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGUSR2');
  await eventually(() => device.log().split('two hours have passed').length > before, 'two hours to pass', 60_000);
}

test(`RUN-5 a run that is silent for ${HOURS} hours goes on, with those who follow it, and a session that nobody uses keeps its variables`, async () => {
  await using device = await startDevice({
    files: { 'page.md': '# Page\n' },
    env: { LOG_LEVEL: 'warn', NODE_OPTIONS: `--import=${CLOCK}` },
  });
  const project = { projectId: device.project.id, language: 'python' };
  const run = await device.get<Run>('/api/runs', { body: { id: newRunId(), ...project, code: CODE } });
  const follower = device.socket(`/api/runs/${run.id}/events`);
  const stream = device.socket('/api/stream');
  const following = messagesOf(follower);
  let dropped = false;
  stream.once('close', () => (dropped = true));
  await Promise.all([once(follower, 'message'), once(stream, 'open')]);

  await letHoursPass(device);
  expect(await device.get<Run>(`/api/runs/${run.id}`)).toMatchObject({ state: 'running' });
  expect([dropped, follower.readyState]).toEqual([false, follower.OPEN]);
  const waits = await device.get<Run>('/api/runs', { body: { id: newRunId(), ...project, code: 'os.getpid() > 0' } });
  expect(Date.parse(waits.createdAt) - Date.parse(run.createdAt)).toBeGreaterThanOrEqual(HOURS * 3_600_000);

  await writeFile(join(device.folder, 'go'), '');
  const { messages, code } = await following;
  const events = messages as RunEvent[];
  expect(code).toBe(1000);
  expect(events.map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('')).toBe('before\nafter\n');
  expect(events.at(-1)).toMatchObject({ type: 'result', payload: { data: { 'text/plain': '42' } } });
  expect(await device.get<Run>(`/api/runs/${run.id}`)).toMatchObject({ state: 'completed' });

  // What waited has its turn, and hours with nothing at all to do take no variables away.
  await messagesOf(device.socket(`/api/runs/${waits.id}/events`));
  expect(await device.get<Run>(`/api/runs/${waits.id}`)).toMatchObject({ state: 'completed' });
  await letHoursPass(device);
  const later = await device.get<Run>('/api/runs', { body: { id: newRunId(), ...project, code: 'os.getpid() > 0' } });
  await messagesOf(device.socket(`/api/runs/${later.id}/events`));
  expect(await device.get<Run>(`/api/runs/${later.id}`)).toMatchObject({ state: 'completed' });
  expect(dropped).toBe(false);
  stream.close();
});
