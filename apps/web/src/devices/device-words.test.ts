import type { DeviceHere } from '@markco/protocol';
import { expect, test } from 'vitest';
import { language } from '../i18n/words.ts';
import { abilityWords, codeWords, countdown, stateWords } from './device-words.ts';

language.value = 'en';
const noon = new Date(2026, 10, 21, 12, 0).getTime();
const at = (hours: number): string => new Date(noon + hours * 3_600_000).toISOString();

type Connection = NonNullable<DeviceHere['connection']>;
const connected = (...paths: readonly Partial<Connection['paths'][number]>[]): Connection =>
  ({ state: 'connected', since: at(-1), paths }) as Connection;
const device = (connection?: Connection, capability: Partial<DeviceHere['capability']> = {}): DeviceHere =>
  ({
    name: 'box',
    ...(connection === undefined ? {} : { connection }),
    capability: { runtimes: [], policy: { allowRemoteExecution: true }, ...capability },
  }) as DeviceHere;

test('a device says whether it is reached, how, and since when not', () => {
  const path = { relayed: false };
  const said = (connection?: Connection): string => stateWords(device(connection), noon);
  expect(said()).toBe('This device');
  expect(said(connected())).toBe('Online');
  expect(said(connected(path))).toBe('Online · direct');
  expect(said(connected({ ...path, roundTripMs: 0.3 }))).toBe('Online · direct, 1 ms');
  expect(said(connected({ ...path, relayed: true, roundTripMs: 91.6 }))).toBe('Online · relayed, 92 ms');
  expect(said(connected({ relayed: true, relayedBy: 'nas' }))).toBe('Online · relayed by nas');
  expect(said({ state: 'connecting', since: at(-1), paths: [] })).toBe('Connecting since 11:00');
  expect(said({ state: 'offline', since: at(-24), paths: [] })).toBe('Offline since Yesterday, 12:00');
});

test('what a device can run is what it says it has and lets others use', () => {
  const runtimes = [
    { language: 'python', available: true },
    { language: 'r', available: false },
    { language: 'js', available: true },
  ] as const satisfies DeviceHere['capability']['runtimes'];
  const gpu = { model: 'RTX 4090', vramMb: 24_564 };
  expect(abilityWords(device(connected()))).toBe('');
  expect(abilityWords(device(connected(), { runtimes: [...runtimes] }))).toBe('Runs Python, JavaScript');
  expect(abilityWords(device(connected(), { runtimes: [...runtimes], gpu }))).toBe(
    'Runs Python, JavaScript · RTX 4090 24 GB',
  );
  expect(abilityWords(device(connected(), { runtimes: [...runtimes], gpu: {} }))).toBe('Runs Python, JavaScript · GPU');
  const policy = { allowRemoteExecution: false } as DeviceHere['capability']['policy'];
  expect(abilityWords(device(connected(), { runtimes: [...runtimes], policy }))).toBe(
    'Runs nothing for your other devices',
  );
  expect(abilityWords(device(undefined, { runtimes: [...runtimes], policy }))).toBe('Runs Python, JavaScript');
});

test('a code is in two groups, and a countdown never goes below zero', () => {
  expect(codeWords('42718830')).toBe('4271 8830');
  expect([300_000, 61_000, 59_001, 1, 0, -5_000].map(countdown)).toEqual([
    '5:00',
    '1:01',
    '1:00',
    '0:01',
    '0:00',
    '0:00',
  ]);
});
