import { codeOptions, newId, type DeviceId, type Language } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { CellRun } from '../runs.ts';
import { createNextPlaces } from './next-place.ts';

const ids = { now: () => 0, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const [laptop, box] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
const cell = (id: string, language: Language = 'python', code = '') => ({
  ...{ id, language },
  options: codeOptions(code, language),
});

test('a cell is expected where the newest run that asked for the same went, until somebody is told better', () => {
  const known = new Map<string, { id: string; deviceId: DeviceId | null }>();
  const next = createNextPlaces({ stateOf: (id) => (known.get(id) as CellRun | undefined) ?? null });
  const [a, b, gpu, shell] = [cell('a'), cell('b'), cell('g', 'python', '#| needs: gpu\nx'), cell('s', 'bash')];
  const places = () => {
    next.learn([a, b, gpu, shell]);
    return [a, b, gpu, shell].map((one) => next.of(one));
  };
  expect(places()).toEqual([null, null, null, null]);
  known.set('a', { id: '1', deviceId: laptop }).set('s', { id: '2', deviceId: null });
  expect(places()).toEqual([laptop, laptop, null, null]);
  known.set('b', { id: '3', deviceId: box }).set('g', { id: '4', deviceId: laptop });
  expect(places()).toEqual([box, box, laptop, null]);
  next.note(a, laptop);
  next.note(shell, box);
  expect(places()).toEqual([laptop, laptop, laptop, box]);
  known.set('a', { id: '5', deviceId: box });
  expect(places()).toEqual([box, box, laptop, box]);
});
