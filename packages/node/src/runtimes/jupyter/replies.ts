/**
 * Jupyter's replies to questions in our shapes. Jupyter counts positions in code points, we in UTF-16 units; what it
 * inspects comes as text for people, of which the headings are read (IPython's `Signature:`, IRkernel's `# Help document`).
 */
import type { Answer } from '@markco/protocol';
import { isMap, type KernelMessage } from './wire.ts';

type Content = KernelMessage['content'];
type Match = Answer<'complete'>['matches'][number];

const MATCHES_MAX = 500;
const LABEL_CHARS_MAX = 1_000;
const TEXT_CHARS_MAX = 100_000;
const LINE_CHARS_MAX = 200;
/** Colors, and the way a typewriter prints bold and underlined, which R's help has. */
const ESCAPES = /\x1b\[[0-9;:?]*[A-Za-z]|.\x08/g;

const KINDS: ReadonlyMap<string, Match['kind']> = new Map([
  ['function', 'function'],
  ['method', 'method'],
  ['property', 'property'],
  ['class', 'class'],
  ['type', 'class'],
  ['module', 'module'],
  ['keyword', 'keyword'],
  ['magic', 'function'],
  ['constant', 'constant'],
  ['param', 'field'],
  ['field', 'field'],
  ['dict key', 'field'],
  ['path', 'value'],
]);

export function completionOf(reply: Content, code: string, cursor: number): Answer<'complete'> {
  const labels = texts(reply['matches']).slice(0, MATCHES_MAX);
  const metadata = isMap(reply['metadata']) ? reply['metadata'] : {};
  const types = metadata['_jupyter_types_experimental'];
  const typeOf = new Map(
    (Array.isArray(types) ? types : []).filter(isMap).map((each) => [String(each['text']), each] as const),
  );
  const start = reply['cursor_start'];
  const end = reply['cursor_end'];
  return {
    matches: labels.map((label) => {
      const known = typeOf.get(label);
      const signature = known?.['signature'];
      return {
        label: label.slice(0, LABEL_CHARS_MAX),
        kind: KINDS.get(String(known?.['type'])) ?? 'variable',
        ...(typeof signature === 'string' && signature !== '' ? { detail: cut(signature, LABEL_CHARS_MAX) } : {}),
      };
    }),
    cursorStart: typeof start === 'number' ? toUnits(code, start) : cursor,
    cursorEnd: typeof end === 'number' ? toUnits(code, end) : cursor,
    source: 'runtime',
  };
}

export function inspectionOf(reply: Content, code: string, cursor: number, detail: 0 | 1 | 2): Answer<'inspect'> {
  const data = isMap(reply['data']) ? reply['data'] : {};
  const written = data['text/plain'] ?? data['text/markdown'];
  if (reply['found'] !== true || typeof written !== 'string') return { found: false, source: 'runtime' };
  const text = cut(written.replace(ESCAPES, ''), TEXT_CHARS_MAX);
  const parts = sectionsOf(text);
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => parts.get(name)).find((part) => part !== undefined && part !== '');
  const signature = first('Signature', 'Call signature', 'Init signature');
  const type = first('Type', 'Class attribute')?.replace(/^\[1\] "?|"$/g, '');
  const value = first('String form', 'Printed form');
  const docstring = parts.size === 0 ? text : first('Docstring', 'Init docstring', 'Help document', 'Class docstring');
  const file = first('File');
  const sourceCode = first('Source');
  const name = nameAt(code, cursor);
  return {
    found: true,
    source: 'runtime',
    ...(name === '' ? {} : { name }),
    ...(type === undefined ? {} : { type: oneLine(type) }),
    ...(value === undefined ? {} : { value: oneLine(value) }),
    ...(signature === undefined ? {} : { signature }),
    ...(detail >= 1 && docstring !== undefined ? { docstring } : {}),
    ...(detail === 2 && sourceCode !== undefined ? { sourceCode } : {}),
    ...(detail === 2 && file !== undefined ? { file } : {}),
  };
}

/** `Name:   text` up to the next name at the start of a line, or `# Name:` above it. */
function sectionsOf(text: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  const heading = /^(?:# )?([A-Z][a-z]+(?: [a-z]+)?):(?=[ \t]|$)[ \t]*/gm;
  const all = [...text.matchAll(heading)].filter(({ 1: name = '' }) => HEADINGS.has(name));
  for (const [index, found] of all.entries()) {
    const end = all[index + 1]?.index ?? text.length;
    const name = found[1] ?? '';
    if (!parts.has(name)) parts.set(name, text.slice(found.index + found[0].length, end).trim());
  }
  return parts;
}

const HEADINGS: ReadonlySet<string> = new Set([
  ...['Signature', 'Call signature', 'Init signature', 'Docstring', 'Init docstring', 'Class docstring', 'Source'],
  ...['Type', 'String form', 'Length', 'File', 'Subclasses'],
  ...['Class attribute', 'Printed form', 'Help document'],
]);

/** The name that a position is in or behind, with what it is a part of (`np.array`). */
export function nameAt(code: string, cursor: number): string {
  const before = /[\p{L}\p{N}_.$:]*$/u.exec(code.slice(0, cursor))?.[0] ?? '';
  const after = /^[\p{L}\p{N}_]*/u.exec(code.slice(cursor))?.[0] ?? '';
  return (before + after).slice(-LABEL_CHARS_MAX);
}

/** Code points before so many UTF-16 units. */
export function toPoints(text: string, units: number): number {
  return Array.from(text.slice(0, units)).length;
}

/** UTF-16 units before so many code points. */
export function toUnits(text: string, points: number): number {
  let units = 0;
  for (let left = points; left > 0 && units < text.length; left -= 1) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  }
  return units;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function oneLine(text: string): string {
  return cut(text.replace(/\s+/g, ' ').trim(), LINE_CHARS_MAX);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}
