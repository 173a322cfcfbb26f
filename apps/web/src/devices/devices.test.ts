import type { Api } from '@markco/client';
import { Failure, type PairingHere } from '@markco/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDevices } from './devices.ts';

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const offer = (state: NonNullable<PairingHere['offered']>['state'], code = '42718830'): PairingHere => ({
  offered: { code, link: `markco:pair#${code}`, expiresAt: '2026-11-21T12:00:00.000Z', state },
});

/** A device whose answers wait for the test, the latest question first in mind. */
function world() {
  const asked: { name: string; answer(value: unknown): Promise<unknown>; refuse(error: Error): Promise<unknown> }[] =
    [];
  const api = ((name: string, { signal }: { signal?: AbortSignal }) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('aborted')));
      asked.push({
        name,
        answer: (value) => (resolve(value), settled()),
        refuse: (error) => (reject(error), settled()),
      });
    })) as unknown as Api;
  const last = (name: string) => {
    const found = asked.findLast((one) => one.name === name);
    if (found === undefined) throw new Error(`Nobody asked for ${name}.`);
    return found;
  };
  const count = (name: string): number => asked.filter((one) => one.name === name).length;
  return { devices: createDevices(api), last, count };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('pairing is asked for each second and devices each five, one question at a time, until it is closed', async () => {
  const { devices, last, count } = world();
  const stop = devices.follow();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(count('pairing'), 'a slow answer is waited for').toBe(1);
  await last('pairing').answer({});
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count('pairing')).toBe(2);
  await last('pairing').refuse(new Failure('not_ready', 'This device does not answer.'));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count('pairing'), 'one that failed is asked again').toBe(3);
  await last('devices').answer({ devices: [] });
  await last('projectsElsewhere').answer({ projects: [] });
  expect(devices.devices.value).toEqual([]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(count('devices')).toBe(2);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([count('pairing'), count('devices')]).toEqual([3, 2]);
});

test('a code that is shown already is found again; how an earlier pairing ended is not told', async () => {
  const one = world();
  one.devices.follow();
  await one.last('pairing').answer({ ...offer('added'), joining: { state: 'failed', why: 'The code is wrong.' } });
  expect(one.devices.pairing.value).toEqual({});
  expect(one.devices.screen.value).toBe('list');
  const two = world();
  two.devices.follow();
  await two.last('pairing').answer(offer('asked'));
  expect(two.devices.pairing.value).toEqual(offer('asked'));
  expect(two.devices.screen.value).toBe('add');
});

test('an answer from before a new code does not take it away, and a second press makes no second code', async () => {
  const { devices, last, count } = world();
  devices.follow();
  const offering = devices.offer();
  await devices.offer();
  expect(count('offerPairing')).toBe(1);
  const before = last('pairing');
  await last('offerPairing').answer(offer('waiting'));
  await offering;
  await before.answer({});
  expect(devices.pairing.value).toEqual(offer('waiting'));
  await vi.advanceTimersByTimeAsync(1_000);
  await last('pairing').answer({});
  expect(devices.pairing.value, 'it is over').toEqual({});
});

test('a device that was added is looked for at once; a refusal is said until the next try', async () => {
  const { devices, last, count } = world();
  devices.follow();
  await last('pairing').answer(offer('asked'));
  const refused = devices.approve();
  await last('approvePairing').refuse(new Failure('conflict', 'No device asks to be added now.'));
  await refused;
  expect(devices.trouble.value).toBe('No device asks to be added now.');
  const approving = devices.approve();
  expect(devices.trouble.value).toBe('');
  await last('approvePairing').answer(offer('added'));
  await approving;
  expect(devices.pairing.value.offered?.state).toBe('added');
  expect(count('devices')).toBe(2);
});

test('opening all projects is asked for once, and changed when the device has said yes', async () => {
  const { devices, last, count } = world();
  devices.follow();
  expect(devices.opensAll.value).toBe(undefined);
  await last('preferences').answer({ opensAll: false });
  expect(devices.opensAll.value).toBe(false);
  void devices.openAll(true);
  expect([devices.opensAll.value, devices.doing.value]).toEqual([false, 'openAll']);
  await last('setPreferences').answer({ opensAll: true });
  expect(devices.opensAll.value).toBe(true);
  void devices.openAll(false);
  await last('devices').answer({ devices: [] });
  await last('projectsElsewhere').answer({ projects: [] });
  expect([count('preferences'), devices.doing.value]).toEqual([1, undefined]);
  void devices.openAll(false);
  await last('setPreferences').refuse(new Failure('storage_failed', 'The disk is full.'));
  expect([devices.opensAll.value, devices.trouble.value]).toEqual([true, 'The disk is full.']);
});

test('what is wrong with the cloud of a device is shown, and gone when it is over', async () => {
  const { devices, last } = world();
  const stop = devices.follow();
  const at = '2026-11-21T12:00:00.000Z';
  const doubts = [{ since: at, message: 'It lacks edits of page.' }];
  await last('cloud').answer({ state: 'connected', url: 'https://cloud.example.com', since: at, doubts });
  expect(devices.doubts.value).toEqual(doubts);
  // A person has seen to it; what could not be said stays.
  void devices.settleDoubts();
  await last('settleCloud').refuse(new Failure('not_ready', 'This device does not answer.'));
  expect([devices.doubts.value, devices.trouble.value]).toEqual([doubts, 'This device does not answer.']);
  void devices.settleDoubts();
  await last('settleCloud').answer(undefined);
  expect([devices.doubts.value, devices.trouble.value]).toEqual([[], '']);
  await vi.advanceTimersByTimeAsync(5_000);
  await last('cloud').answer({ state: 'none' });
  expect(devices.doubts.value).toEqual([]);
  stop();
});
