/**
 * A run's events as the one answer of `/mrp/v1/execute`.
 *
 * 1. Memory is bounded, however much a program prints: what does not fit is left out with a sentence, and is in the
 *    run's events.
 * 2. A display that is updated is there once, in its last state.
 */
import { LIMITS, type MrpResult, type Run, type RunEvent } from '@markco/protocol';
import { placeOf } from './error-place.ts';
import { importsOf } from './imports.ts';

export type Shown = MrpResult['displayData'][number];
type LastEvent = Extract<RunEvent, { type: 'result' | 'error' }>;

/** What the events do not say. */
export type Beside = Pick<MrpResult, 'assets'> & {
  /** How often the session has run code: an error does not say it. */
  readonly executionCount: number;
};

export type Limits = { readonly textChars: number; readonly displayChars: number };
const BOUNDS: Limits = { textChars: LIMITS.mrpTextCharsMax, displayChars: LIMITS.mrpDisplayCharsMax };

export function createCollector(limits: Limits = BOUNDS) {
  const texts = { stdout: createText(limits.textChars), stderr: createText(limits.textChars) };
  const displays: Shown[] = [];
  /** Where each display is that may be updated. */
  const places = new Map<unknown, number>();
  const sizes: number[] = [];
  let displayChars = 0;
  let displaysLeftOut = 0;
  let last: LastEvent | null = null;

  function show(shown: Shown): void {
    const size = JSON.stringify(shown).length;
    const id = shown.metadata['displayId'];
    const before = id === undefined ? undefined : places.get(id);
    const grown = displayChars + size - (before === undefined ? 0 : (sizes[before] ?? 0));
    if (grown > limits.displayChars) {
      displaysLeftOut++;
      return;
    }
    displayChars = grown;
    const place = before ?? displays.length;
    displays[place] = shown;
    sizes[place] = size;
    if (id !== undefined) places.set(id, place);
  }

  return {
    take(event: RunEvent): void {
      if (event.type === 'stdout' || event.type === 'stderr') texts[event.type].add(event.payload.text);
      else if (event.type === 'display') show(event.payload);
      else if (event.type === 'result' || event.type === 'error') {
        last = event;
        const rich = richOf(event);
        if (rich !== null) show(rich);
      }
    },

    /** Once the run is over. */
    answer(run: Run, beside: Beside): MrpResult {
      const failed = failureOf(run, last);
      const data = last?.type === 'result' ? last.payload.data : null;
      const text = data?.['text/plain'];
      return {
        success: failed === null,
        stdout: texts.stdout.whole(),
        stderr: texts.stderr.whole() + leftOut(displaysLeftOut),
        result: typeof text === 'string' ? text : null,
        error:
          failed === null
            ? null
            : { ...failed, traceback: [...failed.traceback], ...placeOf(failed.traceback, run.code) },
        displayData: displays,
        assets: beside.assets,
        executionCount: last?.type === 'result' ? last.payload.executionCount : beside.executionCount,
        duration: last?.type === 'result' ? Math.round(last.payload.durationMs) : durationOf(run),
        imports: importsOf(run.code, run.language),
      };
    },
  };
}

/** A value that shows itself as more than text: `result` is text alone, so it is a display too. */
export function richOf(event: RunEvent): Shown | null {
  if (event.type !== 'result' || event.payload.data === null) return null;
  const { data } = event.payload;
  return Object.keys(data).some((mime) => mime !== 'text/plain') ? { data, metadata: {} } : null;
}

type Failed = { readonly type: string; readonly message: string; readonly traceback: readonly string[] };

/** The events of an old run may be gone; its row still says how it ended. */
function failureOf(run: Run, last: LastEvent | null): Failed | null {
  if (last?.type === 'error') return last.payload;
  if (last !== null || run.state === 'completed') return null;
  const message = run.error?.message ?? 'The run has not ended, and its events cannot be read any further.';
  return { type: run.error?.type ?? run.state, message, traceback: [] };
}

function durationOf(run: Run): number {
  if (run.startedAt === undefined || run.completedAt === undefined) return 0;
  return Math.max(0, Date.parse(run.completedAt) - Date.parse(run.startedAt));
}

function createText(maxChars: number) {
  const pieces: string[] = [];
  let chars = 0;
  let dropped = 0;
  return {
    add(text: string): void {
      const piece = text.slice(0, maxChars - chars);
      if (piece !== '') pieces.push(piece);
      chars += piece.length;
      dropped += text.length - piece.length;
    },
    whole: (): string => pieces.join('') + (dropped === 0 ? '' : `\n[… ${shown(dropped)} more characters: ${WHERE}]\n`),
  };
}

const WHERE = 'they are in the events of the run, /api/runs/EXEC_ID/events';

function leftOut(displays: number): string {
  return displays === 0 ? '' : `\n[${shown(displays)} displays are left out: ${WHERE}]\n`;
}

function shown(count: number): string {
  return count.toLocaleString('en-US');
}
