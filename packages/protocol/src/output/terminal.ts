/**
 * Program output folded as a terminal would show it: `\r`, `\b`, cursor movement and erasing rewrite what
 * is there instead of adding lines, so a progress bar is one line however often it moves.
 *
 * 1. Bounded: at most `linesMax` lines and `charsMax` characters stay. Older ones go first and are counted.
 * 2. Escape sequences never reach the page: what is not understood (titles, clipboard, mouse) is dropped.
 * 3. The result does not depend on where the text was cut into chunks.
 */
import { applySgr, PLAIN_STYLE, STDERR_STYLE, type TextStyle } from './sgr.ts';

export type Span = { readonly text: string; readonly style: TextStyle };
export type Line = readonly Span[];

export type Terminal = {
  write(text: string, from: 'stdout' | 'stderr'): void;
  /** The lines that are kept, without empty ones at the end. */
  lines(): readonly Line[];
  /** Lines that went because of the bounds. Line `i` of `lines()` is line `droppedLines() + i` of the whole. */
  droppedLines(): number;
  /** The first line, counted in the whole, that changed since the last call; Infinity when none did. */
  takeDirty(): number;
  /** What is kept, without colors. */
  text(): string;
};

type Limits = { readonly linesMax: number; readonly charsMax: number };
const VIEW_LIMITS: Limits = { linesMax: 5_000, charsMax: 1_048_576 };
/** A longer line is broken: one endless line must not make each write cost more than the last. */
const LINE_CHARS_MAX = 65_536;
/** Rows that "home" and "erase screen" mean. */
const SCREEN_ROWS = 24;
/** An escape sequence that is longer than this is no escape sequence. */
const ESCAPE_CHARS_MAX = 4_096;

