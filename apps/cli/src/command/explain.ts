/** `markco explain RUN`: why a run went to the device it went to, device by device. */
import { requireDevice } from '../device.ts';
import { pickRun } from '../reference.ts';
import { json, localTime, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addExplain: AddVerb = (program, cli, done) => {
  verb(program, 'explain <RUN>', 'See why a run went to the device it went to', ['markco explain 019a8f3c']).action(
    async (typed: string, options: JsonOption) => {
      const { api } = await requireDevice(cli);
      const { id } = await pickRun(api, typed, cli.signal);
      const decision = await api('runDecision', { params: { id }, signal: cli.signal });
      done(0);
      if (options.json) {
        cli.out.write(json({ run: id, decision }));
        return;
      }
      const lines = decision.devices.map(({ line }) => `  ${line.replace(TIME, (iso) => localTime(iso, cli.now()))}`);
      const more = decision.devicesLeftOut === 0 ? [] : [`  and ${decision.devicesLeftOut} more`];
      cli.out.write([decision.why, ...lines, ...more].map((line) => `${printable(line)}\n`).join(''));
    },
  );
};

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
