/** `ENABLE_REMOTE_EXEC_ROUTING=0`: no browser reaches a device through the cloud, and one that did reaches it no more. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, refusalOf } from './device.fixture.ts';

/** To the device beside the cloud. A browser says whose page it shows; a device says nothing. */
const toDevice = ({ origin }: CloudProgram, headers: Record<string, string>): WebSocket =>
  new WebSocket(`${origin.replace('http', 'ws')}/`, { headers });

test('switched off while a browser is connected to a device: that ends, it is not let in again, and devices still meet', async () => {
  const env: Record<string, string> = {};
  await using cloud = await startCloud(env);
  await cloud.device.get('/api/pairing', {});
  const browser = { origin: cloud.origin };
  const open = toDevice(cloud, browser);
  await once(open, 'open');
  const pipes = async (): Promise<number> => (await cloud.get<{ pipes: number }>('/stats')).json.pipes;
  expect(await pipes()).toBe(1);
  const closed = once(open, 'close');
  Object.assign(env, { ENABLE_REMOTE_EXEC_ROUTING: '0' });
  expect(await cloud.stop()).toBe(0);
  await closed;
  await cloud.start();
  expect((await refusalOf(toDevice(cloud, browser))).status).toBeGreaterThanOrEqual(400);
  expect(await pipes()).toBe(0);
  const device = toDevice(cloud, {});
  await once(device, 'open');
  device.terminate();
  Object.assign(env, { ENABLE_REMOTE_EXEC_ROUTING: '1' });
  await cloud.stop();
  await cloud.start();
  const again = toDevice(cloud, browser);
  await once(again, 'open');
  again.terminate();
  await eventually(async () => (await pipes()) === 0, 'it to end');
});