const CONTROL = /[\x00-\x1f\x7f\x80-\x9f]/g;
const CSI = /^\x1b\[([0-?]*)[ -/]*([@-~])/;
const STRING_SEQUENCE = /^\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)/;
const SHORT_SEQUENCE = /^\x1b[ -/]*[0-OQ-WYZ\\`-~]/;

export function createTerminal(limits: Limits = VIEW_LIMITS): Terminal {
  let rows: Row[] = [newRow()];
  let dropped = 0;
  let chars = 0;
  let row = 0;
  let column = 0;
  let dirty = 0;
  let pending = '';
  const styles = { stdout: PLAIN_STYLE, stderr: STDERR_STYLE };

  const rowAt = (index: number): Row => {
    while (rows.length <= index) rows.push(newRow());
    return rows[index] ?? newRow();
  };
  const touch = (index: number): void => {
    dirty = Math.min(dirty, dropped + index);
  };

  function put(text: string, style: TextStyle): void {
    for (let at = 0; at < text.length;) {
      if (column >= LINE_CHARS_MAX) newline();
      const piece = text.slice(at, at + LINE_CHARS_MAX - column);
      const line = rowAt(row);
      const before = line.length;
      overwrite(line, column, piece, style);
      chars += line.length - before;
      column += piece.length;
      at += piece.length;
      touch(row);
    }
  }

  function newline(): void {
    row += 1;
    column = 0;
    rowAt(row);
    if (rows.length > limits.linesMax + 512 || chars > limits.charsMax + 65_536) trim();
  }

  function trim(): void {
    let gone = Math.max(0, rows.length - limits.linesMax);
    for (let i = 0; i < gone; i++) chars -= rows[i]?.length ?? 0;
    while (chars > limits.charsMax && gone < rows.length - 1) {
      chars -= rows[gone]?.length ?? 0;
      gone += 1;
    }
    rows = rows.slice(gone);
    dropped += gone;
    row = Math.max(0, row - gone);
  }

  function cut(index: number, from: number, to: number): void {
    const line = rowAt(index);
    const before = line.length;
    if (to >= line.length) truncate(line, from);
    else overwrite(line, from, ' '.repeat(Math.max(0, to - from)), PLAIN_STYLE);
    chars += line.length - before;
    touch(index);
  }

  function erase(mode: number): void {
    if (mode === 0) {
      cut(row, column, Number.POSITIVE_INFINITY);
      for (let i = row + 1; i < rows.length; i++) cut(i, 0, Number.POSITIVE_INFINITY);
    } else {
      const top = mode === 1 ? screenTop() : mode === 3 ? 0 : screenTop();
      for (let i = top; i < (mode === 1 ? row : rows.length); i++) cut(i, 0, Number.POSITIVE_INFINITY);
      if (mode === 1) cut(row, 0, column + 1);
    }
  }

  const screenTop = (): number => Math.max(0, rows.length - SCREEN_ROWS);

  function control(parameters: string, final: string): void {
    const numbers = parameters.split(';').map(Number);
    const count = Math.min(Math.max(1, numbers[0] || 1), 10_000);
    if (final === 'A' || final === 'F') row = Math.max(0, row - count);
    if (final === 'B' || final === 'E') row = Math.min(rows.length - 1, row + count);
    if (final === 'E' || final === 'F') column = 0;
    if (final === 'C') column = Math.min(LINE_CHARS_MAX, column + count);
    if (final === 'D') column = Math.max(0, column - count);
    if (final === 'G') column = Math.min(LINE_CHARS_MAX, count - 1);
    if (final === 'H' || final === 'f') {
      row = Math.min(rows.length - 1, screenTop() + count - 1);
      column = Math.min(LINE_CHARS_MAX, Math.max(1, numbers[1] || 1) - 1);
    }
    if (final === 'K') {
      const mode = numbers[0] || 0;
      cut(row, mode === 0 ? column : 0, mode === 1 ? column + 1 : Number.POSITIVE_INFINITY);
    }
    if (final === 'J') erase(numbers[0] || 0);
  }

  /** Handles the escape sequence at the start of `text`; answers its length, or 0 when its end is still to come. */
  function escape(text: string, from: 'stdout' | 'stderr'): number {
    const csi = CSI.exec(text);
    if (csi !== null) {
      const [whole, parameters = '', final = ''] = csi;
      if (final === 'm') styles[from] = applySgr(styles[from], parameters);
      else control(parameters, final);
      return whole.length;
    }
    const other = STRING_SEQUENCE.exec(text) ?? SHORT_SEQUENCE.exec(text);
    if (other !== null) return other[0].length;
    const mayGoOn =
      text.length < ESCAPE_CHARS_MAX && /^\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)$/.test(text);
    return mayGoOn ? 0 : 1;
  }

  return {
    write(chunk, from) {
      const text = pending + chunk;
      pending = '';
      let at = 0;
      while (at < text.length) {
        CONTROL.lastIndex = at;
        const match = CONTROL.exec(text);
        const end = match === null ? text.length : match.index;
        if (end > at) put(text.slice(at, end), styles[from]);
        if (match === null) return;
        at = end + 1;
        const code = match[0];
        if (code === '\n') newline();
        else if (code === '\r') column = 0;
        else if (code === '\b') column = Math.max(0, column - 1);
        else if (code === '\t') put(' '.repeat(8 - (column % 8)), styles[from]);
        else if (code === '\x1b') {
          const used = escape(text.slice(end, end + ESCAPE_CHARS_MAX), from);
          if (used === 0) {
            pending = text.slice(end);
            return;
          }
          at = end + used;
        }
      }
    },
    lines() {
      trim();
      const last = rows.findLastIndex((line) => line.length > 0);
      return rows.slice(0, last + 1).map((line) => line.spans);
    },
    droppedLines: () => dropped,
    takeDirty() {
      const first = dirty;
      dirty = Number.POSITIVE_INFINITY;
      return first;
    },
    text() {
      return this.lines()
        .map((line) => line.map((span) => span.text).join(''))
        .join('\n');
    },
  };
}

type Row = { spans: Span[]; length: number };

function newRow(): Row {
  return { spans: [], length: 0 };
}

function truncate(row: Row, length: number): void {
  if (length >= row.length) return;
  row.spans = head(row.spans, length);
  row.length = length;
}

function overwrite(row: Row, at: number, text: string, style: TextStyle): void {
  if (at > row.length) overwrite(row, row.length, ' '.repeat(at - row.length), PLAIN_STYLE);
  if (at === row.length) {
    append(row.spans, text, style);
    row.length += text.length;
    return;
  }
  const spans = head(row.spans, at);
  append(spans, text, style);
  for (const span of tail(row.spans, at + text.length)) append(spans, span.text, span.style);
  row.spans = spans;
  row.length = Math.max(row.length, at + text.length);
}

function append(spans: Span[], text: string, style: TextStyle): void {
  if (text === '') return;
  const last = spans[spans.length - 1];
  if (last !== undefined && last.style.key === style.key) spans[spans.length - 1] = { text: last.text + text, style };
  else spans.push({ text, style });
}

function head(spans: readonly Span[], length: number): Span[] {
  const kept: Span[] = [];
  for (const span of spans) {
    if (length <= 0) break;
    kept.push(span.text.length <= length ? span : { text: span.text.slice(0, length), style: span.style });
    length -= span.text.length;
  }
  return kept;
}

function tail(spans: readonly Span[], from: number): Span[] {
  const kept: Span[] = [];
  for (const span of spans) {
    if (from < span.text.length) kept.push(from <= 0 ? span : { text: span.text.slice(from), style: span.style });
    from -= span.text.length;
  }
  return kept;
}
