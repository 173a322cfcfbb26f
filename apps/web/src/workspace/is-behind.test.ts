import { newId, type DeviceId, type Run } from '@markco/protocol';
import { expect, test } from 'vitest';
import { isBehind } from './is-behind.ts';

const box = newId<DeviceId>({ now: () => 0, randomBytes: (length) => new Uint8Array(length) });
const run = { state: 'queued', routedTo: { hostType: 'device', reason: 'availability', deviceId: box } } as Run;
const since = '2026-11-22T14:02:00.000Z';

test.each<[string, Partial<Run>, Partial<Run>]>([
  ['an earlier state', { state: 'queued' }, { state: 'running' }],
  ['an earlier place in the queue', { queuePosition: 2 }, { queuePosition: 1 }],
  ['anything of a run that is over', { state: 'running', unreachable: since }, { state: 'completed' }],
  ['an earlier state with a silent device', { state: 'queued', unreachable: since }, { state: 'running' }],
])('%s is behind', (_name, told, known) => {
  expect(isBehind({ ...run, ...told }, { ...run, ...known })).toBe(true);
});

test.each<[string, Partial<Run>, Partial<Run>]>([
  ['the same again', {}, {}],
  ['waiting for a device after having a place', { waitsFor: 'box' }, { queuePosition: 0 }],
  ['a place after waiting for a device', { queuePosition: 3 }, { waitsFor: 'box' }],
  ['nothing to wait for any more', {}, { waitsFor: 'box' }],
  ['a silent device', { state: 'running', unreachable: since }, { state: 'running' }],
  ['a device that answers again', { state: 'running' }, { state: 'running', unreachable: since }],
])('%s is news', (_name, told, known) => {
  expect(isBehind({ ...run, ...told }, { ...run, ...known })).toBe(false);
});
