import { Failure, newId, type ProjectId, type RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { Client } from '../client.ts';
import { withDevices, type AsDevice, type Way } from './with-devices.ts';

const ids = { now: () => 0, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const id = newId<RunId>(ids);
const projectId = newId<ProjectId>(ids);
const request = { id, projectId, language: 'python', code: '1' };
const signal = new AbortController().signal;

function world({ isCloud = true, agents = [] }: { isCloud?: boolean; agents?: readonly object[] } = {}) {
  const asked: string[] = [];
  const note = (who: string, what: string): Promise<never> => {
    asked.push(`${who} ${what}`);
    return Promise.resolve({} as never);
  };
  const server = {
    api(name: string) {
      if (name === 'peerDoor' && !isCloud) return Promise.reject(new Failure('not_found', 'A device.'));
      void note('server', name);
      return Promise.resolve({ devices: agents, runs: [], sessions: [] });
    },
    submitRun: (asks: object) => (void note('server', 'submitRun'), Promise.resolve(asks)),
    cancelRun: () => note('server', 'cancelRun'),
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
  expect(asked.slice(2)).toEqual([
    ...['devices watchProject', 'devices submitRun'],
    // Agents of the cloud, which take runs that name them.
    ...['server runs', 'devices runs', 'server documents'],
  ]);
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

test('a run goes to a plain agent of the cloud when it names one, and stays there', async () => {
  const { client, asked, become } = world({ agents: [{ id: 'a', name: 'Attic', plainAgent: true }] });
  become();
  await client.submitRun({ ...request, runOn: 'attic' }, signal);
  await client.cancelRun(id);
  await client.submitRun({ ...request, id: newId<RunId>(ids), runOn: 'laptop' }, signal);
  expect(asked.filter((each) => !each.endsWith('watchProject'))).toEqual([
    ...['server devices', 'server submitRun', 'server cancelRun', 'server devices', 'devices submitRun'],
  ]);
  expect(await client.api('devices', {})).toMatchObject({ devices: [{ name: 'laptop' }, { name: 'Attic' }] });
});
