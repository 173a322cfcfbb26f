import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { cellIdsAt } from './cell-id.ts';

function idByYjs(text: Y.Text, index: number): string {
  const item = Y.createRelativePositionFromTypeIndex(text, index).item;
  return item === null ? '' : `${item.client}-${item.clock}`;
}

test('one walk gives the ids that Yjs gives one by one', () => {
  const edit = fc.record({ at: fc.nat(1_000), remove: fc.nat(5), insert: fc.string({ maxLength: 6 }) });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 40 }), fc.array(fc.nat(200), { maxLength: 10 }), (edits, wanted) => {
      const text = new Y.Doc().getText('content');
      for (const { at, remove, insert } of edits) {
        const from = Math.min(at, text.length);
        text.delete(from, Math.min(remove, text.length - from));
        text.insert(from, insert);
      }
      const positions = wanted.map((at) => Math.min(at, text.length)).toSorted((a, b) => a - b);
      expect(cellIdsAt(text, positions)).toEqual(positions.map((at) => idByYjs(text, at)));
    }),
  );
});

test('a cell keeps its id when text is written before it', () => {
  const text = new Y.Doc().getText('content');
  text.insert(0, 'one\n```python\n1\n```');
  const [before] = cellIdsAt(text, [4]);
  text.insert(0, 'zero\n');
  expect(cellIdsAt(text, [9])).toEqual([before]);
});
