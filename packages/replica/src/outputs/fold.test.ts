import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memoryUsage } from 'node:process';
import { newId, type RunEvent, type RunEventId, type RunId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test as base } from 'vitest';
import type { SaveAsset } from './excerpt.ts';
import { foldEvents } from './fold.ts';
import { createScreen } from './screen.ts';

const ids = { now: Date.now, randomBytes: (length: number): Uint8Array => new Uint8Array(randomBytes(length)) };

type Part = {
  [T in RunEvent['type']]: { type: T; payload: Extract<RunEvent, { type: T }>['payload'] };
}[RunEvent['type']];

const test = base.extend<{
  fold: (parts: Iterable<Part | string>) => Promise<{ text: string; assets: Map<string, string> }>;
}>({
  fold: async ({}, use) => {
    const scratchFolder = await mkdtemp(path.join(tmpdir(), 'markco-fold-'));
    await use(async (parts) => {
      const assets = new Map<string, string>();
      const text = await foldEvents(asEvents(parts), {
        scratchFolder,
        save: async (content, mime) => {
          const name = `asset-${assets.size}`;
          assets.set(
            name,
            'file' in content
              ? await readFile(content.file, 'utf8')
              : `${mime}:${Buffer.from(content.bytes).toString()}`,
          );
          return name;
        },
      });
      return { text, assets };
    });
    await rm(scratchFolder, { recursive: true });
  },
});

async function* asEvents(parts: Iterable<Part | string>): AsyncGenerator<RunEvent> {
  const runId = newId<RunId>(ids);
  const id = newId<RunEventId>(ids);
  let seq = 0;
  for (const part of parts) {
    const one: Part = typeof part === 'string' ? { type: 'stdout', payload: { text: part } } : part;
    yield { ...one, id, runId, seq: seq++, createdAt: '2026-01-01T00:00:00.000Z' };
  }
}

test('plain text, colors, tabs and line ends', async ({ fold }) => {
  expect((await fold(['a\tb\n', '\x1b[1;31mred\x1b[0m\r\n', 'no end'])).text).toBe('a\tb\nred\nno end');
  expect((await fold(['\x1b[3', '1mred\x1b', '[0m\r', '\nx'])).text).toBe('red\nx');
  expect((await fold([])).text).toBe('');
});

test('a progress bar is its last state', async ({ fold }) => {
  const bar = Array.from({ length: 2_000 }, (_, index) => `\r${index}/2000 |${'#'.repeat(index / 50)}`);
  expect((await fold(['start\n', ...bar, '\nend\n'])).text).toBe(`start\n1999/2000 |${'#'.repeat(39)}\nend`);
});

test('two nested bars are two lines', async ({ fold }) => {
  const parts: string[] = [];
  for (let outer = 0; outer < 20; outer++) {
    for (let inner = 0; inner <= 50; inner++) parts.push(`\router ${outer}/20\n\rinner ${inner}/50\x1b[A`);
  }
  expect((await fold([...parts, '\n\n'])).text).toBe('outer 19/20\ninner 50/50');
});

test('backspace, erase and cursor moves reach into plain lines before them', async ({ fold }) => {
  expect((await fold(['one\ntwo\n', 'abc\b\bX\n', 'gone\r\x1b[Kkept\n', '\x1b[4AONE\x1b[4B\rend'])).text).toBe(
    'ONE\ntwo\naXc\nkept\nend',
  );
});

test('after a bar, plain text goes on as text, and a later move still reaches its newest lines', async ({ fold }) => {
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
  const { text } = await fold(['bar 1\rbar 2\n', `${lines.join('\n')}\n`, 'tail\n\x1b[A\x1b[2Kchanged\n']);
  expect(text).toBe(['bar 2', ...lines, 'changed'].join('\n'));
});

test('a line longer than the terminal is wide stays one line', async ({ fold }) => {
  const long = 'x'.repeat(5_001);
  expect((await fold(['a\rb\n', `${long}\n`, 'end'])).text).toBe(`b\n${long}\nend`);
});

