/**
 * The names that documents may have, so that one project is the same on every device and file system.
 *
 * Invariants:
 * 1. An accepted path is relative, in Unicode NFC, with `/` between non-empty parts, and stays inside its project.
 * 2. It can be a file on Linux, macOS and Windows. The exceptions are `< > " | ? *`: people use them in titles on
 *    the first two, so they are accepted, and a Windows device leaves such a file alone and says so.
 * 3. `filePathOf` undoes `documentPathOf`, and two files of a project never get the same path.
 */
import { Failure } from '../failure.ts';
import { LIMITS } from '../limits.ts';

export const DOCUMENT_EXTENSIONS = ['.md', '.qmd'] as const;
export type DocumentExtension = (typeof DOCUMENT_EXTENSIONS)[number];

/** Folders that programs fill by the thousand and rebuild when asked: never synced. (`.venv` falls under the dot.) */
const MACHINE_FOLDERS: ReadonlySet<string> = new Set(['node_modules', '__pycache__']);
/** Device names of Windows: reserved in every folder, whatever follows the first dot. */
const RESERVED_ON_WINDOWS =
  /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
const CONTROL = /\p{Cc}/u;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * The path in NFC, or why it cannot be one. Takes paths with and without their extension; give it the file's
 * path (`filePathOf`) where both are at hand.
 *
 * @returns a `bad_request` Failure as a value, since a folder may hold many such names and that is no accident
 */
export function checkDocumentPath(path: string): string | Failure {
  if (path === '') return refuse(path, 'is empty. Give the document a name');
  if (LONE_SURROGATE.test(path)) return refuse(path, 'holds half a character. Rename it');
  const normal = path.normalize('NFC');
  if (utf8Length(normal) > LIMITS.pathBytesMax)
    return refuse(path, `is longer than ${LIMITS.pathBytesMax} bytes. Use shorter names`);
  if (CONTROL.test(normal)) return refuse(path, 'holds a control character. Rename it');
  if (normal.includes('\\')) return refuse(path, 'holds a backslash. Write `/` between folders');
  if (normal.includes(':')) return refuse(path, 'holds a colon, which Windows reserves. Rename it');
  if (normal.startsWith('/')) return refuse(path, 'starts with `/`. Give it relative to its project');
  for (const part of normal.split('/')) {
    const problem = problemOfPart(part);
    if (problem !== null) return refuse(path, problem);
  }
  return normal;
}

/** `a/b.md` → `{ path: 'a/b', ext: '.md' }`; null for what is no document. Extensions are in lower case. */
export function splitExt(file: string): { readonly path: string; readonly ext: DocumentExtension } | null {
  const ext = DOCUMENT_EXTENSIONS.find((candidate) => file.endsWith(candidate));
  if (ext === undefined) return null;
  const path = file.slice(0, -ext.length);
  return path === '' || path.endsWith('/') ? null : { path, ext };
}

/**
 * How a file is called as a document: without its extension, except where that would make two of them equal.
 * `a.qmd` keeps it beside an `a.md`, and so does a file like `a.md.qmd` whose bare path looks like a kept one.
 *
 * @param hasFile whether the project has that file too
 * @returns null for what is no document
 */
export function documentPathOf(
  file: string,
  hasFile: (file: string) => boolean,
): { readonly path: string; readonly ext: DocumentExtension } | null {
  const split = splitExt(file);
  if (split === null) return null;
  const isKept = splitExt(split.path) !== null || (split.ext === '.qmd' && hasFile(`${split.path}.md`));
  return isKept ? { path: file, ext: split.ext } : split;
}

/** The file of a document, relative to its project: `{ path: 'a/b', ext: '.md' }` → `a/b.md`. */
export function filePathOf(document: { readonly path: string; readonly ext: DocumentExtension }): string {
  return document.path.endsWith(document.ext) ? document.path : document.path + document.ext;
}

function problemOfPart(part: string): string | null {
  if (part === '') return 'has an empty part. Remove the extra `/`';
  if (part === '.' || part === '..') return 'has a `.` or `..` part. Give it relative to its project';
  if (part.startsWith('.')) return 'has a part that starts with a dot, and such files stay on their device. Rename it';
  if (part.endsWith('.') || part.endsWith(' '))
    return 'has a part that ends with a dot or a space, which Windows drops. Rename it';
  if (MACHINE_FOLDERS.has(part)) return `lies in \`${part}\`, which is never synced. Move it elsewhere`;
  if (RESERVED_ON_WINDOWS.test(part)) return 'has a part that Windows reserves for a device. Rename it';
  if (utf8Length(part) > LIMITS.pathPartBytesMax)
    return `has a part longer than ${LIMITS.pathPartBytesMax} bytes. Use shorter names`;
  return null;
}

function refuse(path: string, problem: string): Failure {
  const shown = path.length > 80 ? `${path.slice(0, 79)}…` : path;
  return new Failure('bad_request', `The document path ${JSON.stringify(shown)} ${problem}.`);
}

const encoder = new TextEncoder();
function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
