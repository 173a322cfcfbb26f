/**
 * Server-sent events (HTML Standard §9.2): frames of text, and the answer that carries them.
 *
 * 1. An event is taken from its source when the reader has room for it, so a slow reader slows nobody else.
 * 2. A reader that leaves ends the source.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '@markco/protocol';
import type { MrpEvent } from './events.ts';

/** JSON has no line breaks of its own, and what it quotes has none that would end a line of a stream. */
export function frameOf({ event, data }: MrpEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** @param stop is aborted when the reader has left */
export function sseResponse(
  events: AsyncGenerator<MrpEvent>,
  stop: AbortController,
  heartbeatMs: number = LIMITS.mrpHeartbeatMs,
): Response {
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<MrpEvent>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        pending ??= events.next();
        const beat = new AbortController();
        const quiet = delay(heartbeatMs, null, { signal: beat.signal }).catch(() => null);
        const next = await Promise.race([pending, quiet]);
        beat.abort();
        if (next === null) {
          controller.enqueue(encoder.encode(': still here\n\n'));
          return;
        }
        pending = undefined;
        if (next.done === true) controller.close();
        else controller.enqueue(encoder.encode(frameOf(next.value)));
      },
      cancel() {
        stop.abort();
        void events.return(undefined).catch(() => undefined);
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
  });
}
