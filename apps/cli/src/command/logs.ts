/** `markco logs RUN [-f]`: what a run has printed; with `-f` also what it will. */
import type { Run, RunEvent } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import { RunEventSchema } from '@markco/protocol/entity/run-event';
import { runMachine } from '@markco/protocol/entity/run';
import type { Cli } from '../cli.ts';
import { requireDevice, type RunningDevice } from '../device.ts';
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
      let events = 0;
      const onEvent = (event: RunEvent): void => {
        events++;
        if (options.json) cli.out.write(jsonLine(event));
        else writeEvent(cli, event);
      };
      if (options.follow)
        await withClient(cli, device, (client) => followToEnd(cli, client, run, { onEvent, attended: false }));
      else await readStored(cli, device, run, onEvent);
      if (events === 0 && runMachine.isTerminal(run.state))
        cli.err.write('What this run printed is no longer kept. Its cell and the files it is linked to have it.\n');
      done(0);
    });
};

/** All that is stored now, and no more, however fast the run goes on. */
async function readStored(
  cli: Cli,
  { port, token }: RunningDevice,
  { id }: Run,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/runs/${id}/events?live=0&token=${token}`);
  socket.onmessage = ({ data }) => {
    const parsed = RunEventSchema.safeParse(JSON.parse(String(data)));
    if (parsed.success) onEvent(parsed.data);
    else reject(new Failure('unsupported', 'The device runs another version of MarkCo. Stop it and start it again.'));
  };
  socket.onclose = ({ code, reason }) =>
    code === 1000
      ? resolve()
      : reject(
          new Failure('not_ready', `The device ended the connection${reason === '' ? '' : ` (${reason})`}. Try again.`),
        );
  const onAbort = (): void => reject(cli.signal.reason);
  cli.signal.addEventListener('abort', onAbort, { once: true });
  try {
    cli.signal.throwIfAborted();
    await promise;
  } finally {
    cli.signal.removeEventListener('abort', onAbort);
    socket.close();
  }
}
