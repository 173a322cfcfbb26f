/** `markco cancel RUN`: ends a run wherever it is. Its output so far is kept. */
import { requireDevice } from '../device.ts';
import { pickRun } from '../reference.ts';
import { json } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addCancel: AddVerb = (program, cli, done) => {
  verb(program, 'cancel <RUN>', 'Cancel a run; what it printed is kept', ['markco cancel 019a8f3c']).action(
    async (typed: string, options: JsonOption) => {
      const device = await requireDevice(cli);
      const { id } = await pickRun(device.api, typed, cli.signal);
      const run = await device.api('cancelRun', { params: { id }, signal: cli.signal });
      if (options.json) cli.out.write(json({ run }));
      else
        cli.out.write(run.completedAt === undefined ? 'The run is being cancelled.\n' : `The run is ${run.state}.\n`);
      done(0);
    },
  );
};
