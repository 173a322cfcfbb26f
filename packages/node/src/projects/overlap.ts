/**
 * Why a folder cannot be a project beside those that are open: one of the two is inside of the other, so that a file
 * would be two documents, each with a history of its own.
 *
 * A folder that its surrounding project leaves alone (hidden, `node_modules`) shares nothing with it.
 */
import { Failure } from '@markco/protocol';
import { relative, sep } from 'node:path';
import { reasonAgainstFolder } from '../files/walk.ts';

export type OpenFolder = { readonly displayName: string; /** Without links. */ readonly root: string };

/** A `conflict` that names the open project and says what to do, or undefined. `root`: without links. */
export function overlapOf(root: string, open: Iterable<OpenFolder>): Failure | undefined {
  for (const other of open) {
    const named = `the open project ${JSON.stringify(other.displayName)} (${other.root})`;
    const inside = pathBelow(other.root, root);
    if (inside !== undefined)
      return new Failure(
        'conflict',
        `${root} is the folder ${JSON.stringify(inside)} of ${named}. Open its pages there, or close that project in the page first.`,
      );
    if (pathBelow(root, other.root) !== undefined)
      return new Failure(
        'conflict',
        `${root} contains ${named}. Go on there, or close that project in the page first.`,
      );
  }
  return undefined;
}

/** The path of `inner` in `outer`, where a project in `outer` would find it. */
function pathBelow(outer: string, inner: string): string | undefined {
  const parts = relative(outer, inner).split(sep);
  // On Windows another drive stays an absolute path.
  if (parts[0] === '' || parts[0] === '..' || /^[A-Za-z]:/.test(parts[0] ?? '')) return undefined;
  return parts.every((name) => reasonAgainstFolder(name) === null) ? parts.join('/') : undefined;
}
