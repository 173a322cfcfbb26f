/**
 * The syntax of a whole document, kept apart from the editor's own tree. That one is parsed again with every key, from
 * its first block to as far as it was known: were it known to the end, a key in a long document would cost the walk
 * over all its blocks. So the editor's reaches little further than what is seen, and this one follows when typing
 * pauses. It leaves the code in fences alone.
 */
import { DocInput } from '@codemirror/language';
import type { ChangeDesc, Text as Doc } from '@codemirror/state';
import { Tree, TreeFragment, type ChangedRange } from '@lezer/common';
import { markdownParser } from '@markco/protocol';

export type WholeTree = {
  readonly tree: Tree;
  /** How far it reaches. */
  readonly upTo: number;
  /** What the next parse can take over. */
  readonly fragments: readonly TreeFragment[];
};

export const NO_TREE: WholeTree = { tree: Tree.empty, upTo: 0, fragments: [] };

/** Goes on from what is known, for about this long, and by a block at least. */
export function parseFurther(doc: Doc, known: WholeTree, budgetMs: number): WholeTree {
  if (known.upTo >= doc.length && known.tree !== Tree.empty) return known;
  const parse = markdownParser.startParse(new DocInput(doc), known.fragments);
  const until = performance.now() + budgetMs;
  let tree = parse.advance();
  while (tree === null) {
    const isFurther = parse.parsedPos > known.upTo;
    if (parse.stoppedAt === null && isFurther && performance.now() > until) parse.stopAt(parse.parsedPos);
    tree = parse.advance();
  }
  const isPart = parse.stoppedAt !== null;
  return {
    tree,
    upTo: parse.stoppedAt ?? doc.length,
    fragments: TreeFragment.addTree(tree, known.fragments, isPart),
  };
}

/** What is left of it after a change: nothing to read, but most of the next parse. */
export function mapTree(known: WholeTree, changes: ChangeDesc): WholeTree {
  const ranges: ChangedRange[] = [];
  changes.iterChangedRanges((fromA, toA, fromB, toB) => ranges.push({ fromA, toA, fromB, toB }));
  return { tree: Tree.empty, upTo: 0, fragments: TreeFragment.applyChanges(known.fragments, ranges) };
}