test('hostile escapes leave no control character', async ({ fold }) => {
  const { text } = await fold([
    'a\x1b]52;c;ZXZpbA==\x07b\x1b]8;;http://evil\x1b\\c\x1b]8;;\x1b\\\x1b[?1049hhidden\x1b[?1049ld\x9b31m\x00\x1b[9999S',
  ]);
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test('displays, results and errors follow what was printed', async ({ fold }) => {
  const { text, assets } = await fold([
    'before',
    { type: 'display', payload: { data: { 'image/png': 'YWJj', 'text/plain': 'Figure' }, metadata: {} } },
    { type: 'stdin-request', payload: { prompt: 'Name? ', password: false } },
    { type: 'stdin-response', payload: { text: 'Ada' } },
    { type: 'display', payload: { data: { 'text/plain': '1 %' }, metadata: { displayId: 'd', update: false } } },
    { type: 'display', payload: { data: { 'text/plain': '50 %' }, metadata: { displayId: 'd', update: true } } },
    { type: 'display', payload: { data: { 'text/plain': '100 %' }, metadata: { displayId: 'd', update: true } } },
    { type: 'error', payload: { type: 'E', message: 'm', traceback: ['Traceback:', '\x1b[31mE: m\x1b[0m'] } },
  ]);
  expect(text).toBe('before\n![figure](asset-0)\nName? Ada\n1 %\nTraceback:\nE: m\n100 %');
  expect(assets.get('asset-0')).toBe('image/png:abc');
});

test.for(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])('%s becomes an asset', async (mime, { fold }) => {
  const { text, assets } = await fold([{ type: 'display', payload: { data: { [mime]: 'YWJj' }, metadata: {} } }]);
  expect([text, assets.get('asset-0')]).toEqual(['![figure](asset-0)', `${mime}:abc`]);
});

test('long output keeps its head and tail and links to the whole', async ({ fold }) => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
  const { text, assets } = await fold([`${lines.join('\n')}\n`]);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024);
  expect(text.startsWith('line 0\nline 1\n')).toBe(true);
  expect(text.endsWith('\nline 19999')).toBe(true);
  const [, count] = /\n… ([\d,]+) lines in between: \[whole output\]\(asset-0\)\n/.exec(text) ?? [];
  expect(Number(count?.replaceAll(',', '')) + text.split('\n').length - 1).toBe(20_000);
  expect(assets.get('asset-0')).toBe(`${lines.join('\n')}\n`);
});

test('one endless line fits as well', async ({ fold }) => {
  const { text } = await fold(Array.from({ length: 100 }, () => 'y'.repeat(60_000)));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024);
});

test('the text does not depend on where the output was cut into events', async () => {
  const piece = fc.oneof(
    { weight: 5, arbitrary: fc.stringMatching(/^[a-z ]{1,8}$/) },
    fc.constantFrom('\n', '\r', '\r\n', '\b', '\t', '\x1b[A', '\x1b[2K', '\x1b[31m', '\x1b[0m', '\n'.repeat(70), 'é😀'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat(40), { maxLength: 5 }),
      async (pieces, cuts) => {
        const text = pieces.join('');
        const whole = await screenOf([text]);
        const at = [...cuts.map((cut) => Math.min(cut * 3, text.length)), 0, text.length].toSorted((a, b) => a - b);
        const split = at.slice(1).map((end, index) => text.slice(at[index], end));
        const inPieces = await screenOf(split);
        expect(inPieces.map((line) => line.replaceAll('\t', ' ').trimEnd().replace(/ +/g, ' '))).toEqual(
          whole.map((line) => line.replaceAll('\t', ' ').trimEnd().replace(/ +/g, ' ')),
        );
      },
    ),
    { numRuns: 150 },
  );
});

async function screenOf(texts: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const screen = createScreen((line) => lines.push(line));
  for (const text of texts) await screen.write(text);
  await screen.flush();
  return lines;
}

test('50 MB are folded in bounded memory', { timeout: 60_000 }, async ({ fold }) => {
  let peak = 0;
  function* lines(): Generator<string> {
    const text = `${'x'.repeat(79)}\n`.repeat(800);
    for (let index = 0; index < 820; index++) {
      peak = Math.max(peak, memoryUsage().heapUsed);
      yield index % 100 === 0 ? `${text}bar\rBAR\n` : text;
    }
  }
  const before = memoryUsage().heapUsed;
  const scratchFolder = await mkdtemp(path.join(tmpdir(), 'markco-fold-'));
  const text = await foldEvents(asEvents(lines()), { scratchFolder, save: async () => 'whole.txt' });
  await rm(scratchFolder, { recursive: true });
  expect(text).toContain('[whole output](whole.txt)');
  expect(peak - before).toBeLessThan(150 * 1024 * 1024);
  void fold;
});

test('the whole output is there to be copied, however long that takes', async () => {
  const scratchFolder = await mkdtemp(path.join(tmpdir(), 'markco-fold-'));
  let saved = '';
  const line = `${'x'.repeat(99)}\n`;
  const save: SaveAsset = async (content) => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    saved = 'file' in content ? await readFile(content.file, 'utf8') : '';
    return 'whole.txt';
  };
  const text = await foldEvents(asEvents(Array.from({ length: 1_000 }, () => line)), { scratchFolder, save });
  expect(saved).toBe(line.repeat(1_000));
  expect(text).toContain('[whole output](whole.txt)');
  expect(await readdir(scratchFolder)).toEqual([]);
  await rm(scratchFolder, { recursive: true });
});
