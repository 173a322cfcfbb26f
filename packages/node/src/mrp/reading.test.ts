/** What is read out of code and tracebacks without running anything. */
import { newId, type IdSource, type RunId, type SessionId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeOf } from './error-place.ts';
import { createExecIds } from './exec-ids.ts';
import { select } from './history.ts';
import { importsOf } from './imports.ts';
import { completeStatically } from './static-answers.ts';

test.each([
  ['  File "<cell 3>", line 2, in f\n  File "/lib/x.py", line 9, in g\nValueError: x', { line: 2, column: null }],
  ['  File "<cell 1>", line 1, in <module>\n  File "<cell 1>", line 7, in f\nE: x', { line: 7, column: null }],
  ['  File "/lib/x.py", line 9, in g\nValueError: x', { line: null, column: null }],
  ['  File "<cell 4>", line 2, in <module>\n  File "<cell 1>", line 7, in f\nE: x', { line: 2, column: null }],
  ['Error: x\n    at g (cell-1:8:1)\n    at f (cell-4:3:9)\n    at cell-4:5:1\n    at run', { line: 3, column: 9 }],
  ['cell-3:1:9\nlet c = ;\n        ^\nSyntaxError: Unexpected token', { line: 1, column: 9 }],
  ['', { line: null, column: null }],
] as const)('the place in %j', (traceback, place) => {
  expect(placeOf(traceback.split('\n'), 'a\nb\nc')).toEqual(place);
});

test('a column is where the carets begin, in the line as it was written', () => {
  const traceback = ['  File "<cell 3>", line 3', '    y = x +/ 3', '           ^', 'SyntaxError: invalid syntax'];
  expect(placeOf(traceback, 'x = 3\nif True:\n    y = x +/ 3')).toEqual({ line: 3, column: 12 });
  const part = ['  File "<cell 3>", line 1, in <module>', '    1 + f(0)', '        ^^^^', 'E: x'];
  expect(placeOf(part, '1 + f(0)')).toEqual({ line: 1, column: 5 });
});

test.each([
  ['python', 'import os, json as j\nfrom a.b import c\n  import x\nprint("import y")', ['os', 'json', 'a.b', 'x']],
  ['js', "import a from 'a'\nimport 'b'\nconst c = require('c')\nawait import(\"d\")", ['a', 'b', 'c', 'd']],
  ['r', 'library(ggplot2)\nrequire("dplyr")', ['ggplot2', 'dplyr']],
  ['julia', 'using A, B\nimport C', ['A', 'B', 'C']],
  ['bash', 'source ./env.sh; x\n. other', ['./env.sh', 'other']],
] as const)('what %s code imports', (language, code, imports) => {
  expect(importsOf(code, language)).toEqual(imports);
});

test('hostile code and tracebacks are read in no time', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('import ', 'from ', 'import(', '" ', '<cell 1', ':1', '^ ', 'a'),
      fc.nat(20_000),
      (piece, n) => {
        const text = piece.repeat(n);
        const began = performance.now();
        for (const language of ['python', 'js', 'r', 'julia', 'bash'] as const) importsOf(text, language);
        placeOf([text, text, text], text);
        expect(performance.now() - began).toBeLessThan(2_000);
      },
    ),
    { numRuns: 50 },
  );
});

test('without an interpreter the keywords of the language are what is known', () => {
  const labels = (code: string, cursor = code.length) =>
    completeStatically(code, cursor, 'python').matches.map(({ label }) => label);
  expect(labels('x = whi')).toEqual(['while']);
  expect(labels('a.whi')).toEqual([]);
  expect(labels('')).toEqual([]);
  expect(labels('while')).toEqual([]);
  expect(labels('wh x', 2)).toEqual(['while']);
  expect(completeStatically('x = whi', 999, 'bash')).toMatchObject({ cursorStart: 4, cursorEnd: 7, source: 'static' });
});

test('the newest entries of a history, before an index, that hold a text', () => {
  const all = Array.from({ length: 250 }, (_, at) => ({ index: at + 1, code: `cell ${at + 1} end` }));
  expect(select(all, {}).entries.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, at) => at + 151));
  expect(select(all, { n: 2, before: 10 })).toEqual({ entries: all.slice(7, 9), hasMore: true });
  expect(select(all, { pattern: 'cell 24*end', n: 3 }).entries.map(({ index }) => index)).toEqual([247, 248, 249]);
  expect(select(all, { pattern: '**nothing' })).toEqual({ entries: [], hasMore: false });
  expect(select(all, { n: 0 })).toEqual({ entries: [], hasMore: true });
  const long = [1, 2, 3].map((index) => ({ index, code: 'x'.repeat(6_000_000) }));
  expect(select(long, {})).toMatchObject({ entries: [{ index: 3 }], hasMore: true });
});

test('a UUID is a run; another name is the run that is on under it, and forgotten when many came after', async () => {
  let clock = 0;
  const ids: IdSource = { now: () => ++clock, randomBytes: (length) => new Uint8Array(length).fill(clock) };
  const over = new Set<RunId>();
  const execIds = createExecIds({ newRunId: () => newId<RunId>(ids), isOver: async (id) => over.has(id) });
  const session = newId<SessionId>(ids);
  const id = newId<RunId>(ids);
  expect(await execIds.claim(session, id.toUpperCase())).toBe(id);
  const first = await execIds.claim(session, 'exec-1');
  expect(await execIds.claim(session, 'exec-1')).toBe(first);
  expect(await execIds.claim(newId<SessionId>(ids), 'exec-1')).not.toBe(first);
  over.add(first);
  const again = await execIds.claim(session, 'exec-1');
  expect([again === first, execIds.find(session, 'exec-1')]).toEqual([false, again]);
  for (let count = 0; count < 1_000; count++) await execIds.claim(session, `other ${count}`);
  expect(execIds.find(session, 'exec-1')).toBeNull();
});
