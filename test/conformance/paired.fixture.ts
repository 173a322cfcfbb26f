/** For tests: devices of one person, each a program of its own, and how two of them are paired. */
import type { DeviceHere, PairingHere } from '@markco/protocol';
import { expect } from 'vitest';
import { eventually, startDevice, type Device } from './device.fixture.ts';

/** What takes a moment on a machine that is idle takes this long at most on one that is not. */
export const SOON_MS = 30_000;
export type Named = Device & AsyncDisposable & { readonly name: string };

export async function start(
  name: string,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Named> {
  const device = await startDevice({ files, env: { ...env, MARKCO_NAME: name } });
  return Object.assign(device, { name });
}

export const devicesOf = async (device: Device): Promise<readonly DeviceHere[]> =>
  (await device.get<{ devices: DeviceHere[] }>('/api/devices')).devices;
export const connectedTo = async (device: Device): Promise<readonly string[]> =>
  (await devicesOf(device))
    .filter(({ connection }) => connection?.state === 'connected')
    .map(({ name }) => name)
    .toSorted();

/** By the link, which says where the one that adds is. */
export async function pair(adder: Named, joiner: Named): Promise<void> {
  const { offered } = await adder.get<PairingHere>('/api/pairing', { method: 'POST' });
  await joiner.get('/api/pairing/join', { body: { code: offered?.link } });
  await eventually(
    async () => (await adder.get<PairingHere>('/api/pairing')).offered?.state === 'asked',
    `${joiner.name} to ask`,
    SOON_MS,
  );
  const [shown, seen] = await Promise.all([
    adder.get<PairingHere>('/api/pairing'),
    joiner.get<PairingHere>('/api/pairing'),
  ]);
  expect(shown.offered?.check).toEqual(seen.joining?.check);
  expect(shown.offered?.device?.name).toBe(joiner.name);
  await adder.get('/api/pairing/approve', { method: 'POST' });
  await eventually(
    async () => (await joiner.get<PairingHere>('/api/pairing')).joining?.state === 'joined',
    `${joiner.name} to be added`,
    SOON_MS,
  );
}
