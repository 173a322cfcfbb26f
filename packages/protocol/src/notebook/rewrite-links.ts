/**
 * Keeping links whole when files are renamed or moved.
 *
 * Invariants:
 * 1. After all files of a project were rewritten for the same renames, every link that led to a file leads to it
 *    still, by its new name. Links that led nowhere, to the web or out of the project stay as they are.
 * 2. Only targets change: text, titles, anchors, queries and angle brackets stay, and so does the spelling of every
 *    part of a path that is still in it.
 */
import { splitExt } from '../document/path.ts';
import type { Tree } from '@lezer/common';
import type { TextEdit } from './edit.ts';
import { type AddressLink, findLinks, type WikiLink } from './links.ts';
import { decodePercent } from './link-target.ts';
import { parseMarkdown } from './parser.ts';
import { resolveAddress, resolveWikiTarget, wikiKey, wikiNames, withoutExt } from './resolve-link.ts';

/** Files with their extensions, relative to the project. */
export type Rename = { readonly from: string; readonly to: string };

export type RewriteOptions = {
  /** All files of the project before the renames, so that a `[[page]]` which means another file of that name stays. */
  readonly files?: readonly string[];
  readonly tree?: Tree;
};

/**
 * The edits for one document, in order; empty when none of its links is concerned.
 *
 * @param file the document's own file before the renames. It may be among them: its relative links then start elsewhere.
 * @param rename one, or all that happen at once, so that two files may swap names
 */
export function rewriteLinks(
  text: string,
  file: string,
  rename: Rename | readonly Rename[],
  options: RewriteOptions = {},
): readonly TextEdit[] {
  const renames = 'from' in rename ? [rename] : rename;
  const moved = new Map(renames.map(({ from, to }) => [from, to]));
  const newFile = moved.get(file) ?? file;
  const files = options.files ?? renames.map(({ from }) => from);
  const edits = findLinks(text, options.tree ?? parseMarkdown(text)).flatMap((link) => {
    const written = text.slice(link.targetFrom, link.targetTo);
    const insert = link.kind === 'wiki' ? rewriteWiki(link, written) : rewriteAddress(link, written);
    return insert === null || insert === written ? [] : [{ from: link.targetFrom, to: link.targetTo, insert }];
  });
  // An image inside a link ends before the link's own target starts.
  return edits.sort((a, b) => a.from - b.from);

  function rewriteAddress(link: AddressLink, written: string): string | null {
    const old = resolveAddress(link.target, file);
    if (old === null) return null;
    const target = newNameOf(old, moved);
    const isRooted = link.target.startsWith('/');
    if (target === old && (isRooted || folderOf(newFile) === folderOf(file))) return null;
    const parts = isRooted ? ['', ...target.split('/')] : relativeParts(target, newFile, link.target.startsWith('./'));
    return spell(parts, written);
  }

  function rewriteWiki(link: WikiLink, written: string): string | null {
    if (link.place !== null) return null;
    const old = resolveWikiTarget(link.target, file, files);
    const target = old === null ? undefined : moved.get(old);
    if (old === null || target === undefined) return null;
    const nameOf = wikiNames(link.target).find((candidate) => wikiKey(candidate(old)) === wikiKey(link.target));
    const name = nameOf?.(target) ?? withoutExt(target);
    if (wikiKey(name) === wikiKey(link.target)) return null;
    const ext = splitExt(written)?.ext === undefined ? '' : target.slice(withoutExt(target).length);
    // What cannot stand in brackets is no name there; such a link is better left than broken.
    return /[[\]|#\\\n]/.test(name) ? null : name + ext;
  }
}

/** A file's new name. An address may leave out a document's extension, or name a folder. */
function newNameOf(file: string, moved: ReadonlyMap<string, string>): string {
  const exact = moved.get(file);
  if (exact !== undefined) return exact;
  for (const ext of ['.md', '.qmd']) {
    const target = moved.get(file + ext);
    if (target !== undefined) return withoutExt(target);
  }
  return file;
}

function relativeParts(target: string, fromFile: string, hasDot: boolean): readonly string[] {
  const to = target.split('/');
  const from = fromFile.split('/').slice(0, -1);
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same++;
  const up = from.slice(same).map(() => '..');
  return [...(hasDot && up.length === 0 ? ['.'] : []), ...up, ...to.slice(same)];
}

/** The parts as an address, written as the old one was: in angle brackets or not, each old part as it stood there. */
function spell(parts: readonly string[], written: string): string {
  const isAngled = written.startsWith('<') && written.endsWith('>');
  const inside = isAngled ? written.slice(1, -1) : written;
  const [, path = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(inside) ?? [];
  const old = new Map(path.split('/').map((part) => [decodePercent(part), part]));
  const encodesAll = /%[89a-f][0-9a-f]/i.test(path);
  const spelled = parts.map((part) => old.get(part) ?? encodePart(part, isAngled, encodesAll)).join('/');
  // `a:b` at the start would read as a scheme.
  const safe = /^[^/]*:/.test(spelled) ? `./${spelled}` : spelled;
  return isAngled ? `<${safe}${rest}>` : safe + rest;
}

/** One part of a path so that Markdown and a browser read it back. */
function encodePart(part: string, isAngled: boolean, encodesAll: boolean): string {
  if (encodesAll) return encodeURIComponent(part).replaceAll(/[()'*!]/g, percent);
  const unsafe = isAngled ? /[%#?<>\\\p{Cc}]|&(?=[#\w])/gu : /[\s%#?<>()\\"'`*[\]|^{}\p{Cc}]|&(?=[#\w])/gu;
  return part.replaceAll(unsafe, percent);
}

function percent(char: string): string {
  return char.charCodeAt(0) < 128
    ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    : encodeURIComponent(char);
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/') + 1);
}
