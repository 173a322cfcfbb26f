/**
 * The whole output of a run as lines, for a page that shows some of them.
 *
 * 1. Lines keep their colors (escape codes); what returned to its beginning is folded, as a terminal does within a line.
 * 2. Bounded: the device keeps `LIMITS.runOutputBytesMax` of a run; here at most `LINES_MAX` lines, the newest, and
 *    the others are counted. A line is broken at `LINE_CHARS_MAX`.
 */
import type { RunEvent } from '@markco/protocol';
import type { MimeBundle } from '../editor/output/run-output.ts';

export type Shown = { readonly line: number; readonly data: MimeBundle };

export type RunLog = {
  readonly length: number;
  /** Lines that went: the first that is here is this one of the whole. */
  readonly dropped: number;
  readonly nextSeq: number;
  /** What is no text, each with the line it stands for. */
  readonly shown: readonly Shown[];
  /** The line, counted from 0 among those that are here, that the wanted event began with; undefined until it came. */
  readonly wanted: number | undefined;
  /** With its escape codes. */
  raw(line: number): string;
  isError(line: number): boolean;
  plain(line: number): string;
  fold(event: RunEvent): void;
};

const LINES_MAX = 2_000_000;
/** Dropped at once, so that dropping is seldom. */
const DROP_LINES = 200_000;
const LINE_CHARS_MAX = 65_536;
const SHOWN_MAX = 100;

/** Escape sequences: colors and cursor, titles, and what is left of others. */
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

export const plainText = (raw: string): string =>
  raw.includes('\x1b') || CONTROLS.test(raw) ? raw.replace(ESCAPES, '').replace(CONTROLS, '') : raw;

/** A line over itself: each return to the beginning writes over what was there. */
export function foldReturns(line: string): string {
  if (!line.includes('\r')) return line;
  let seen = '';
  for (const part of line.split('\r')) {
    if (part === '') continue;
    // What has colors was written whole again, by every program that draws a bar.
    seen = part.includes('\x1b') || part.length >= seen.length ? part : part + seen.slice(part.length);
  }
  return seen;
}

export function createRunLog(options: { readonly wantedSeq?: number; readonly linesMax?: number } = {}): RunLog {
  const { wantedSeq, linesMax = LINES_MAX } = options;
  let lines: string[] = [];
  let errors = new Set<number>();
  let shown: Shown[] = [];
  let open = '';
  let openIsError = false;

  const log = {
    get length() {
      return lines.length + (open === '' ? 0 : 1);
    },
    dropped: 0,
    nextSeq: 0,
    get shown() {
      return shown;
    },
    wanted: undefined as number | undefined,
    raw: (line: number): string => lines[line] ?? (line === lines.length ? foldReturns(open) : ''),
    isError: (line: number): boolean => (line === lines.length ? openIsError : errors.has(line)),
    plain: (line: number): string => plainText(log.raw(line)),
    fold(event: RunEvent): void {
      if (event.seq < log.nextSeq) return;
      log.nextSeq = event.seq + 1;
      if (wantedSeq !== undefined && log.wanted === undefined && event.seq >= wantedSeq) log.wanted = lines.length;
      apply(event);
      if (lines.length > linesMax) drop(Math.max(lines.length - linesMax, Math.min(DROP_LINES, linesMax >> 1)));
    },
  };

  function push(line: string, isError: boolean): void {
    if (isError) errors.add(lines.length);
    lines.push(line);
  }

  function write(text: string, isError: boolean): void {
    const parts = (open + text).split('\n');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      const line = foldReturns(part.endsWith('\r') ? part.slice(0, -1) : part);
      for (let at = 0; at === 0 || at < line.length; at += LINE_CHARS_MAX)
        push(line.slice(at, at + LINE_CHARS_MAX), isError || openIsError);
      openIsError = false;
    }
    open = last;
    openIsError = last !== '' && (isError || (parts.length === 0 && openIsError));
    // A bar that never ends its line must not grow with every step.
    if (open.length > LINE_CHARS_MAX) open = foldReturns(open);
    while (open.length > LINE_CHARS_MAX) {
      push(open.slice(0, LINE_CHARS_MAX), openIsError);
      open = open.slice(LINE_CHARS_MAX);
    }
  }

  function endLine(): void {
    if (open !== '') write('\n', false);
  }

  function show(data: MimeBundle): void {
    endLine();
    const plain = data['text/plain'];
    const kinds = Object.keys(data).filter((kind) => kind !== 'text/plain');
    if (kinds.length > 0) {
      if (shown.length >= SHOWN_MAX) shown = shown.slice(1);
      shown = [...shown, { line: lines.length, data }];
    }
    write(`${typeof plain === 'string' ? plain : `[${kinds.join(', ')}]`}\n`, false);
  }

  function apply(event: RunEvent): void {
    switch (event.type) {
      case 'stdout':
      case 'stderr':
        return write(event.payload.text, event.type === 'stderr');
      case 'display':
        return show(event.payload.data);
      case 'result':
        if (event.payload.data !== null) show(event.payload.data);
        return endLine();
      case 'error': {
        const { type, message, traceback } = event.payload;
        endLine();
        return write(`${traceback.length > 0 ? traceback.join('\n').trimEnd() : `${type}: ${message}`}\n`, true);
      }
      case 'stdin-response':
        return write(`${event.payload.text ?? '••••'}\n`, false);
      case 'stdin-request':
        return write(event.payload.prompt, false);
      case 'progress':
    }
  }

  function drop(count: number): void {
    lines = lines.slice(count);
    log.dropped += count;
    errors = new Set([...errors].flatMap((line) => (line >= count ? [line - count] : [])));
    shown = shown.flatMap(({ line, data }) => (line >= count ? [{ line: line - count, data }] : []));
    if (log.wanted !== undefined) log.wanted = Math.max(0, log.wanted - count);
  }

  return log;
}
