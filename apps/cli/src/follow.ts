/** Following one run to its end: its output as it comes, its questions answered, Ctrl-C passed on as a cancel. */
import type { Client } from '@markco/client/client';
import type { Run, RunEvent } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from './cli.ts';

export type Followed = {
  /** Each event once, in order. */
  onEvent(event: RunEvent): void;
  /** Whether questions of the program are answered from stdin, and Ctrl-C cancels it. Else it is only watched. */
  readonly attended: boolean;
  /** Cancels it when it aborts, as Ctrl-C does. */
  readonly until?: AbortSignal;
};

/** Resolves with the run in its terminal state. An abort of `cli.signal` cancels an attended run and leaves a watched one alone. */
export async function followToEnd(
  cli: Cli,
  client: Client,
  run: Run,
  { onEvent, attended, until }: Followed,
): Promise<Run> {
  const { promise, resolve, reject } = Promise.withResolvers<Run>();
  const answering = new AbortController();
  const stop = client.followRun(run.id, 0, {
    onEvent(event) {
      onEvent(event);
      if (attended && event.type === 'stdin-request') {
        answer(cli, client, run, event.payload, answering.signal).catch(reject);
      }
    },
    onEnd: resolve,
    onError: ({ code, message }) => reject(new Failure(code, message)),
  });
  const onAbort = () => {
    if (!attended) return reject(cli.signal.reason);
    cli.err.write('\nCancelling the run. Press Ctrl-C again to leave it as it is.\n');
    client.cancelRun(run.id).catch(reject);
  };
  const onLate = (): void => void client.cancelRun(run.id).catch(reject);
  cli.signal.addEventListener('abort', onAbort, { once: true });
  until?.addEventListener('abort', onLate, { once: true });
  try {
    if (cli.signal.aborted) onAbort();
    return await promise;
  } finally {
    cli.signal.removeEventListener('abort', onAbort);
    until?.removeEventListener('abort', onLate);
    answering.abort();
    stop();
  }
}

type Question = { readonly prompt: string; readonly password: boolean };

/** Without a line to give, the program would wait for ever: the run is cancelled and says why. */
async function answer(
  cli: Cli,
  client: Client,
  run: Run,
  { prompt, password }: Question,
  signal: AbortSignal,
): Promise<void> {
  const line = await cli.input.readLine(prompt, password, signal);
  if (signal.aborted) return;
  if (line !== null) return client.answerRun(run.id, line);
  cli.err.write('The program asks for input and there is none left, so the run is cancelled.\n');
  await client.cancelRun(run.id);
}
