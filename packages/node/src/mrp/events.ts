/**
 * A run's events in the words of the runtime protocol: `start` first, `done` last, before it one `result` or `error`.
 *
 * Read from the spool at the pace of whoever takes them; an end of the reading never ends the run.
 */
import { Failure, LIMITS, type MrpResult, type Run, type RunEvent } from '@markco/protocol';
import { createCollector, richOf } from './collect.ts';

export type MrpEvent = { readonly event: string; readonly data: unknown };

export type EventsParts = {
  follow(signal: AbortSignal): AsyncIterable<RunEvent>;
  /** The answer of the run once it is over. */
  answer(collected: ReturnType<typeof createCollector>): Promise<MrpResult>;
};

export async function* mrpEvents(
  parts: EventsParts,
  run: Run,
  options: { readonly execId: string; readonly accumulated: boolean },
  signal: AbortSignal,
): AsyncGenerator<MrpEvent> {
  const { execId } = options;
  const collected = createCollector();
  const grown = { stdout: '', stderr: '' };
  yield { event: 'start', data: { execId, runId: run.id, timestamp: run.createdAt } };
  try {
    for await (const event of parts.follow(signal)) {
      collected.take(event);
      if (event.type === 'stdout' || event.type === 'stderr') {
        const { text } = event.payload;
        if (options.accumulated) grown[event.type] = endOf(grown[event.type] + text);
        const accumulated = options.accumulated ? { accumulated: grown[event.type] } : {};
        yield { event: event.type, data: { content: text, ...accumulated } };
      } else if (event.type === 'display') {
        yield { event: 'display', data: event.payload };
      } else if (event.type === 'stdin-request') {
        // The messages about stdin alone are spelled in this way; programs are met that read the other one.
        yield { event: 'stdin_request', data: { ...event.payload, exec_id: execId, execId } };
      } else {
        const rich = richOf(event);
        if (rich !== null) yield { event: 'display', data: rich };
      }
    }
    if (signal.aborted) return;
    const answer = await parts.answer(collected);
    for (const asset of answer.assets) yield { event: 'asset', data: asset };
    yield answer.error === null ? { event: 'result', data: answer } : { event: 'error', data: answer.error };
  } catch (error) {
    const { code, message } = Failure.from(error);
    yield { event: 'error', data: { type: code, message, traceback: [], line: null, column: null } };
  }
  yield { event: 'done', data: {} };
}

/** The newest part, which is what whoever replaces the text on screen wants to show. */
function endOf(text: string): string {
  return text.length <= LIMITS.mrpAccumulatedCharsMax ? text : text.slice(-LIMITS.mrpAccumulatedCharsMax);
}
