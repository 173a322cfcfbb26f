/**
 * What a cell shows of its run: the run's events folded, in order, into a short list of things to draw.
 *
 * 1. An event is folded once: one whose `seq` was seen already is left out.
 * 2. Bounded: streams by `createTerminal`, and at most `ITEMS_MAX` items; older ones go first and are counted.
 */
import type { RunEvent } from '@markco/protocol';
import type { FenceItem } from '@markco/protocol/output/fence-items';
import { createTerminal } from '@markco/protocol/output/terminal';

export type MimeBundle = Readonly<Record<string, unknown>>;

export type OutputItem =
  | FenceItem
  /** One with an id may be shown again, as something else, in its place. */
  | { readonly kind: 'display'; readonly data: MimeBundle; readonly displayId?: string }
  | { readonly kind: 'result'; readonly data: MimeBundle };

export type Question = { readonly prompt: string; readonly password: boolean };
export type Progress = { readonly fraction: number | null; readonly message: string };

export type RunOutput = {
  readonly items: readonly OutputItem[];
  /** Items that went because there were too many. */
  readonly earlierItems: number;
  readonly progress: Progress | null;
  /** Asked and not answered yet. */
  readonly question: Question | null;
  readonly durationMs: number | null;
  readonly errorType: string | null;
  readonly nextSeq: number;
  fold(event: RunEvent): void;
};

const ITEMS_MAX = 200;

export function createRunOutput(): RunOutput {
  let items: OutputItem[] = [];
  const output = {
    items: items as readonly OutputItem[],
    earlierItems: 0,
    progress: null as Progress | null,
    question: null as Question | null,
    durationMs: null as number | null,
    errorType: null as string | null,
    nextSeq: 0,
    fold(event: RunEvent): void {
      if (event.seq < output.nextSeq) return;
      output.nextSeq = event.seq + 1;
      apply(event);
    },
  };

  function add(item: OutputItem): void {
    if (items.length >= ITEMS_MAX) output.earlierItems += 1;
    items = [...items.slice(items.length >= ITEMS_MAX ? 1 : 0), item];
    output.items = items;
  }

  function stream(text: string, from: 'stdout' | 'stderr'): void {
    const last = items[items.length - 1];
    if (last?.kind === 'stream') return last.terminal.write(text, from);
    const terminal = createTerminal();
    terminal.write(text, from);
    add({ kind: 'stream', terminal });
  }

  function display(data: MimeBundle, metadata: Readonly<Record<string, unknown>>): void {
    const { displayId, update } = metadata;
    if (typeof displayId !== 'string') return add({ kind: 'display', data });
    const shown: OutputItem = { kind: 'display', data, displayId };
    const isSame = (item: OutputItem): boolean => item.kind === 'display' && item.displayId === displayId;
    // What is shown by another run, or went because there was too much, is shown here: nothing is lost.
    if (update !== true || !items.some(isSame)) return add(shown);
    items = items.map((item) => (isSame(item) ? shown : item));
    output.items = items;
  }

  function apply(event: RunEvent): void {
    switch (event.type) {
      case 'stdout':
      case 'stderr':
        return stream(event.payload.text, event.type);
      case 'display':
        return display(event.payload.data, event.payload.metadata);
      case 'progress':
        output.progress = { fraction: event.payload.fraction ?? null, message: event.payload.message ?? '' };
        return;
      case 'stdin-request':
        output.question = event.payload;
        return;
      case 'stdin-response': {
        const asked = output.question;
        output.question = null;
        return stream(`${asked?.prompt ?? ''}${event.payload.text ?? '••••'}\n`, 'stdout');
      }
      case 'result':
        output.durationMs = event.payload.durationMs;
        output.progress = null;
        output.question = null;
        if (event.payload.data !== null) add({ kind: 'result', data: event.payload.data });
        return;
      case 'error':
        output.errorType = event.payload.type;
        output.progress = null;
        output.question = null;
        return add({ kind: 'error', ...event.payload });
    }
  }

  return output;
}
