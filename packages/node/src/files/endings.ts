/**
 * A file's bytes as the text of a document, and back. A document's text has `\n` only and no byte order mark;
 * which ending a line had in its file is read from the file itself when it is written again.
 *
 * 1. `encodeFile(decodeFile(bytes).text, bytes)` is `bytes`, for any UTF-8 without NUL.
 * 2. A line that did not change keeps its ending byte for byte, also in a file that mixes them; a new line gets
 *    the ending that most lines have.
 * 3. `encodeAs(decodeFile(bytes).text, endingsOf(bytes))` is `bytes` too, up to `ENDING_RUNS_MAX` changes of the ending.
 * 4. What a text may hold and a file may not (half a surrogate pair, NUL) is written as U+FFFD, as CommonMark §2.3 asks.
 */
import { isUtf8 } from 'node:buffer';
import type { FileForm } from '@markco/replica/documents/document-record';
import { diffLines } from '@markco/replica/documents/line-diff';

export type DecodedFile = {
  readonly text: string;
  readonly bom: boolean;
  readonly eol: 'lf' | 'crlf' | 'cr' | 'mixed';
};

/** Beyond, the lines that are left get the usual ending. */
const ENDING_RUNS_MAX = 1_000;

const BOM = '\uFEFF';
const ENDING = /\r\n|\r|\n/g;
const ENDING_TEXT = { lf: '\n', crlf: '\r\n', cr: '\r' } as const;
const ENDING_NAME: ReadonlyMap<string, keyof typeof ENDING_TEXT> = new Map([
  ['\n', 'lf'],
  ['\r\n', 'crlf'],
  ['\r', 'cr'],
]);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Whether the bytes can be a document: UTF-8 and no NUL. */
export function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

/** Takes bytes for which `isText` holds. */
export function decodeFile(bytes: Uint8Array): DecodedFile {
  const raw = decoder.decode(bytes);
  const bom = raw.startsWith(BOM);
  const body = bom ? raw.slice(1) : raw;
  if (!body.includes('\r')) return { text: body, bom, eol: 'lf' };
  const kinds = new Set(body.match(ENDING));
  const eol = kinds.size > 1 ? 'mixed' : kinds.has('\r\n') ? 'crlf' : 'cr';
  return { text: body.replace(ENDING, '\n'), bom, eol };
}

/** The bytes of `text` in the file that held `previous` (empty for a new one). */
export function encodeFile(text: string, previous: Uint8Array): Uint8Array {
  const before = decodeFile(previous);
  const body = asWritten(text);
  // A text that starts with what would be read as a mark gets a mark before it.
  return encoder.encode((before.bom || body.startsWith(BOM) ? BOM : '') + withEndings(body, before, previous));
}

/** What `encodeAs` needs to make these bytes of their text again. Takes bytes for which `isText` holds. */
export function endingsOf(bytes: Uint8Array): Pick<FileForm, 'bom' | 'endings'> {
  const raw = decoder.decode(bytes);
  const runs: ['lf' | 'crlf' | 'cr', number][] = [];
  for (const [ending] of raw.matchAll(ENDING)) {
    const name = ENDING_NAME.get(ending) ?? 'lf';
    const last = runs.at(-1);
    if (last?.[0] === name) last[1]++;
    else if (runs.length === ENDING_RUNS_MAX) break;
    else runs.push([name, 1]);
  }
  return { bom: raw.startsWith(BOM), endings: runs };
}

/** The bytes of `text` in a new file of that form. */
export function encodeAs(text: string, form: Pick<FileForm, 'bom' | 'endings'>): Uint8Array {
  const endings = form.endings.flatMap(([name, lines]) => Array<string>(lines).fill(ENDING_TEXT[name]));
  const body = asWritten(text);
  return encoder.encode(
    (form.bom || body.startsWith(BOM) ? BOM : '') + joinLines(body.split('\n'), endings, mostFrequent(endings)),
  );
}

/** The text as it comes back from a file, unit for unit as long as it was. */
export function asWritten(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function withEndings(text: string, before: DecodedFile, previous: Uint8Array): string {
  if (before.eol === 'lf') return text;
  if (before.eol !== 'mixed') return text.replaceAll('\n', ENDING_TEXT[before.eol]);
  const endings = decoder.decode(previous).match(ENDING) ?? [];
  const usual = mostFrequent(endings);
  const linesBefore = before.text.split('\n');
  const lines = text.split('\n');
  const kept: (string | undefined)[] = [];
  let fromA = 0;
  let fromB = 0;
  for (const hunk of [
    ...diffLines(linesBefore, lines),
    { fromA: linesBefore.length, toA: 0, fromB: lines.length, toB: 0 },
  ]) {
    while (fromB < hunk.fromB) kept[fromB++] = endings[fromA++];
    // A line that was changed in place keeps its ending too.
    for (let i = 0; i < hunk.toB - hunk.fromB && i < hunk.toA - hunk.fromA; i++)
      kept[hunk.fromB + i] = endings[hunk.fromA + i];
    fromA = hunk.toA;
    fromB = hunk.toB;
  }
  return joinLines(lines, kept, usual);
}

function joinLines(lines: readonly string[], endings: readonly (string | undefined)[], usual: string): string {
  let written = '';
  for (const [i, line] of lines.entries()) {
    const ending = i === lines.length - 1 ? '' : (endings[i] ?? usual);
    // `\r` of the line before and `\n` of an empty one would be read as a single ending.
    written += line + (line === '' && ending === '\n' && written.endsWith('\r') ? '\r\n' : ending);
  }
  return written;
}

function mostFrequent(endings: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const ending of endings) counts.set(ending, (counts.get(ending) ?? 0) + 1);
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most), ['\n', 0] as [string, number])[0];
}
