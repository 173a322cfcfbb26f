/**
 * The order of a folder, the same on every device and in every language: `01-` numbers first, then names as people
 * count (`part 2` before `part 10`), then what a leading `_` keeps off the published site. What a leading `.` hides is
 * not there at all.
 */
import { labelOf } from './title.ts';

type NodeShape = {
  /** The last part of the path. */
  readonly name: string;
  /** What readers see. */
  readonly label: string;
  readonly path: string;
  /** Whether it, or a folder above it, starts with `_`: shown dimmed, never published. */
  readonly hidden: boolean;
};
export type DocumentNode = NodeShape & { readonly kind: 'document' };
export type FolderNode = NodeShape & { readonly kind: 'folder'; readonly children: readonly TreeNode[] };
export type TreeNode = DocumentNode | FolderNode;

/**
 * The tree of a project's documents. Folders and documents share one order, as the pages of a site do.
 *
 * @param paths of documents, with or without extension; a path twice is one
 * @param titleAt the title of the document at a path, where it is known; else its name makes the label
 */
export function buildTree(
  paths: Iterable<string>,
  titleAt: (path: string) => string | undefined = () => undefined,
): readonly TreeNode[] {
  const root: Draft = { folders: new Map(), documents: new Set() };
  for (const path of paths) {
    const parts = path.split('/');
    if (parts.some((part) => part === '' || part.startsWith('.'))) continue;
    let folder = root;
    for (const part of parts.slice(0, -1)) {
      let next = folder.folders.get(part);
      if (next === undefined) folder.folders.set(part, (next = { folders: new Map(), documents: new Set() }));
      folder = next;
    }
    folder.documents.add(parts.at(-1) ?? '');
  }
  return finish(root, '', false, titleAt);
}

/** The documents in reading order: the tree from top to bottom. */
export function flattenTree(nodes: readonly TreeNode[]): readonly DocumentNode[] {
  return nodes.flatMap((node) => (node.kind === 'document' ? [node] : flattenTree(node.children)));
}

/** Compares two names of one folder, for `sort`. */
export function compareNames(a: string, b: string): number {
  const [hiddenA, hiddenB] = [a.startsWith('_'), b.startsWith('_')];
  if (hiddenA !== hiddenB) return hiddenA ? 1 : -1;
  const [numberA, numberB] = [isNumbered(a), isNumbered(b)];
  if (numberA !== numberB) return numberA ? -1 : 1;
  return compareNatural(a.toLowerCase(), b.toLowerCase()) || compareUnits(a, b);
}

type Draft = { readonly folders: Map<string, Draft>; readonly documents: Set<string> };

function finish(
  draft: Draft,
  prefix: string,
  hidden: boolean,
  titleAt: (path: string) => string | undefined,
): readonly TreeNode[] {
  const folders = [...draft.folders].map(([name, folder]): FolderNode => {
    const path = prefix + name;
    const isHidden = hidden || name.startsWith('_');
    return {
      kind: 'folder',
      name,
      label: labelOf(name),
      path,
      hidden: isHidden,
      children: finish(folder, `${path}/`, isHidden, titleAt),
    };
  });
  const documents = [...draft.documents].map((name): DocumentNode => {
    const path = prefix + name;
    return {
      kind: 'document',
      name,
      label: titleAt(path) ?? labelOf(name),
      path,
      hidden: hidden || name.startsWith('_'),
    };
  });
  return [...folders, ...documents].sort((a, b) => compareNames(a.name, b.name) || compareUnits(a.kind, b.kind));
}

function isNumbered(name: string): boolean {
  return /^_*\d+(?:[-_. ]|$)/.test(name);
}

/** Runs of digits by their number, of any length; everything else by code unit. */
function compareNatural(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? [];
  const partsB = b.match(/\d+|\D+/g) ?? [];
  for (const [i, partA] of partsA.entries()) {
    const partB = partsB[i];
    if (partB === undefined) return 1;
    const isNumber = /^\d/.test(partA) && /^\d/.test(partB);
    const order = isNumber
      ? compareDigits(partA.replace(/^0+/, ''), partB.replace(/^0+/, ''))
      : compareUnits(partA, partB);
    if (order !== 0) return order;
  }
  return partsA.length - partsB.length;
}

function compareDigits(a: string, b: string): number {
  return a.length - b.length || compareUnits(a, b);
}

function compareUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
