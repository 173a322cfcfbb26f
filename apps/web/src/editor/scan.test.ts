import { EditorState, type ChangeSpec } from '@codemirror/state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { YSyncConfig, ySyncAnnotation, ySyncFacet } from 'y-codemirror.next';
import { Awareness } from 'y-protocols/awareness';
import { Doc } from 'yjs';
import { cellAt } from './cells/cell-actions.ts';
import { documentLanguage } from './languages.ts';
import { scanField } from './scan.ts';

const SOURCE =
  '# Title\n\n```python\nprint(1)\n```\n\n```output\n1\n```\n\ntext\n\n```bash\n#| label: list\nls\n```\n\n| a |\n|---|\n| 1 |\n';

function open(doc: string) {
  const ydoc = new Doc();
  const text = ydoc.getText('content');
  text.insert(0, doc);
  const config = new YSyncConfig(text, new Awareness(ydoc));
  const state = EditorState.create({
    doc,
    extensions: [EditorState.lineSeparator.of('\n'), ySyncFacet.of(config), documentLanguage, scanField],
  });
  return { state, text, config };
}

test('finds cells with their output, headings and tables', () => {
  const scan = open(SOURCE).state.field(scanField);
  expect(scan.cells.map(({ language, code, output }) => [language, code, output?.text])).toEqual([
    ['python', 'print(1)', '1'],
    ['bash', '#| label: list\nls', undefined],
  ]);
  expect(scan.cells[0]?.id).toMatch(/^\d+-\d+$/);
  expect(scan.cells[1]?.id).toBe('list');
  expect(scan.headings).toMatchObject([{ level: 1, text: 'Title', slug: 'title' }]);
  expect(scan.drawn.map(({ kind }) => kind)).toEqual(['table']);
});

test('typing maps the cells and walks nothing', () => {
  const { state } = open(SOURCE);
  const next = state.update({ changes: { from: 0, insert: 'abc' } }).state.field(scanField);
  expect(next.version).toBe(state.field(scanField).version);
  expect(next.cells.map(({ from }) => from)).toEqual(state.field(scanField).cells.map(({ from }) => from + 3));
});

test('a fence that comes from elsewhere is seen at once', () => {
  const { state, text, config } = open('```python\n1\n```\n');
  text.insert(15, '\n\n```output\n1\n```');
  const next = state.update({
    changes: { from: 15, insert: '\n\n```output\n1\n```' },
    annotations: ySyncAnnotation.of(config),
  }).state;
  expect(next.field(scanField).cells[0]?.output?.text).toBe('1');
});

test('whatever is typed, mapped positions stay in the document and in order', () => {
  const edit = fc.record({ at: fc.nat(200), remove: fc.nat(20), insert: fc.string({ maxLength: 8 }) });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
      let { state } = open(SOURCE);
      for (const { at, remove, insert } of edits) {
        const from = Math.min(at, state.doc.length);
        const change: ChangeSpec = { from, to: Math.min(from + remove, state.doc.length), insert };
        state = state.update({ changes: change }).state;
        for (const cell of state.field(scanField).cells) {
          expect(cell.from).toBeLessThan(cell.to);
          expect(cell.to).toBeLessThanOrEqual(state.doc.length);
          expect(cellAt([cell], cell.from)).toBe(cell);
        }
      }
    }),
  );
});
