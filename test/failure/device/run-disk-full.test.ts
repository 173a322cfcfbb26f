/** R14 on a full disk: a program whose output finds no room waits for it; nothing is lost, and it goes on by itself. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run, RunEvent } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, messagesOf, newRunId, startDevice } from '../../conformance/device.fixture.ts';
import { smallDisk, withTemporaryFolder } from '../small-disk.ts';

const DISK_BYTES = 48 * 1024 * 1024;
const ROOM_BYTES = 2 * 1024 * 1024;
const LINES = 60_000;
const LINE_BYTES = 80;
const expected = Array.from({ length: LINES }, (_, at) => `${String(at).padStart(LINE_BYTES - 1, '0')}\n`).join('');
const textOf = (events: readonly RunEvent[]): string =>
  events.map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('');

test('R14 a program that prints on a full disk waits, loses nothing and goes on once there is room', async (context) => {
  await using disk = await smallDisk(DISK_BYTES);
  if (disk === undefined) return context.skip('a disk of its own can only be mounted by root');
  await using device = await withTemporaryFolder(disk.folder, () =>
    startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } }),
  );
  const project = { projectId: device.project.id, language: 'python' };
  await messagesOf(
    device.socket(
      `/api/runs/${(await device.get<Run>('/api/runs', { body: { id: newRunId(), ...project, code: '1' } })).id}/events`,
    ),
  );
  await disk.fill(ROOM_BYTES);
  const code = `for i in range(${LINES}): print(f'{i:0${LINE_BYTES - 1}d}')\n'done'`;
  const run = await device.get<Run>('/api/runs', { body: { id: newRunId(), ...project, code } });
  const spool = join(device.home, 'runs', run.id, 'events.jsonl');
  // Full when two looks, further apart than the program waits between two tries, find the same size.
  let before = -1;
  await eventually(
    async () => {
      const { size } = await stat(spool).catch(() => ({ size: 0 }));
      const same = size === before && size > ROOM_BYTES / 2;
      before = size;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return same;
    },
    'the program to wait',
    30_000,
  );
  expect((await device.get<Run>(`/api/runs/${run.id}`)).state).toBe('running');
  expect((await device.ask('/health')).status).toBe(200);
  // What is there by now can be read, and is whole.
  const { messages } = await messagesOf(device.socket(`/api/runs/${run.id}/events?live=0`));
  const part = textOf(messages as RunEvent[]);
  expect(part.length).toBeGreaterThan(LINE_BYTES);
  expect(part.length).toBeLessThan(expected.length);
  expect(expected.startsWith(part)).toBe(true);

  const rest = messagesOf(device.socket(`/api/runs/${run.id}/events`));
  await disk.free();
  const events = (await rest).messages as RunEvent[];
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, seq) => seq));
  expect(textOf(events) === expected, 'every line, in order').toBe(true);
  expect(events.at(-1)).toMatchObject({ type: 'result', payload: { data: { 'text/plain': "'done'" } } });
  expect((await device.get<Run>(`/api/runs/${run.id}`)).state).toBe('completed');
  expect((await readFile(spool, 'utf8')).trimEnd().split('\n').length).toBe(events.length);
});
