/**
 * What `display` shows in a cell of Bash: bytes with a name as a MIME bundle, or a sentence about why not. Pure.
 *
 * 1. HTML comes of a file's name or of what the cell says, never of what a program has printed.
 * 2. What does not fit into an event is not shown at all: the cell is told, and can do something about it.
 */
import path from 'node:path';
import { BUNDLE_BYTES, fitBundle } from '../keeper/fit.ts';
import { tableOf } from './delimited.ts';

type Bundle = Record<string, unknown>;

const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  html: 'text/html',
  md: 'text/markdown',
  json: 'application/json',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
};
const PLAIN = 'text/plain';
const KNOWN = `Known are ${Object.keys(TYPES).join(', ')}.`;
const SIGNATURES: readonly (readonly [mime: string, begin: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
];
const SVG_BEGIN = /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->)[^])*-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/;
const BEGIN_BYTES = 4_096;
/** Whoever reads it again goes into it by recursion. */
const JSON_DEPTH_MAX = 200;

export type Shown = {
  /** A file's name, or empty: it was piped in. */
  readonly name: string;
  /** A MIME type or an extension, or empty: what the name or the first bytes say. */
  readonly type: string;
  /** Of what is larger than fits, enough to tell. */
  readonly bytes: Buffer;
};

export function bundleOf({ name, type, bytes }: Shown): Bundle | string {
  const mime = mimeOf({ name, type, bytes });
  if (mime === null) {
    const what = type === '' ? `${path.extname(name) || 'A name without an extension'} is` : `-t ${type} is`;
    return `${what} no type that can be shown. ${KNOWN} Say which it is (\`-t csv\`), or print it with \`cat\`.`;
  }
  if (bytes.length === 0) return 'It is empty: there is nothing to show. Check what should have written it.';
  if (bytes.length > BUNDLE_BYTES) return tooLarge(mime);
  const data = dataOf(mime, bytes, name);
  if (typeof data === 'string') return data;
  const fitting = fitBundle(data);
  return Object.keys(data).every((each) => each in fitting) ? fitting : tooLarge(mime);
}

function mimeOf({ name, type, bytes }: Shown): string | null {
  if (type === '' && name === '') return pictureType(bytes) ?? (SVG_BEGIN.test(begin(bytes)) ? 'image/svg+xml' : PLAIN);
  const wanted = (type === '' ? path.extname(name) : type).toLowerCase();
  if (wanted === PLAIN || Object.values(TYPES).includes(wanted)) return wanted;
  const extension = wanted.replace(/^\./, '');
  if (type !== '' && extension === 'txt') return PLAIN;
  return Object.hasOwn(TYPES, extension) ? (TYPES[extension] ?? null) : null;
}

function dataOf(mime: string, bytes: Buffer, name: string): Bundle | string {
  const label = { [PLAIN]: `[${name === '' ? mime : name}]` };
  if (isBitmap(mime)) {
    const found = pictureType(bytes);
    if (found === null) return `It is no picture, though it should be ${mime}. Check what has written it.`;
    return { [found]: bytes.toString('base64'), ...label };
  }
  const text = readText(bytes);
  if (text === null)
    return 'It is neither a picture nor text in UTF-8. Convert text to it: `iconv -f latin1 FILE | display -t csv`.';
  switch (mime) {
    case 'image/svg+xml':
      return /<svg[\s>]/.test(text) ? { [mime]: text, ...label } : 'It is no SVG: there is no <svg> in it.';
    case 'text/html':
      return { [mime]: text, ...label };
    case 'application/json':
      return jsonOf(text);
    case 'text/csv':
    case 'text/tab-separated-values': {
      const table = tableOf(text, mime === 'text/csv' ? ',' : '\t');
      return table === null
        ? 'There is no row in it: there is nothing to show.'
        : { 'text/html': table.html, [PLAIN]: table.plain };
    }
    default:
      return { [mime]: text.replace(/\n$/, '') };
  }
}

function jsonOf(text: string): Bundle | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `It is no JSON: ${error instanceof Error ? error.message : String(error)}. Correct it, or print it with \`cat\`.`;
  }
  if (isDeeper(value, JSON_DEPTH_MAX))
    return `It is nested deeper than ${JSON_DEPTH_MAX} levels. Print it with \`cat\`.`;
  return { 'application/json': value, [PLAIN]: text.trimEnd() };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

function pictureType(bytes: Buffer): string | null {
  return SIGNATURES.find(([, signature]) => signature.test(begin(bytes)))?.[0] ?? null;
}

function isBitmap(mime: string): boolean {
  return SIGNATURES.some(([one]) => one === mime);
}

function begin(bytes: Buffer): string {
  return bytes.toString('latin1', 0, BEGIN_BYTES);
}

function readText(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Pictures travel in base64, four characters for three bytes. */
function tooLarge(mime: string): string {
  const most = isBitmap(mime) ? (BUNDLE_BYTES / 4) * 3 : BUNDLE_BYTES;
  const instead = isBitmap(mime)
    ? 'Make it smaller, or link to it in the text: ![](FILE).'
    : `Show a part of it: \`head -n 100 FILE | display -t ${mime}\`.`;
  return `It is too large to show: at most ${Math.floor(most / 1024)} KB. ${instead}`;
}
