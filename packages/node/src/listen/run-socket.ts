/** `WS /api/runs/:id/events?fromSeq=N&live=0`: one run's events, one JSON a message, then a normal close. */
import { Failure, type RunEvent, type RunId } from '@markco/protocol';
import type { WebSocketConnection } from '@markco/replica/listen/connection';

export async function serveRunSocket(
  connection: WebSocketConnection,
  /** Fails with `not_found`. */
  require: (runId: RunId) => Promise<void>,
  /** All of them, or those that are stored by now. */
  events: (runId: RunId, fromSeq: number, signal: AbortSignal) => AsyncIterable<RunEvent>,
  runId: RunId,
  fromSeq: number,
): Promise<void> {
  const closed = new AbortController();
  connection.onClose(() => closed.abort());
  try {
    await require(runId);
    for await (const event of events(runId, fromSeq, closed.signal)) {
      if (closed.signal.aborted) return;
      connection.text(event);
      await connection.ready(closed.signal);
    }
    connection.close(1000, 'These are all events.');
  } catch (error) {
    connection.refuse(Failure.from(error));
  }
}
