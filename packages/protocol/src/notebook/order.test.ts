import fc from 'fast-check';
import { expect, test } from 'vitest';
import { neighborsOf } from './navigation.ts';
import { buildTree, compareNames, flattenTree } from './order.ts';

test('numbers come first, then names as people count, then what is hidden', () => {
  const names = ['_01-x', 'b', 'part 10', 'Part 2', '10-z', '2-y', '01-a', 'a', '_lib', '2026', 'é'];
  expect(names.sort(compareNames)).toEqual([
    '01-a',
    '2-y',
    '10-z',
    '2026',
    'a',
    'b',
    'Part 2',
    'part 10',
    'é',
    '_01-x',
    '_lib',
  ]);
});

test('the order is total: the same for any order of the names', () => {
  const name = fc.oneof(
    fc.constantFrom('01-a', '1-a', '001-a', 'A', 'a', '_a', 'a1', 'a01', '9'.repeat(40), 'a b', 'a-b'),
    fc.string({ minLength: 1, maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 12 }), (names) => {
      expect([...names].reverse().sort(compareNames)).toEqual([...names].sort(compareNames));
    }),
    { numRuns: 2_000 },
  );
});

const paths = ['02-b/02-d', '02-b/01-c', '01-a', '_drafts/x', 'z', '.git/config', 'n/.hidden', '02-b/01-c', '02-b/_e'];

test('a tree has folders and documents in one order, without what a dot hides', () => {
  const document = (path: string, label: string, hidden = false) => ({
    kind: 'document',
    name: path.split('/').at(-1),
    label,
    path,
    hidden,
  });
  expect(buildTree(paths, (path) => (path === 'z' ? 'The end' : undefined))).toEqual([
    document('01-a', 'A'),
    {
      kind: 'folder',
      name: '02-b',
      label: 'B',
      path: '02-b',
      hidden: false,
      children: [document('02-b/01-c', 'C'), document('02-b/02-d', 'D'), document('02-b/_e', 'E', true)],
    },
    document('z', 'The end'),
    {
      kind: 'folder',
      name: '_drafts',
      label: 'Drafts',
      path: '_drafts',
      hidden: true,
      children: [document('_drafts/x', 'X', true)],
    },
  ]);
});

test('neighbors follow the order and pass over what is hidden', () => {
  const tree = buildTree(paths);
  expect(flattenTree(tree).map((page) => page.path)).toEqual([
    '01-a',
    '02-b/01-c',
    '02-b/02-d',
    '02-b/_e',
    'z',
    '_drafts/x',
  ]);
  expect(neighborsOf('02-b/02-d', tree)).toEqual({ prev: '02-b/01-c', next: 'z', up: '02-b/01-c', home: '01-a' });
  expect(neighborsOf('02-b/01-c', tree)).toMatchObject({ prev: '01-a', up: '01-a' });
  expect(neighborsOf('01-a', tree)).toEqual({ prev: null, next: '02-b/01-c', up: null, home: '01-a' });
  expect(neighborsOf('gone', tree)).toEqual({ next: null, prev: null, up: null, home: null });
});

test('ten thousand documents are a tree', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `f${i % 100}/g${i % 7}/d${i}`);
  expect(flattenTree(buildTree(many))).toHaveLength(10_000);
});
