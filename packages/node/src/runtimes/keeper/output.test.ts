import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newId, RunEventSchema, type RunEvent, type RunId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { eventually, ids, textOf } from '../../runs/runs.fixture.ts';
import { fitBundle, fitError } from './fit.ts';
import { createOutput, type OutputParts } from './output.ts';
import { openSpool, type Spool } from './spool.ts';

type Made = {
  readonly output: ReturnType<typeof createOutput>;
  readonly begin: (wrap?: (spool: Spool) => Spool) => {
    readonly events: () => Promise<RunEvent[]>;
    readonly file: string;
  };
  readonly told: string[];
};

const RESULT = { type: 'result', payload: { data: null, executionCount: 1, durationMs: 1 } } as const;

const test = base.extend<{ make: (changes?: Partial<OutputParts>) => Made }>({
  make: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'markco-output-'));
    let count = 0;
    await use((changes = {}) => {
      const told: string[] = [];
      const output = createOutput({
        limitBytes: 10 * 1024 * 1024,
        onSpooled: () => undefined,
        onTrouble: (_, problem) => void told.push(`trouble: ${problem}`),
        onFull: (full) => void told.push(full ? 'full' : 'free'),
        ...changes,
      });
      return {
        output,
        told,
        begin(wrap = (spool) => spool) {
          const file = path.join(folder, String(count++));
          output.begin(wrap(openSpool(file, newId<RunId>(ids))));
          const events = async (): Promise<RunEvent[]> =>
            (await readFile(file, 'utf8'))
              .split('\n')
              .slice(0, -1)
              .map((line) => RunEventSchema.parse(JSON.parse(line)));
          return { events, file };
        },
      };
    });
    await rm(folder, { recursive: true });
  },
});

test('texts, displays and questions are kept in order, numbered without a gap; the first text at once', async ({
  make,
}) => {
  const { output, begin } = make();
  const { events } = begin();
  output.sink.text('stdout', 'a');
  expect(textOf(await events())).toBe('a');
  output.sink.text('stdout', 'b');
  output.sink.text('stdout', 'c');
  output.sink.text('stderr', 'd');
  output.sink.display({ data: { 'text/plain': 'x' }, metadata: {} });
  output.sink.text('stdout', 'e');
  output.sink.ask({ prompt: 'p', password: true });
  output.answered(null);
  await output.end(RESULT);
  const all = await events();
  expect(all.map(({ type }) => type)).toEqual([
    'stdout',
    'stdout',
    'stderr',
    'display',
    'stdout',
    'stdin-request',
    'stdin-response',
    'result',
  ]);
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index));
  expect(textOf(all)).toBe('abcde');
});

test('what comes between runs begins the next one, the oldest of too much dropped', async ({ make }) => {
  const { output, begin } = make();
  const first = begin();
  await output.end(RESULT);
  output.sink.text('stdout', 'late');
  output.sink.display({ data: {}, metadata: {} });
  expect(await first.events()).toHaveLength(1);
  const second = begin();
  await output.end(RESULT);
  expect(textOf(await second.events())).toBe('late');
  for (let count = 0; count < 40; count += 1) output.sink.text('stdout', String(count % 10).repeat(64 * 1024));
  const third = begin();
  await output.end(RESULT);
  const text = textOf(await third.events());
  expect(text.length).toBeLessThanOrEqual(1024 * 1024);
  expect(text.endsWith('9'.repeat(1000))).toBe(true);
});

test('over the limit of a run one event says so, and the next run is free again', async ({ make }) => {
  const { output, begin } = make({ limitBytes: 1024 * 1024 });
  const { events } = begin();
  for (let count = 0; count < 100; count += 1) output.sink.text('stdout', 'x'.repeat(64 * 1024));
  await output.end(RESULT);
  const all = await events();
  const notes = all.filter((event) => event.type === 'stderr');
  expect(notes).toHaveLength(1);
  expect(textOf(notes)).toContain('1 MB, the most that is kept');
  expect(textOf(all).length).toBeLessThan(1024 * 1024 + 200);
  const next = begin();
  output.sink.text('stdout', 'again');
  await output.end(RESULT);
  expect(textOf(await next.events())).toBe('again');
});

test('while the disk is full everything waits, the interpreter is held back, and nothing is lost', async ({ make }) => {
  const { output, begin, told } = make();
  let isFull = false;
  const { events } = begin((spool) => ({
    ...spool,
    get size() {
      return spool.size;
    },
    append: (event) => (isFull ? 'no space left' : spool.append(event)),
  }));
  output.sink.text('stdout', 'before ');
  isFull = true;
  output.sink.text('stdout', 'meanwhile ');
  const ended = output.end(RESULT);
  await eventually(() => told.length >= 4);
  expect(textOf(await events())).toBe('before ');
  expect(told.slice(0, 2)).toEqual(['trouble: no space left', 'full']);
  isFull = false;
  await ended;
  expect(textOf(await events())).toBe('before meanwhile ');
  expect((await events()).at(-1)?.type).toBe('result');
  await eventually(() => told.includes('free'));
});

test('a character is not cut in two, and half a one is replaced', async ({ make }) => {
  const { output, begin } = make();
  const { events } = begin();
  const text = `${'x'.repeat(64 * 1024 - 1)}😀\ud800`;
  output.sink.text('stdout', text);
  await output.end(RESULT);
  expect(textOf(await events())).toBe(text.toWellFormed());
});

test('an event stays below 1 MB: what does not fit is left out, and says so', () => {
  const fitted = fitBundle({ 'image/png': 'x'.repeat(2_000_000), 'text/plain': 'a picture' });
  expect(Object.keys(fitted)).toEqual(['text/plain']);
  expect(fitted['text/plain']).toContain('a picture\n[left out, too large to show: image/png of 1954 KB]');
  const failed = fitError({ type: 'E', message: 'm'.repeat(20_000), traceback: ['line\n'.repeat(10_000)] });
  expect(failed.message.length).toBeLessThan(10_100);
  expect(failed.traceback).toHaveLength(4_001);
});
