/** A run on another device, read from a third one, and after its host has gone. */
import type { Run, RunEvent } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, messagesOf, newRunId, type Device } from './device.fixture.ts';
import { connectedTo, pair, SOON_MS, start } from './paired.fixture.ts';

const seqs = (events: readonly RunEvent[]): readonly number[] => events.map(({ seq }) => seq);
const textOf = (events: readonly RunEvent[]): string =>
  events.map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('');

/** What is read of a run until the device says that this is all. */
async function read(device: Device, id: string, query = ''): Promise<readonly RunEvent[]> {
  const { messages, code } = await messagesOf(device.socket(`/api/runs/${id}/events${query}`));
  expect(code).toBe(1000);
  const events = messages as readonly RunEvent[];
  expect(seqs(events)).toEqual(events.map((_, index) => index));
  return events;
}

const over = (device: Device, id: string): Promise<Run> =>
  eventually(
    async () => {
      const run = await device.get<Run>(`/api/runs/${id}`);
      return run.completedAt === undefined ? null : run;
    },
    'the end of the run',
    SOON_MS,
  );

test('ELSEWHERE-4 what was submitted here is copied here unasked, is read on a third device, and outlives its host', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await using desktop = await start('desktop', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await pair(laptop, desktop);
  await eventually(async () => (await connectedTo(desktop)).join() === 'box,laptop', 'all three', SOON_MS);
  const submit = (code: string): Promise<Run> =>
    laptop.get<Run>('/api/runs', {
      body: { id: newRunId(), projectId: laptop.project.id, language: 'python', code, runOn: 'box' },
    });

  const unread = await submit('for i in range(300):\n    print("unread", i)\n"its result"');
  const wanted = Array.from({ length: 300 }, (_, i) => `unread ${i}\n`).join('');
  await over(laptop, unread.id);
  // The third one finds it, and reads all of it: as it was, and as it is followed.
  expect(await over(desktop, unread.id)).toMatchObject({ ranOn: 'box' });
  expect(textOf(await read(desktop, unread.id, '?live=0'))).toBe(wanted);
  expect(textOf(await read(desktop, unread.id))).toBe(wanted);
  expect((await desktop.get<{ runs: Run[] }>('/api/runs')).runs.map(({ id }) => id)).toContain(unread.id);

  // It says something, and goes on for longer than its host will be there.
  const going = await submit('import time\nfor i in range(100):\n    print(i, flush=True)\ntime.sleep(3_600)');
  const following = laptop.socket(`/api/runs/${going.id}/events`);
  let heard = '';
  following.on('message', (data) => (heard += textOf([JSON.parse(String(data)) as RunEvent])));
  await eventually(() => heard.includes('99\n'), 'what it has said', SOON_MS);
  // One that goes on elsewhere is read to where it is, and no further.
  expect(textOf(await read(laptop, going.id, '?live=0'))).toBe(heard);
  expect(textOf(await read(desktop, going.id, '?live=0'))).toBe(heard);
  await eventually(
    async () => (await laptop.get<Run>(`/api/runs/${going.id}`)).state === 'running',
    'it to be running',
    SOON_MS,
  );

  // Nobody has looked at this one on the third device.
  const unseen = await laptop.get<Run>('/api/runs', {
    body: {
      id: newRunId(),
      projectId: laptop.project.id,
      language: 'bash',
      code: 'echo unseen; sleep 60',
      runOn: 'box',
    },
  });
  const heardOfIt = async () => textOf(await read(laptop, unseen.id, '?live=0').catch(() => [])) === 'unseen\n';
  await eventually(heardOfIt, 'what it has said', SOON_MS);

  await box.kill();
  await eventually(async () => !(await connectedTo(laptop)).includes('box'), 'the box to be gone', SOON_MS);
  await laptop.kill();
  await laptop.start();
  await eventually(async () => (await connectedTo(desktop)).join() === 'laptop', 'the laptop alone', SOON_MS);
  for (const device of [laptop, desktop]) {
    expect(textOf(await read(device, unread.id))).toBe(wanted);
    expect(await device.get<Run>(`/api/runs/${unread.id}`)).toMatchObject({ state: 'completed', ranOn: 'box' });
    expect(textOf(await read(device, going.id, '?live=0'))).toBe(heard);
    // Nobody here can know more: neither ended nor failed.
    expect(await device.get<Run>(`/api/runs/${going.id}`)).toMatchObject({ id: going.id, state: 'running' });
    const { runs } = await device.get<{ runs: Run[] }>('/api/runs');
    expect(runs.map(({ id }) => id).toSorted()).toEqual([unread.id, going.id, unseen.id].toSorted());
    // Who submitted it tells of it in the place of its host.
    expect(textOf(await read(device, unseen.id, '?live=0'))).toBe('unseen\n');
  }

  // The host is back: what is followed goes on where it was, and ends.
  const again = laptop.socket(`/api/runs/${going.id}/events`);
  const reading = messagesOf(again);
  await new Promise((resolve) => again.once('message', resolve));
  await box.start();
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box again', SOON_MS);
  await laptop.get(`/api/runs/${going.id}/cancel`, { method: 'POST' });
  const events = (await reading).messages as readonly RunEvent[];
  expect(seqs(events)).toEqual(events.map((_, index) => index));
  expect(textOf(events)).toBe(heard);
  expect(events.at(-1)?.type).toBe('error');
  expect(await over(laptop, going.id)).toMatchObject({ state: 'cancelled' });
});
