import type { RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { ask, device, id } from './device.fixture.ts';
import { explain, recordOf } from './explain.ts';
import { place } from './place.ts';
import { REFUSED } from './sentence.ts';
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

const runId = '00000000-0000-7000-8000-00000000abcd' as RunId;
const at = '2026-11-21T18:10:00.000Z';
const time = (iso: string) => iso.slice(11, 16);

function decide(devices: readonly DeviceFacts[], request: PlaceRequest) {
  return recordOf({ runId, at }, request, place({ atMs: 0, devices }, request));
}

test('each device is a line: its score and what it is made of, or what refused it', () => {
  const record = decide(
    [
      device(1, { name: 'laptop' }),
      device(2, { name: 'phone', queuedRuns: 1, latencyMs: null, resources: { network: 'metered' } }),
      device(3, { name: 'gpu-box', online: false }),
      device(4, { name: 'nas', runtimes: [] }),
      device(5, { name: 'old', queuedRuns: 1, latencyMs: null }),
    ],
    ask({ sessionOn: id(1) }),
  );
  expect(explain(record, time)).toEqual([
    'The session is already running on laptop.',
    'laptop: 80 · session +50, nothing waits +20, near +10',
    'old: 0 · nothing for it or against it',
    'phone: −40 · to be spared −40',

    'gpu-box refused: it is offline since 08:00',
    'nas refused: it has no Python',
  ]);
});

test('the record is plain JSON and says it all', () => {
  const record = decide([device(1), device(2, { online: false })], ask({ sessionOn: id(2) }));
  expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  expect(record).toMatchObject({ runId, at, chosen: id(1), reason: 'availability', newSession: true, waitsFor: null });
  const waiting = decide([device(2, { online: false })], ask());
  expect(waiting).toMatchObject({ chosen: null, reason: null, newSession: false, waitsFor: id(2) });
});

test('the record of a large mesh lists the best, and whoever was asked for', () => {
  const devices = Array.from({ length: 100 }, (_, n) => device(n + 1));
  const record = decide(devices, ask({ runOn: id(90), sessionOn: id(91) }));
  expect(record.devices).toHaveLength(20);
  expect(record.devicesLeftOut).toBe(80);
  expect(record.devices.map(({ deviceId }) => deviceId)).toEqual(expect.arrayContaining([id(90), id(91)]));
  expect(explain(record, time).at(-1)).toBe('and 80 more');
});

test('every rule has its words', () => {
  for (const words of Object.values(REFUSED)) expect(words(ask({ needsGpu: 'cuda' }))).toMatch(/^\w.+[^.]$/);
});
