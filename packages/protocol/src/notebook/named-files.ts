/** The files of its project that a document shows or links to: pictures, data, what its cells drew. */
import { checkDocumentPath, splitExt } from '../document/path.ts';
import { findCells } from './cells.ts';
import { findLinks } from './links.ts';
import { parseMarkdown } from './parser.ts';
import { resolveAddress } from './resolve-link.ts';

/** Of one document; further ones are passed over. */
const NAMED_MAX = 1_000;
/** As a run writes them into its output: from the root of the project. */
const IN_OUTPUT = /\]\((_assets\/[^()\s]+)\)/g;

/**
 * Paths inside the project, in the order of the document. Whether there are such files is not asked; documents are
 * not among them.
 *
 * @param file of the document, `a/b.md`
 */
export function namedFiles(text: string, file: string): readonly string[] {
  if (!text.includes('](') && !text.includes(']:')) return [];
  const tree = parseMarkdown(text);
  const linked = findLinks(text, tree).flatMap((link) =>
    link.kind === 'wiki' ? [] : [resolveAddress(link.target, file)],
  );
  const printed = findCells(text, tree).flatMap(({ output }) =>
    [...(output?.text.matchAll(IN_OUTPUT) ?? [])].map(([, path]) => path ?? null),
  );
  return [...new Set([...linked, ...printed])]
    .filter((path): path is string => path !== null && isFilePath(path))
    .slice(0, NAMED_MAX);
}

/** Whether a file of this name may be one that a document names: a relative path in one spelling, no document, not hidden. */
export const isFilePath = (path: string): boolean => checkDocumentPath(path) === path && splitExt(path) === null;
