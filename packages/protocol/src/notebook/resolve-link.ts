/** What file a link means, given the files of its project. */
import { DOCUMENT_EXTENSIONS, splitExt } from '../document/path.ts';
import { decodePercent } from './link-target.ts';

/** A scheme, `//host`, or nothing but an anchor or a query: not a file of the project. */
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/|\?|$)/i;

/**
 * The file that an address leads to from a file: `../a%20b.md` in `x/y.md` → `a b.md`. A leading `/` is the project.
 * Null for what leads out of the project or to the web. Whether there is such a file is not asked.
 */
export function resolveAddress(address: string, fromFile: string): string | null {
  if (ELSEWHERE.test(address)) return null;
  const path = decodePercent(address.replace(/\?.*$/s, ''));
  const parts = path.startsWith('/') ? [] : fromFile.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  if (parts.length === 0) return null;
  return parts.join('/') + (path.endsWith('/') ? '/' : '');
}

/**
 * The document that `[[page]]` means: by its path when a `/` is in it, else by its name, else by its name without
 * `01-`. Case, and `-`, `_` or space, make no difference. Of several, the one nearest to the link's file, then the
 * first by path.
 */
export function resolveWikiTarget(target: string, fromFile: string, files: readonly string[]): string | null {
  const wanted = wikiKey(target);
  if (wanted === '') return null;
  for (const keyOf of wikiNames(target)) {
    const found = files.filter((file) => splitExt(file) !== null && wikiKey(keyOf(file)) === wanted);
    const [first] = found.sort((a, b) => distance(a, fromFile) - distance(b, fromFile) || (a < b ? -1 : 1));
    if (first !== undefined) return first;
  }
  return null;
}

/** How a document may be written in a `[[…]]` like this one, from the most exact to the least. */
export function wikiNames(target: string): readonly ((file: string) => string)[] {
  return target.includes('/') ? [withoutExt] : [nameOf, (file) => nameOf(file).replace(/^_?\d+[-_. ]+(?=.)/, '')];
}

function nameOf(file: string): string {
  return withoutExt(file).split('/').at(-1) ?? '';
}

/** What two spellings of one page share. */
export function wikiKey(name: string): string {
  return withoutExt(name.trim())
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[-_ ]+/g, ' ');
}

export function withoutExt(file: string): string {
  const ext = DOCUMENT_EXTENSIONS.find((candidate) => file.endsWith(candidate));
  return ext === undefined ? file : file.slice(0, -ext.length);
}

/** Folders to leave and to enter. */
function distance(file: string, fromFile: string): number {
  const a = file.split('/').slice(0, -1);
  const b = fromFile.split('/').slice(0, -1);
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  return a.length + b.length - 2 * same;
}
