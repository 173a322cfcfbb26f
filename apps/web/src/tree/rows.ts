/**
 * The tree as the rows one sees: which folders are open decides what is there, in the order of the folder.
 * Pure, so that the keyboard's way through it can be tested without a screen.
 */
import type { TreeNode } from '@markco/protocol/notebook/order';

export type Row = {
  readonly node: TreeNode;
  /** From 1, as `aria-level` counts. */
  readonly level: number;
  readonly position: number;
  readonly siblings: number;
  readonly parent: string | undefined;
  readonly open: boolean;
};

export function visibleRows(
  nodes: readonly TreeNode[],
  openFolders: ReadonlySet<string>,
  level = 1,
  parent?: string,
): readonly Row[] {
  return nodes.flatMap((node, index) => {
    const open = node.kind === 'folder' && openFolders.has(node.path);
    const row: Row = { node, level, position: index + 1, siblings: nodes.length, parent, open };
    return node.kind === 'folder' && open
      ? [row, ...visibleRows(node.children, openFolders, level + 1, node.path)]
      : [row];
  });
}

/** The folders that a document is in, outermost first: `a/b/c` is in `a` and `a/b`. */
export function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
}

export type TreeKey = { readonly focus: string } | { readonly toggle: string } | { readonly pick: string };

/** What a key does in a tree, after the ARIA pattern: arrows walk and open, Home and End jump, letters seek. */
export function treeKey(
  rows: readonly Row[],
  focused: string,
  key: string,
  label: (node: TreeNode) => string,
): TreeKey | undefined {
  const index = Math.max(
    0,
    rows.findIndex((row) => row.node.path === focused),
  );
  const row = rows[index];
  if (row === undefined) return undefined;
  const focusOn = (target: Row | undefined): TreeKey | undefined =>
    target === undefined ? undefined : { focus: target.node.path };
  switch (key) {
    case 'ArrowDown':
      return focusOn(rows[index + 1]);
    case 'ArrowUp':
      return focusOn(rows[index - 1]);
    case 'Home':
      return focusOn(rows[0]);
    case 'End':
      return focusOn(rows.at(-1));
    case 'ArrowRight':
      if (row.node.kind !== 'folder') return undefined;
      return row.open
        ? focusOn(rows[index + 1]?.parent === row.node.path ? rows[index + 1] : undefined)
        : { toggle: row.node.path };
    case 'ArrowLeft':
      if (row.open) return { toggle: row.node.path };
      return row.parent === undefined ? undefined : { focus: row.parent };
    case 'Enter':
    case ' ':
      return row.node.kind === 'folder' ? { toggle: row.node.path } : { pick: row.node.path };
    default: {
      if (key.length !== 1) return undefined;
      const after = [...rows.slice(index + 1), ...rows.slice(0, index + 1)];
      return focusOn(after.find((other) => label(other.node).toLocaleLowerCase().startsWith(key.toLocaleLowerCase())));
    }
  }
}
