/**
 * Everything a run prints, in order, on its way to the spool. Text goes there at once after a silence, then every
 * 20 ms or 64 K characters, before any other event, and when the run ends.
 *
 * 1. An event is in the queue or in the spool, never in neither. While the disk is full the queue waits and
 *    `onFull` asks for the interpreter to be held back; of one that cannot be, no more waits than a run may print.
 * 2. Nothing follows a run's last event. What is printed between runs is the beginning of the next run; of more than
 *    1 M characters the oldest go.
 * 3. Over the limit of a run one event says so; the program goes on, what it prints is dropped.
 */
import type { Sink } from './interpreter.ts';
import { fitDisplay } from './fit.ts';
import type { Spool, SpooledEvent } from './spool.ts';

const TICK_MS = 20;
const SYNC_MS = 100;
const RETRY_MS = 100;
const TEXT_CHARS = 64 * 1024;
const BETWEEN_RUNS_CHARS = 1024 * 1024;
const PROMPT_CHARS = 10_000;
const ANSWER_CHARS = 100_000;

export type OutputParts = {
  readonly limitBytes: number;
  /** The spool has grown. */
  onSpooled(spool: Spool): void;
  onTrouble(spool: Spool, problem: string): void;
  /** The disk is full (true), or takes events again. */
  onFull(full: boolean): void;
};

export type Output = ReturnType<typeof createOutput>;

export function createOutput(parts: OutputParts) {
  let queue: SpooledEvent[] = [];
  let waitingChars = 0;
  let spool: Spool | null = null;
  let keptBytes = 0;
  let overLimit = false;
  let tick: NodeJS.Timeout | null = null;
  let syncing: NodeJS.Timeout | null = null;
  let retry: NodeJS.Timeout | null = null;
  let onEmpty: (() => void) | null = null;

  /** Whether it may still be kept; at the limit one event says why the rest is not. */
  function isKept(bytes: number): boolean {
    if (overLimit) return false;
    keptBytes += bytes;
    if (keptBytes <= parts.limitBytes) return true;
    overLimit = true;
    const megabytes = Math.floor(parts.limitBytes / (1024 * 1024));
    const text = `\nThis run has printed ${megabytes} MB, the most that is kept. It goes on; what it prints from here on is dropped.\n`;
    queue.push({ type: 'stderr', payload: { text } });
    return false;
  }

  function drain(): void {
    if (spool === null) return trim();
    if (retry !== null) return;
    const before = spool.size;
    let done = 0;
    let problem: string | null = null;
    const ready = joined(queue);
    for (const event of ready) {
      problem = spool.append(event);
      if (problem !== null) break;
      done += 1;
    }
    queue = ready.slice(done);
    waitingChars = 0;
    if (problem !== null) waitForSpace(spool, problem);
    if (spool.size > before) {
      parts.onSpooled(spool);
      syncSoon();
    }
    if (queue.length === 0) onEmpty?.();
  }

  function waitForSpace(on: Spool, problem: string): void {
    parts.onTrouble(on, problem);
    parts.onFull(true);
    retry = setTimeout(() => {
      retry = null;
      drain();
      if (retry === null) parts.onFull(false);
    }, RETRY_MS);
  }

  function trim(): void {
    while (waitingChars > BETWEEN_RUNS_CHARS && queue.length > 0) waitingChars -= charsOf(queue.shift());
  }

  function syncSoon(): void {
    syncing ??= setTimeout(() => {
      syncing = null;
      // A disk that fails is told of when the run's last event is synced.
      spool?.sync().catch(() => undefined);
    }, SYNC_MS);
  }

  function onTick(): void {
    tick = null;
    if (queue.length === 0) return;
    drain();
    tick = setTimeout(onTick, TICK_MS);
  }

  function add(event: SpooledEvent): void {
    queue.push(event);
    drain();
  }

  const sink: Sink = {
    text(stream, text) {
      const { length } = text;
      for (let at = 0, to = 0; at < length; at = to) {
        to = pieceEnd(text, at);
        const piece = text.slice(at, to);
        if (spool !== null && !isKept(piece.length)) break;
        queue.push({ type: stream, payload: { text: piece } });
        waitingChars += piece.length;
      }
      if (tick === null && spool !== null) {
        drain();
        tick = setTimeout(onTick, TICK_MS);
      } else if (waitingChars > TEXT_CHARS) drain();
    },
    display(payload) {
      if (spool === null) return; // Nothing is running: there is nowhere to show it.
      const fitting = fitDisplay(payload);
      if (isKept(JSON.stringify(fitting.data).length)) add({ type: 'display', payload: fitting });
      else drain();
    },
    progress(payload) {
      if (spool !== null && isKept(100)) add({ type: 'progress', payload });
    },
    ask({ prompt, password }) {
      if (spool === null) return;
      add({ type: 'stdin-request', payload: { prompt: prompt.slice(0, PROMPT_CHARS).toWellFormed(), password } });
    },
  };

  return {
    sink,

    /** A question was answered. What was a password is kept nowhere. */
    answered(text: string | null): void {
      const payload = text === null ? {} : { text: text.slice(0, ANSWER_CHARS).toWellFormed() };
      if (spool !== null) add({ type: 'stdin-response', payload });
    },

    begin(next: Spool): void {
      spool = next;
      keptBytes = waitingChars;
      overLimit = false;
      if (queue.length > 0) drain();
    },

    /** Appends the last event; resolves when it is synced, with the spool closed. */
    async end(last: SpooledEvent): Promise<void> {
      const over = spool;
      if (over === null) return;
      queue.push(last);
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
        drain();
      });
      onEmpty = null;
      spool = null;
      if (tick !== null) clearTimeout(tick);
      if (syncing !== null) clearTimeout(syncing);
      tick = syncing = null;
      await over.sync();
      over.close();
    },

    /** What is printed goes to the spool now. */
    flush: drain,
  };
}

/** Neighboring texts of one stream as one event, of at most 64 K characters. */
function joined(events: readonly SpooledEvent[]): SpooledEvent[] {
  const all: SpooledEvent[] = [];
  let parts: string[] = [];
  let chars = 0;
  let stream: 'stdout' | 'stderr' = 'stdout';
  const close = (): void => {
    if (parts.length > 0) all.push({ type: stream, payload: { text: parts.join('').toWellFormed() } });
    parts = [];
    chars = 0;
  };
  for (const event of events) {
    if (event.type !== 'stdout' && event.type !== 'stderr') {
      close();
      all.push(event);
      continue;
    }
    const { text } = event.payload;
    if (event.type !== stream || chars + text.length > TEXT_CHARS) close();
    stream = event.type;
    parts.push(text);
    chars += text.length;
  }
  close();
  return all;
}

/** Where a piece of at most 64 K characters ends, not within a pair of surrogates. */
function pieceEnd(text: string, from: number): number {
  const end = from + TEXT_CHARS;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}

function charsOf(event: SpooledEvent | undefined): number {
  return event?.type === 'stdout' || event?.type === 'stderr' ? event.payload.text.length : 0;
}
