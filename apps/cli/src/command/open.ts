/**
 * `markco open [DIR]`: makes a folder a project of the running device, and says where to see it. With `--attach` a
 * project of another device is opened here, or with `--always` all of them, also those to come.
 */
import { resolve } from 'node:path';
import type { ProjectHere } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from '../cli.ts';
import { linkTo, requireDevice, type RunningDevice } from '../device.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';
import { showPage } from '../show-page.ts';

type Options = JsonOption & { readonly browser: boolean; readonly attach?: string | true; readonly always?: boolean };

export const addOpen: AddVerb = (program, cli, done) => {
  verb(program, 'open [DIR]', 'Open a folder as a project and print the link to it', [
    'markco open ~/notes',
    'markco open . --no-browser',
    'markco open            # the link that signs a browser in',
    'markco open --attach notes ~/notes   # a project that another device of yours has',
    'markco open --attach --always        # all of them, also those to come; ends with --no-always',
  ])
    .option('--attach [project]', 'open a project of another device here too, in DIR or a folder of its own')
    .option('--always', 'with --attach: open every project of your other devices here')
    .option('--no-always', 'with --attach: open only those that you name')
    .option('--no-browser', 'print the link only')
    .action(async (dir: string | undefined, options: Options, command) => {
      if (options.always !== undefined && options.attach !== true)
        command.error('error: --always goes with --attach and no project, as in: markco open --attach --always');
      if (options.attach === true && options.always === undefined)
        command.error('error: say which project to attach. They are listed by: markco projects');
      const device = await requireDevice(cli);
      if (options.always !== undefined) {
        await prefer(cli, device, options.always, options.json === true);
        return done(0);
      }
      const project =
        typeof options.attach === 'string'
          ? await attach(cli, device, options.attach, dir)
          : dir === undefined
            ? null
            : await openFolder(cli, device, dir);
      const url = linkTo(device, project);
      if (options.json) cli.out.write(json({ url, project }));
      else {
        if (project !== null)
          cli.err.write(`Opened ${printable(project.displayName)} (${printable(project.localRootPath ?? '')})\n`);
        cli.out.write(`${url}\n`);
      }
      if (options.browser && !options.json) await showPage(cli, url);
      return done(0);
    });
};

async function prefer(cli: Cli, { api }: RunningDevice, opensAll: boolean, asJson: boolean): Promise<void> {
  const preferences = await api('setPreferences', { body: { opensAll }, signal: cli.signal });
  if (asJson) cli.out.write(json(preferences));
  else
    cli.err.write(
      opensAll
        ? 'Every project of your other devices is opened here from now on, when a device that has it is connected.\n'
        : 'Only projects that you name are opened here from now on. Those that are open stay so.\n',
    );
}

/** Opening a folder twice is opening it once. */
export function openFolder(cli: Cli, device: RunningDevice, dir: string): Promise<ProjectHere> {
  return device.api('openLocal', { body: { localPath: resolve(cli.cwd, dir) }, signal: cli.signal });
}

async function attach(cli: Cli, { api }: RunningDevice, typed: string, dir: string | undefined): Promise<ProjectHere> {
  const { projects } = await api('projectsElsewhere', { signal: cli.signal });
  const [found, another] = projects.filter(
    ({ project }) => project.slug === typed || project.displayName === typed || project.id.startsWith(typed),
  );
  if (found === undefined || another !== undefined) {
    const names = projects.map(({ project }) => printable(project.slug)).join(', ');
    throw new Failure(
      found === undefined ? 'not_found' : 'conflict',
      found === undefined
        ? `None of your other devices has a project ${printable(typed)} that is not open here.${names === '' ? '' : ` There are: ${names}.`}`
        : `Several projects are called ${printable(typed)}. Name it by its id.`,
    );
  }
  return api('attachProject', {
    params: { id: found.project.id },
    body: dir === undefined ? {} : { localPath: resolve(cli.cwd, dir) },
    signal: cli.signal,
  });
}
