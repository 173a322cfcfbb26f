/** For tests: what a run says, as a client hears it: every event once, in order. */
import type { Client } from '@markco/client';
import type { Run, RunEvent, RunId } from '@markco/protocol';

export type Followed = { readonly run: Run; readonly events: readonly RunEvent[]; readonly text: string };

/** All that a run says, to its end. Rejects where an event is missing or comes twice. */
export function follow(
  client: Pick<Client, 'followRun'>,
  run: RunId,
  onEvent: (event: RunEvent) => void = () => undefined,
): Promise<Followed> {
  const events: RunEvent[] = [];
  return new Promise((resolve, reject) => {
    client.followRun(run, 0, {
      onEvent(event) {
        if (event.seq !== events.length)
          reject(new Error(`event ${event.seq} of ${run} came, and not ${events.length}`));
        events.push(event);
        onEvent(event);
      },
      onEnd(ended) {
        const text = events.map((each) => (each.type === 'stdout' ? each.payload.text : '')).join('');
        resolve({ run: ended, events, text });
      },
      onError: ({ message }) => reject(new Error(message)),
    });
  });
}
