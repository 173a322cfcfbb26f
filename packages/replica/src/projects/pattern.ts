/**
 * A regular expression that somebody typed, matched in a thread of its own: one that goes back and forth without end
 * (`(a+)+$`) takes its own thread's time only, is given up after `TEXT_MS`, and says so.
 */
import { Failure } from '@markco/protocol';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Match } from './matches.ts';

const PATTERN_CHARS_MAX = 200;
/** For one text; 10 MiB of text take an ordinary pattern a tenth of it. */
const TEXT_MS = 1_000;

export type PatternRequest = { readonly text: string; readonly max: number };

export type Pattern = AsyncDisposable & {
  /** Texts are matched one after another. @throws Failure `bad_request` when one takes too long */
  readonly matchesIn: (text: string, max: number) => Promise<readonly Match[]>;
};

/** @throws Failure `bad_request` when it is no pattern */
export function openPattern(source: string, flags: string, signal: AbortSignal): Pattern {
  if (source.length > PATTERN_CHARS_MAX) {
    throw new Failure(
      'bad_request',
      `A pattern is at most ${PATTERN_CHARS_MAX} characters. Search for something shorter.`,
    );
  }
  try {
    new RegExp(source, flags);
  } catch (cause) {
    throw new Failure(
      'bad_request',
      `The pattern is not understood: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { cause },
    );
  }
  const worker = new Worker(new URL('./pattern-worker.ts', import.meta.url), { workerData: { source, flags } });
  // Whoever waits for an answer is told by `once`; between two answers there is nobody to tell.
  worker.on('error', () => undefined);
  const ready = once(worker, 'online');
  let turn: Promise<unknown> = ready;

  async function match(request: PatternRequest): Promise<readonly Match[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TEXT_MS)]);
    worker.postMessage(request);
    try {
      const [matches] = (await once(worker, 'message', { signal: limit })) as [readonly Match[]];
      return matches;
    } catch (cause) {
      await worker.terminate();
      if (!limit.aborted) throw cause;
      throw new Failure(
        'bad_request',
        'The pattern takes too long to match. Make it simpler: no repeats inside repeats.',
        { cause },
      );
    }
  }

  return {
    matchesIn(text, max) {
      const mine = turn.then(() => match({ text, max }));
      turn = mine;
      return mine;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
