/** Where `[[next]]`, `[[prev]]`, `[[up]]` and `[[home]]` lead: through the published pages, in the folder's order. */
import type { WikiPlace } from './links.ts';
import { flattenTree, type TreeNode } from './order.ts';

/**
 * The paths of a document's neighbors, null where there is none. Hidden documents are passed over; `up` is the first
 * page of the nearest folder above that does not start with the document itself.
 */
export function neighborsOf(path: string, tree: readonly TreeNode[]): Readonly<Record<WikiPlace, string | null>> {
  const pages = flattenTree(tree)
    .filter((page) => !page.hidden || page.path === path)
    .map((page) => page.path);
  const at = pages.indexOf(path);
  if (at < 0) return { next: null, prev: null, up: null, home: null };
  return { next: pages[at + 1] ?? null, prev: pages[at - 1] ?? null, up: upOf(path, pages), home: pages[0] ?? null };
}

function upOf(path: string, pages: readonly string[]): string | null {
  const folders = path.split('/').slice(0, -1);
  for (let depth = folders.length; depth >= 0; depth--) {
    const prefix = folders
      .slice(0, depth)
      .map((folder) => `${folder}/`)
      .join('');
    const first = pages.find((page) => page.startsWith(prefix));
    if (first !== undefined && first !== path) return first;
  }
  return null;
}
