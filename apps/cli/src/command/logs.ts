/** `markco logs RUN [-f]`: what a run has printed; with `-f` also what it will. */
import type { Client } from '@markco/client/client';
import { Failure, runMachine, type Run, type RunEvent } from '@markco/protocol';
import type { Cli } from '../cli.ts';
import { requireDevice } from '../device.ts';
import { writeEvent } from '../event-output.ts';
import { followToEnd } from '../follow.ts';
import { withClient } from '../peer.ts';
import { pickRun } from '../reference.ts';
import { jsonLine } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Options = JsonOption & { readonly follow?: true };

export const addLogs: AddVerb = (program, cli, done) => {
  verb(program, 'logs <RUN>', 'Print what a run printed', [
    'markco logs 019a8f3c',
    'markco logs 019a8f3c -f',
    'markco logs 019a8f3c --json',
  ])
    .option('-f, --follow', 'go on until the run ends; Ctrl-C leaves it running')
    .action(async (typed: string, options: Options) => {
      const device = await requireDevice(cli);
      const run = await pickRun(device.api, typed, cli.signal);
      const onEvent = (event: RunEvent) => (options.json ? cli.out.write(jsonLine(event)) : writeEvent(cli, event));
      const ended = runMachine.isTerminal(run.state);
      await withClient(cli, device, async (client) => {
        if (options.follow || ended) await followToEnd(cli, client, run, { onEvent, attended: false });
        else await readStored(cli, client, run, onEvent);
      });
      done(0);
    });
};

/** So long without an event, and all that was stored has come: stored events arrive as fast as they are read. */
const QUIET_MS = 250;

function readStored(cli: Cli, client: Client, run: Run, onEvent: (event: RunEvent) => void): Promise<void> {
  const asked = cli.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, QUIET_MS);
  const stop = client.followRun(run.id, 0, {
    onEvent(event) {
      if (Date.parse(event.createdAt) > asked) return resolve();
      timer.refresh();
      onEvent(event);
    },
    onEnd: () => resolve(),
    onError: ({ code, message }) => reject(new Failure(code, message)),
  });
  return promise.finally(() => {
    clearTimeout(timer);
    stop();
  });
}
