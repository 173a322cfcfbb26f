/** `markco migrate SESSION --to DEVICE`: a session goes on there, with the values that it has here. */
import type { MigrationTarget } from '@markco/protocol';
import { sessionName } from '@markco/protocol/entity/session';
import { requireDevice } from '../device.ts';
import { pickDevice, pickSession } from '../reference.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';
import { sessionsOf } from './sessions.ts';

type Options = JsonOption & {
  readonly to: string;
  readonly wait?: true;
  readonly replace?: true;
  readonly project?: string;
};

/** The one of the devices that is beside a cloud. */
const CLOUD = 'cloud';

export const addMigrate: AddVerb = (program, cli, done) => {
  verb(program, 'migrate SESSION', 'Move a session to another device with its values; runs go there from then on', [
    'markco migrate python --to box',
    'markco migrate python@server --to laptop --wait',
    'markco migrate 019a8f3c --to cloud',
  ])
    .requiredOption('--to <device>', 'one of your devices, by name or id, or "cloud": the one beside your cloud')
    .option('--wait', 'for the runs of the session to end')
    .option('--replace', 'in the place of a session of its name that is there and has values')
    .option('--project <project>', 'look among the sessions of a project only')
    .action(async (typed: string, options: Options) => {
      const device = await requireDevice(cli);
      const { api } = device;
      const session = pickSession(await sessionsOf(cli, device, options), typed);
      const { to, wait = false, replace = false } = options;
      const named = to === CLOUD ? undefined : await pickDevice(api, to, cli.signal);
      const target: MigrationTarget = named === undefined ? CLOUD : { deviceId: named.id };
      const body = { target, ...(wait ? { wait } : {}), ...(replace ? { replace } : {}) };
      const moved = await api('migrateSession', { params: { id: session.id }, body, signal: cli.signal });
      if (options.json) cli.out.write(json({ session: moved }));
      else {
        const where = named?.name ?? 'the device beside your cloud';
        const names = moved.kept === 1 ? '1 name' : `${moved.kept} names`;
        cli.out.write(
          `${moved.language} (${printable(sessionName(moved))}) is on ${printable(where)} now, with ${names}.\n`,
        );
        if (moved.lostCount > 0) cli.out.write(`Not carried, make them anew there: ${moved.lostCount}\n`);
        for (const each of moved.lost) cli.out.write(`  ${printable(each)}\n`);
        if (moved.lostCount > moved.lost.length) cli.out.write('  …\n');
      }
      done(0);
    });
};
