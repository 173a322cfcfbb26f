/** A device that stands in for the others, as the one beside a cloud: what it runs, and what it leaves to them. */
import type { Decision, Run } from '@markco/protocol';
import { freePort } from '@markco/replica/free-port.fixture';
import { expect, test } from 'vitest';
import { eventually, newRunId } from './device.fixture.ts';
import { connectedTo, pair, SOON_MS, start, type Named } from './paired.fixture.ts';

const submit = (device: Named): Promise<Run> =>
  device.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'bash', code: 'echo here' },
  });

const ended = (device: Named, { id }: Run): Promise<Run> =>
  eventually(
    async () => {
      const now = await device.get<Run>(`/api/runs/${id}`);
      return now.completedAt === undefined ? undefined : now;
    },
    `the end of ${id}`,
    SOON_MS,
  );

const sees = (device: Named, name: string, isThere: boolean) =>
  eventually(
    async () => (await connectedTo(device)).includes(name) === isThere,
    `${name} to be ${isThere ? 'there' : 'away'} for ${device.name}`,
    SOON_MS,
  );

test('a device that stands in runs what no other can now, and nothing more once one is back', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' }, { MARKCO_PEER_PORT: String(await freePort()) });
  await using server = await start('server', { 'mine.md': '# Mine\n' }, { MARKCO_FALLBACK: '1' });
  // Two that run nothing themselves, the one of an owner who would rather wait.
  await using desk = await start('desk', { 'desk.md': '# Desk\n' });
  await using phone = await start('phone', { 'own.md': '# Own\n' }, { ENABLE_CLOUD_FALLBACK: '0' });
  const none = { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 0 };
  for (const device of [desk, phone]) await device.get('/api/device/policy', { method: 'PUT', body: none });
  for (const device of [server, desk, phone]) await pair(laptop, device);
  for (const device of [desk, phone]) {
    await sees(device, 'laptop', true);
    await sees(device, 'server', true);
  }

  expect(await ended(desk, await submit(desk))).toMatchObject({ state: 'completed', ranOn: 'laptop' });

  await laptop.stop();
  for (const device of [desk, phone]) await sees(device, 'laptop', false);
  const away = await submit(desk);
  const { why } = await desk.get<Decision>(`/api/runs/${away.id}/decision`);
  expect(why).toContain('No device of yours can take it now, so server runs it.');
  expect(await ended(desk, away)).toMatchObject({ state: 'completed', ranOn: 'server' });
  const waits = await submit(phone);
  expect(waits).toMatchObject({ state: 'queued' });
  expect(waits.routedTo.why).toContain('The run waits for laptop.');

  await laptop.start();
  for (const device of [desk, phone]) await sees(device, 'laptop', true);
  expect(await ended(phone, waits)).toMatchObject({ state: 'completed', ranOn: 'laptop' });
  expect(await ended(desk, await submit(desk))).toMatchObject({ state: 'completed', ranOn: 'laptop' });
});
