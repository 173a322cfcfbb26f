import type { RunEvent } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findLines, type Found } from './find-lines.ts';
import { createRunLog, foldReturns, plainText, type RunLog } from './run-log.ts';

function eventsOf(...texts: readonly string[]): RunEvent[] {
  return texts.map((text, seq) => ({ seq, type: 'stdout', payload: { text } }) as unknown as RunEvent);
}

function logOf(texts: readonly string[], options: Parameters<typeof createRunLog>[0] = {}): RunLog {
  const log = createRunLog(options);
  for (const event of eventsOf(...texts)) log.fold(event);
  return log;
}

const all = (log: RunLog): readonly string[] => Array.from({ length: log.length }, (_, line) => log.plain(line));

test('lines are the same however their text was cut', () => {
  const piece = fc.stringMatching(/^[ab\n]{0,8}$/);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (texts) => {
      const whole = texts.join('');
      expect(all(logOf(texts))).toEqual(all(logOf([whole])));
      expect(all(logOf(texts))).toEqual(whole === '' ? [] : whole.replace(/\n$/, '').split('\n'));
    }),
  );
});

test('a bar is one line, and its colors are not part of its text', () => {
  expect(foldReturns('10%\r20%\rdone')).toBe('done');
  expect(foldReturns('abcdef\rxy')).toBe('xycdef');
  expect(all(logOf(['\x1b[32m10%\x1b[0m', '\r\x1b[32m20%\x1b[0m\n', 'next']))).toEqual(['20%', 'next']);
  expect(plainText('\x1b]0;title\x07a\x1b[1;31mb\x07')).toBe('ab');
});

test('a line without an end and a bar without an end stay bounded', () => {
  const log = logOf([...Array.from({ length: 40 }, () => 'x'.repeat(10_000)), '\n']);
  expect(log.length).toBe(7);
  const bar = logOf(Array.from({ length: 100 }, (_, at) => `\r${String(at).padStart(5_000)}`));
  expect(bar.length).toBe(1);
  expect(bar.plain(0).trim()).toBe('99');
});

test('more lines than there is room for go from the beginning, and are counted', () => {
  const log = logOf(
    Array.from({ length: 100 }, (_, at) => `line ${at}\n`),
    { linesMax: 10, wantedSeq: 95 },
  );
  expect(log.length).toBeLessThanOrEqual(10);
  expect(log.dropped + log.length).toBe(100);
  expect(log.plain(log.length - 1)).toBe('line 99');
  expect(log.plain(log.wanted ?? -1)).toBe('line 95');
});

test('an event is folded once', () => {
  const log = createRunLog();
  for (const event of [...eventsOf('a\n', 'b\n'), ...eventsOf('a\n', 'b\n')]) log.fold(event);
  expect(all(log)).toEqual(['a', 'b']);
});

test('everything is found, a slice at a time, and what comes later too', () => {
  const texts = Array.from({ length: 5_000 }, (_, at) => `${at % 10 === 0 ? 'Needle' : 'hay'} ${at}\n`);
  const log = logOf(texts);
  const waiting: (() => void)[] = [];
  let clock = 0;
  let found: Found | undefined;
  const finder = findLines(
    log,
    'needle',
    (next) => (found = next),
    (work) => {
      waiting.push(work);
      return () => undefined;
    },
    () => (clock += 10),
  );
  let slices = 0;
  for (let work = waiting.shift(); work !== undefined; work = waiting.shift(), slices++) work();
  expect(found).toMatchObject({ done: true, more: false });
  expect(found?.lines.length).toBe(500);
  expect(slices).toBeGreaterThan(2);
  log.fold({ seq: 5_000, type: 'stdout', payload: { text: 'needle at the end' } } as unknown as RunEvent);
  finder.goOn();
  for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) work();
  expect(found?.lines.at(-1)).toBe(5_000);
});
