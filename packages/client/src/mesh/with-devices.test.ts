import { Failure, newId, type ProjectId, type RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { Client } from '../client.ts';
import { withDevices, type AsDevice, type Way } from './with-devices.ts';

const ids = { now: () => 0, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const id = newId<RunId>(ids);
const projectId = newId<ProjectId>(ids);
const request = { id, projectId, language: 'python', code: '1' };
const signal = new AbortController().signal;

function world({ isCloud = true } = {}) {
  const asked: string[] = [];
  const note = (who: string, what: string): Promise<never> => {
    asked.push(`${who} ${what}`);
    return Promise.resolve({} as never);
  };
  const server = {
    api(name: string) {
      if (name === 'peerDoor' && !isCloud) return Promise.reject(new Failure('not_found', 'A device.'));
      return note('server', name);
    },
    submitRun: () => note('server', 'submitRun'),
    followRun: () => () => undefined,
    watchProject: () => () => undefined,
  } as unknown as Client;
  const device = { devices: () => [{ name: 'laptop' }] };
  const runs = {
    submitRun: () => note('devices', 'submitRun'),
    runs: () => note('devices', 'runs'),
    watchProject: () => (void note('devices', 'watchProject'), () => undefined),
  };
  const is = { device: false };
  const joined = new Set<() => void>();
  const codes: string[] = [];
  const way: Way = {
    isDevice: () => is.device,
    open: () => Promise.resolve({ device, runs } as unknown as AsDevice),
    joining: () => (codes.length === 0 ? undefined : { state: 'waiting' }),
    join: (code) => void codes.push(code),
    onJoined(listener) {
      joined.add(listener);
      return () => void joined.delete(listener);
    },
  };
  const become = (): void => {
    is.device = true;
    for (const listener of joined) listener();
  };
  return { client: withDevices(server, way), asked, codes, become };
}

test('runs are asked of the server while the browser is no device, and of the devices from then on', async () => {
  const { client, asked, become } = world();
  client.watchProject(projectId, () => undefined);
  await client.submitRun(request, signal);
  await client.api('documents', { params: { id: projectId } });
  expect(asked).toEqual(['server submitRun', 'server documents']);
  become();
  await client.submitRun(request, signal);
  await client.api('runs', {});
  await client.api('documents', { params: { id: projectId } });
  expect(asked.slice(2)).toEqual(['devices watchProject', 'devices submitRun', 'devices runs', 'server documents']);
  expect(await client.api('devices', {})).toEqual({ devices: [{ name: 'laptop' }] });
  await expect(client.api('removeDevice', { params: { id: 'x' } })).rejects.toThrow('markco devices remove');
});

test('a code that is typed at a cloud is for this browser, at a device for that device', async () => {
  const cloud = world();
  expect(await cloud.client.api('joinPairing', { body: { code: '42718830' } })).toEqual({
    joining: { state: 'waiting' },
  });
  expect(cloud.codes).toEqual(['42718830']);
  const own = world({ isCloud: false });
  await own.client.api('pairing', {});
  await own.client.api('joinPairing', { body: { code: '42718830' } });
  expect([own.codes, own.asked]).toEqual([[], ['server pairing', 'server joinPairing']]);
});
