import { randomBytes } from 'node:crypto';
import { Failure, LIMITS, newId, type DocumentId, type ProjectId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DocumentRecord } from '../documents/document-record.ts';
import { search, type Query } from './search.ts';

const ids = { now: Date.now, randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const never = new AbortController().signal;

function project(texts: Readonly<Record<string, string | Failure>>) {
  const records = Object.keys(texts).map((path): DocumentRecord => ({
    id: newId<DocumentId>(ids),
    projectId: newId<ProjectId>(ids),
    path,
    ext: '.md',
    createdAt: '',
    updatedAt: '',
    sizeBytes: 0,
    contentHash: '',
    file: null,
  }));
  return {
    records,
    read: async ({ path }: DocumentRecord): Promise<string> => {
      const text = texts[path] ?? '';
      if (text instanceof Failure) throw text;
      return text;
    },
  };
}

const query = (text: string, changed: Partial<Query> = {}): Query => ({
  text,
  caseSensitive: false,
  regex: false,
  limit: 200,
  ...changed,
});
const places = async (texts: Readonly<Record<string, string | Failure>>, wanted: Query) =>
  (await search(project(texts), wanted, never)).hits.map(({ path, line, offset, length }) => [
    path,
    line,
    offset,
    length,
  ]);

test('plain text is found in any case, with its line and place, by the order of paths', async () => {
  const texts = { b: 'one\ntwo One\n', a: 'ONE', c: 'none at all' };
  expect(await places(texts, query('one'))).toEqual([
    ['a', 1, 0, 3],
    ['b', 1, 0, 3],
    ['b', 2, 8, 3],
    ['c', 1, 1, 3],
  ]);
  expect(await places(texts, query('One', { caseSensitive: true }))).toEqual([['b', 2, 8, 3]]);
  expect(await places({ a: 'x.y x*y [z] \\ (' }, query('x.y'))).toEqual([['a', 1, 0, 3]]);
  for (const sign of ['.', '*', '[z]', '\\', '(', '$', '^', '|', '-', '/', '}'])
    await search(project({ a: 'text' }), query(sign), never);
});

test('letters whose case has another length keep their place', async () => {
  expect(await places({ a: 'İİ needle' }, query('NEEDLE'))).toEqual([['a', 1, 3, 6]]);
});

test('a pattern is matched line by line, and an empty match is none', async () => {
  expect(await places({ a: 'x1\ny22\n' }, query('^\\w\\d+$', { regex: true }))).toEqual([
    ['a', 1, 0, 2],
    ['a', 2, 3, 3],
  ]);
  expect(await places({ a: 'bbb aa' }, query('a*', { regex: true }))).toEqual([['a', 1, 4, 2]]);
  expect(await places({ a: 'Ab' }, query('a', { regex: true, caseSensitive: true }))).toEqual([]);
});

test.each(['(', '[', '*', '(?<x', '\\p{Nope}', 'x'.repeat(201)])('the pattern %s is refused in words', async (text) => {
  await expect(search(project({ a: 'a' }), query(text, { regex: true }), never)).rejects.toMatchObject({
    code: 'bad_request',
  });
});

test('a pattern that goes back and forth without end is given up, and nothing else waits for it', async () => {
  let longest = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  for (const text of ['(a+)+$', '(a|aa)+$', '(.*)*x']) {
    const began = performance.now();
    await expect(
      search(project({ evil: `${'a'.repeat(60)}!`, other: 'a' }), query(text, { regex: true }), never),
    ).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining('too long') });
    expect(performance.now() - began).toBeLessThan(5_000);
  }
  clearInterval(ticks);
  expect(longest).toBeLessThan(500);
});

test('a document that cannot be read just now is passed over', async () => {
  expect(await places({ a: new Failure('not_found', 'It is gone just now.'), b: 'word' }, query('word'))).toEqual([
    ['b', 1, 0, 4],
  ]);
});

test('it ends at the limit and says so, and at the abort', async () => {
  const texts = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`d${index}`, 'x\n'.repeat(100)]));
  const few = await search(project(texts), query('x', { limit: 7 }), never);
  expect([few.hits.length, few.truncated]).toEqual([7, true]);
  const many = await search(project(texts), query('x', { limit: 9_999 }), never);
  expect([many.hits.length, many.truncated]).toEqual([LIMITS.searchHitsMax, true]);
  expect((await search(project(texts), query('x'), AbortSignal.abort())).hits).toEqual([]);
});

test('every hit is where it says: its text, its line, its column', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.stringMatching(/^[abA é\n]{0,40}$/u), { minLength: 1, maxLength: 5 }),
      fc.stringMatching(/^[abé ]{1,2}$/u),
      async (texts, wanted) => {
        const named = Object.fromEntries(texts.map((text, index) => [`d${index}`, text]));
        const { hits } = await search(project(named), query(wanted), never);
        for (const { path, offset, length, line, text, column } of hits) {
          const whole = named[path] ?? '';
          expect(whole.slice(offset, offset + length).toLowerCase()).toBe(wanted);
          expect(whole.slice(0, offset).split('\n').length).toBe(line);
          expect(text.slice(column, column + length).toLowerCase()).toBe(wanted);
        }
        const count = texts.reduce((sum, text) => sum + text.toLowerCase().split(wanted).length - 1, 0);
        expect(hits.length).toBe(count);
      },
    ),
  );
});
