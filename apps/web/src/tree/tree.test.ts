import { buildTree, compareNames, type TreeNode } from '@markco/protocol/notebook/order';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderMoves, planDrop, type Drop, type Move } from './moves.ts';
import { foldersOf, treeKey, visibleRows } from './rows.ts';

const documents = ['01-welcome', '02-data/01-load', '02-data/02-clean', '03-model', '_drafts/idea', 'mrmd', 'notes'];
const tree = buildTree(documents);

function find(nodes: readonly TreeNode[], path: string): TreeNode {
  for (const node of nodes) {
    if (node.path === path) return node;
    if (node.kind === 'folder' && path.startsWith(`${node.path}/`)) return find(node.children, path);
  }
  throw new Error(`${path} is not in the tree`);
}

function drop(path: string, target: Drop, among: readonly string[] = documents): readonly Move[] | undefined {
  const nodes = buildTree(among);
  return planDrop(nodes, among, find(nodes, path), target);
}

const rows = visibleRows(tree, new Set(['02-data']));
const label = (node: TreeNode): string => node.label;

test('only what is in open folders is seen, each row with its place', () => {
  expect(visibleRows(tree, new Set()).map((row) => row.node.path)).toEqual([
    '01-welcome',
    '02-data',
    '03-model',
    'mrmd',
    'notes',
    '_drafts',
  ]);
  expect(rows.slice(1, 4).map((row) => [row.node.path, row.level, row.position, row.siblings, row.parent])).toEqual([
    ['02-data', 1, 2, 6, undefined],
    ['02-data/01-load', 2, 1, 2, '02-data'],
    ['02-data/02-clean', 2, 2, 2, '02-data'],
  ]);
  expect(foldersOf('a/b/c')).toEqual(['a', 'a/b']);
});

test('the arrows walk the tree as the ARIA pattern says', () => {
  expect(treeKey(rows, '01-welcome', 'ArrowDown', label)).toEqual({ focus: '02-data' });
  expect(treeKey(rows, '01-welcome', 'ArrowUp', label)).toBeUndefined();
  expect(treeKey(rows, '02-data', 'ArrowRight', label)).toEqual({ focus: '02-data/01-load' });
  expect(treeKey(rows, '02-data', 'ArrowLeft', label)).toEqual({ toggle: '02-data' });
  expect(treeKey(rows, '02-data/02-clean', 'ArrowLeft', label)).toEqual({ focus: '02-data' });
  expect(treeKey(rows, '_drafts', 'ArrowRight', label)).toEqual({ toggle: '_drafts' });
  expect(treeKey(rows, '03-model', 'Enter', label)).toEqual({ pick: '03-model' });
  expect(treeKey(rows, '01-welcome', 'End', label)).toEqual({ focus: '_drafts' });
  expect(treeKey(rows, '01-welcome', 'n', label)).toEqual({ focus: 'notes' });
});

test('a page between two others changes as few numbers as it can', () => {
  expect(drop('03-model', { folder: '', before: '02-data' })).toEqual([
    { from: '03-model', to: '02-model' },
    { from: '02-data/01-load', to: '03-data/01-load' },
    { from: '02-data/02-clean', to: '03-data/02-clean' },
  ]);
  expect(drop('c', { folder: '', before: '30-b' }, ['10-a', '30-b', 'c'])).toEqual([{ from: 'c', to: '11-c' }]);
});

test('a page moved into a folder keeps its name', () => {
  expect(drop('notes', { folder: '02-data', before: 'anywhere' })).toEqual([{ from: 'notes', to: '02-data/notes' }]);
});

test('names that are in order without numbers get none', () => {
  expect(drop('x/b', { folder: '', before: 'c' }, ['a', 'c', 'x/b', 'x/z'])).toEqual([{ from: 'x/b', to: 'b' }]);
});

test('a folder cannot go into itself, nor a page where its name is taken', () => {
  expect(drop('02-data', { folder: '02-data', before: undefined })).toBeUndefined();
  expect(drop('x/a', { folder: '', before: 'anywhere' }, ['a', 'x/a'])).toBeUndefined();
});

test('the configuration page and hidden pages never get a number', () => {
  const moves = drop('01-welcome', { folder: '', before: undefined }) ?? [];
  expect(moves.map((move) => move.from)).not.toContain('mrmd');
  expect(moves.map((move) => move.from)).not.toContain('_drafts/idea');
});

test('whatever is dropped, it lands where it was dropped and nothing is lost', () => {
  const name = fc
    .tuple(
      fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
    )
    .map(([number, word]) => (number === undefined ? word : `${String(number).padStart(2, '0')}-${word}`));
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 2, maxLength: 7, selector: (text) => text.replace(/^\d+-/, '') }),
      fc.nat(),
      fc.nat(),
      (names, one, other) => {
        const sorted = names.toSorted(compareNames);
        const dragged = sorted[one % sorted.length] ?? '';
        const rest = sorted.filter((text) => text !== dragged);
        const before = rest[other % (rest.length + 1)];
        const moves = drop(dragged, { folder: '', before }, sorted) ?? [];
        const renamed = new Map(moves.map((move) => [move.from, move.to]));
        const wanted =
          before === undefined
            ? [...rest, dragged]
            : rest.flatMap((text) => (text === before ? [dragged, text] : [text]));
        const result = wanted.map((text) => renamed.get(text) ?? text);
        expect(result.toSorted(compareNames)).toEqual(result);
        expect(new Set(result).size).toBe(names.length);
        expect(result.map((text) => text.replace(/^\d+-/, ''))).toEqual(
          wanted.map((text) => text.replace(/^\d+-/, '')),
        );
      },
    ),
  );
});

test('moves are done so that no target is taken, circles too', () => {
  const moves = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
    { from: 'x', to: 'y' },
    { from: 'y', to: 'x' },
  ];
  const paths = new Map(['a', 'b', 'x', 'y'].map((path) => [path, path]));
  for (const { from, to } of orderMoves(moves, new Set(paths.keys()))) {
    expect(paths.has(to)).toBe(false);
    const document = paths.get(from);
    expect(document).toBeDefined();
    paths.delete(from);
    paths.set(to, document ?? '');
  }
  expect([...paths].toSorted(([one], [other]) => compareNames(one, other))).toEqual([
    ['b', 'a'],
    ['c', 'b'],
    ['x', 'y'],
    ['y', 'x'],
  ]);
});
