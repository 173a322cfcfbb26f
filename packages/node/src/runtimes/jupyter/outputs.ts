/**
 * What a kernel publishes, as a run's output.
 *
 * 1. `clear_output` clears what is text as a terminal does. Displays that come after it take the places of those before,
 *    as updates: a plot that is drawn again and again stays one plot.
 * 2. R sends the value of a cell as a display like any other: one that is the last thing a cell does, and no picture, is
 *    the cell's result. It is held back for a moment, to see whether it is the last.
 * 3. Widgets need a program in the page that we do not have: their text is kept.
 */
import type { LastWord, Sink } from '../keeper/interpreter.ts';
import { isMap, type KernelMessage } from './wire.ts';

type ErrorPayload = Extract<LastWord, { type: 'error' }>['payload'];

const CLEAR = '\x1b[2J\x1b[3J\x1b[H';
const ESCAPES = /\x1b\[[0-9;:?]*[A-Za-z]/g;
const WIDGET = 'application/vnd.jupyter.widget-view+json';
/** Displays of one run whose places are known. Further ones are shown anew instead of in their place. */
const PLACES_MAX = 1_000;
const HELD_MS = 200;

export function createOutputs(sink: Pick<Sink, 'text' | 'display'>) {
  let run = '';
  let result: Record<string, unknown> | null = null;
  let error: ErrorPayload | null = null;
  let isAnythingShown = false;
  let willClear = false;
  let holds = false;
  let held: KernelMessage['content'] | null = null;
  let holding: NodeJS.Timeout | undefined;
  /** Displays since the last clear. */
  let count = 0;
  const shown = new Set<string>();

  function clear(): void {
    willClear = false;
    count = 0;
    if (isAnythingShown) sink.text('stdout', CLEAR);
    isAnythingShown = false;
  }

  function letGo(): void {
    clearTimeout(holding);
    const value = held;
    held = null;
    if (value !== null) display(value, false);
  }

  function display(content: KernelMessage['content'], isUpdate: boolean): void {
    const transient = isMap(content['transient']) ? content['transient'] : {};
    const named = transient['display_id'];
    if (!isUpdate) count += 1;
    const displayId = typeof named === 'string' ? named.slice(0, 200) : `${run}-${count}`;
    const update = isUpdate || shown.has(displayId);
    if (shown.size < PLACES_MAX) shown.add(displayId);
    const metadata = { ...(isMap(content['metadata']) ? content['metadata'] : {}), displayId, update };
    sink.display({ data: bundleOf(content['data']), metadata });
  }

  return {
    /** Values come as displays. */
    holdValues(): void {
      holds = true;
    },

    /** A run begins: what it returns and how it fails is its own. */
    begin(next: string): void {
      letGo();
      run = next;
      result = null;
      error = null;
      isAnythingShown = willClear = false;
      count = 0;
      shown.clear();
    },

    take({ type, content }: Pick<KernelMessage, 'type' | 'content'>): void {
      if (type === 'clear_output') {
        if (content['wait'] === true) willClear = true;
        else clear();
        return;
      }
      if (!OUTPUTS.has(type)) return;
      letGo();
      if (willClear) clear();
      if (holds && type === 'display_data' && isValue(content)) {
        held = content;
        holding = setTimeout(letGo, HELD_MS);
        return;
      }
      switch (type) {
        case 'stream':
          isAnythingShown = true;
          return sink.text(content['name'] === 'stderr' ? 'stderr' : 'stdout', String(content['text'] ?? ''));
        case 'display_data':
          return display(content, false);
        case 'update_display_data':
          return display(content, true);
        case 'execute_result':
          // Kernels that show every expression send several: the last one is the cell's result.
          if (result !== null) sink.display({ data: result, metadata: {} });
          result = bundleOf(content['data']);
          return;
        default:
          error = errorOf(content);
      }
    },

    /** The run is over: what it returned. */
    end(isOk: boolean): Record<string, unknown> | null {
      if (isOk && held !== null && result === null) {
        clearTimeout(holding);
        result = bundleOf(held['data']);
        held = null;
      }
      letGo();
      return result;
    },
    error: () => error,
  };
}

function isValue({ data, transient }: KernelMessage['content']): boolean {
  const isNamed = isMap(transient) && transient['display_id'] !== undefined;
  return !isNamed && isMap(data) && !Object.keys(data).some((mime) => mime.startsWith('image/'));
}

const OUTPUTS: ReadonlySet<string> = new Set([
  'stream',
  'display_data',
  'update_display_data',
  'execute_result',
  'error',
]);

/** Of an `error` message or of a reply with the status `error`. */
export function errorOf(content: KernelMessage['content']): ErrorPayload {
  const { ename, evalue, traceback } = content;
  return {
    type: typeof ename === 'string' && ename !== '' ? ename : 'Error',
    message: typeof evalue === 'string' ? evalue.replace(ESCAPES, '') : '',
    traceback: (Array.isArray(traceback) ? traceback : []).flatMap((part) => String(part).split('\n')),
  };
}

/** A bundle as we keep it. Values that are lists of lines, as in a notebook's file, are joined. */
export function bundleOf(data: unknown): Record<string, unknown> {
  if (!isMap(data)) return {};
  const all = Object.entries(data).map(([mime, value]) => [
    mime,
    Array.isArray(value) && value.every((line) => typeof line === 'string') ? value.join('') : value,
  ]);
  const { [WIDGET]: widget, ...rest } = Object.fromEntries(all) as Record<string, unknown>;
  return widget === undefined || Object.keys(rest).length > 0 ? rest : { 'text/plain': '[a widget]' };
}
