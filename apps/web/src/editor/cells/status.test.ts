import { newId, type RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { editorMessages } from '../messages.ts';
import type { Translate } from '../parts.ts';
import type { CellRun } from '../runs.ts';
import { formatClock, formatDuration, statusLine, type Where } from './status.ts';

const t: Translate = (key, params = {}) =>
  editorMessages.en[key].replace(/\{(\w+)\}/g, (_, name: string) => String(params[name]));
const run: CellRun = {
  id: newId<RunId>({ now: () => 0, randomBytes: (length) => new Uint8Array(length) }),
  code: '',
  state: 'queued',
  queuePosition: 0,
  host: '',
  deviceId: null,
  why: '',
  waitsFor: '',
  silentSince: null,
  cancelAsked: false,
  startedAt: null,
  endedAt: null,
  trouble: '',
  errorType: '',
  output: null,
  install: null,
};
const HERE: Where = { name: '', awaySince: null };
const line = (change: Partial<CellRun>, now = 0, where = HERE): string => {
  const { icon, parts } = statusLine({ ...run, ...change }, now, t, 'en', where);
  return `${icon} ${parts.join(' · ')}`;
};

test.each<[string, Partial<CellRun>, string]>([
  ['asked', { state: 'sending' }, '⏳ Waiting for the device…'],
  ['next', { state: 'queued' }, '⏳ Next in queue'],
  ['third', { state: 'queued', queuePosition: 2 }, '⏳ 3rd in queue'],
  ['starting', { state: 'scheduled' }, '⏳ Starting…'],
  ['running', { state: 'running', startedAt: 1_000 }, '● Running 0:41'],
  ['failed', { state: 'failed', errorType: 'NameError' }, '✗ NameError'],
  ['failed for no known reason', { state: 'failed' }, '✗ Failed'],
  ['interrupted', { state: 'failed', errorType: 'KeyboardInterrupt' }, '✗ Stopped'],
  ['stopped', { state: 'cancelled' }, '■ Stopped'],
])('a run that is %s says so', (_name, change, expected) => {
  expect(line(change, 42_000)).toBe(expected);
});

test.each<[string, Partial<CellRun>, Partial<Where>, RegExp]>([
  ['in the queue of', { state: 'queued' }, {}, /^⏳ Next in queue · box$/],
  ['running on', { state: 'running', startedAt: 1_000 }, {}, /^● Running 0:41 · box$/],
  ['waiting for', { state: 'queued', waitsFor: 'box' }, {}, /^⏳ Waits for box$/],
  [
    'waiting for, with since when,',
    { state: 'queued', waitsFor: 'box' },
    { awaySince: 0 },
    /^⏳ .*box · away since \d\d:\d\d$/,
  ],
  ['that is silent,', { state: 'running', silentSince: 0 }, {}, /^⚠ box does not answer since \d\d:\d\d$/],
  [
    'that is silent, to be stopped,',
    { state: 'running', silentSince: 0, cancelAsked: true },
    {},
    /^⚠ .* · to be stopped/,
  ],
  ['unknown and silent,', { state: 'queued', silentSince: 0 }, { name: '' }, /^⚠ Its device does not answer/],
  ['silent before its end,', { state: 'completed', silentSince: 0 }, {}, /^✓/],
])('a run %s another device says so', (_name, change, where, expected) => {
  expect(line(change, 42_000, { name: 'box', awaySince: null, ...where })).toMatch(expected);
});

test('what is of another day has its day', () => {
  expect(line({ state: 'running', silentSince: 0 }, 3 * 86_400_000)).toMatch(/since .*[A-Z][a-z]{2}.*\d\d:\d\d/);
});

test('a run that ended says how long, where and when', () => {
  expect(line({ state: 'completed', startedAt: 0, endedAt: 2_300, host: 'MacBook' })).toMatch(
    /^✓ 2\.3 s · MacBook · \d\d:00/,
  );
});

test('durations read as people say them', () => {
  expect([340, 2_300, 65_000].map((ms) => formatDuration(ms, 'en'))).toEqual(['340 ms', '2.3 s', '1:05']);
  expect(formatDuration(2_300, 'fr')).toBe('2,3 s');
  expect(formatClock(3_909_000)).toBe('1:05:09');
});

test('both languages have every word and the same places in it', () => {
  const places = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).toSorted();
  for (const key of Object.keys(editorMessages.en) as (keyof typeof editorMessages.en)[]) {
    expect(editorMessages.fr[key], key).toBeTruthy();
    expect(places(editorMessages.fr[key]), key).toEqual(places(editorMessages.en[key]));
  }
});
