import { ChangeSet, Text } from '@codemirror/state';
import { markdownParser } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapTree, NO_TREE, parseFurther, type WholeTree } from './whole-tree.ts';

const BLOCKS = [
  '# Title',
  'text with *emphasis*',
  '```python\nprint(1)\n```',
  '- a\n- b',
  '> quoted',
  '| a |\n|---|\n| 1 |',
];
const docOf = (text: string): Text => Text.of(text.split('\n'));

/** In slices that end after each block, as on a slow machine. */
function parseSlowly(doc: Text, known: WholeTree): WholeTree {
  let now = known;
  for (let slices = 0; slices === 0 || now.upTo < doc.length; slices++) {
    expect(slices).toBeLessThan(1_000);
    const next = parseFurther(doc, now, -1);
    expect(next.upTo).toBeGreaterThanOrEqual(now.upTo);
    now = next;
  }
  return now;
}

test('whatever is changed and however it is sliced, the tree is the one of a fresh parse', () => {
  const edit = fc.record({
    at: fc.nat(400),
    remove: fc.nat(30),
    insert: fc.constantFrom('x', '\n\n', '```\n', '*', '> ', ''),
  });
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...BLOCKS), { minLength: 1, maxLength: 20 }),
      fc.array(edit, { maxLength: 8 }),
      fc.boolean(),
      (blocks, edits, slowly) => {
        let doc = docOf(blocks.join('\n\n'));
        const parse = (known: WholeTree): WholeTree =>
          slowly ? parseSlowly(doc, known) : parseFurther(doc, known, Number.POSITIVE_INFINITY);
        let known = parse(NO_TREE);
        for (const { at, remove, insert } of edits) {
          const from = Math.min(at, doc.length);
          const changes = ChangeSet.of(
            { from, to: Math.min(doc.length, from + remove), insert: Text.of(insert.split('\n')) },
            doc.length,
          );
          doc = changes.apply(doc);
          known = parse(mapTree(known, changes));
        }
        expect(known.upTo).toBe(doc.length);
        expect(known.tree.toString()).toBe(markdownParser.parse(doc.toString()).toString());
      },
    ),
    { numRuns: 300 },
  );
});
