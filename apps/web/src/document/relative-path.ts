/** Paths as documents write them (relative to the document, `%20` for a space) and as projects have them. Pure. */

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** `../img/a%20b.png` in `notes/day` is `img/a b.png`. `..` stops at the project's folder; `?` and `#` are not part of it. */
export function absolutePath(documentPath: string, written: string): string {
  const target = decoded(written.replace(/[?#].*$/, ''));
  const parts = target.startsWith('/') ? [] : documentPath.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** How a document names a file of its project. */
export function relativePath(documentPath: string, path: string): string {
  const from = documentPath.split('/').slice(0, -1);
  const to = path.split('/');
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same += 1;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}
