/** `markco open [DIR]`: makes a folder a project of the running device, and says where to see it. */
import { resolve } from 'node:path';
import type { ProjectHere } from '@markco/protocol';
import type { Cli } from '../cli.ts';
import { linkTo, requireDevice, type RunningDevice } from '../device.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';
import { showPage } from '../show-page.ts';

type Options = JsonOption & { readonly browser: boolean };

export const addOpen: AddVerb = (program, cli, done) => {
  verb(program, 'open [DIR]', 'Open a folder as a project and print the link to it', [
    'markco open ~/notes',
    'markco open . --no-browser',
    'markco open            # the link that signs a browser in',
  ])
    .option('--no-browser', 'print the link only')
    .action(async (dir: string | undefined, options: Options) => {
      const device = await requireDevice(cli);
      const project = dir === undefined ? null : await openFolder(cli, device, dir);
      const url = linkTo(device, project);
      if (options.json) cli.out.write(json({ url, project }));
      else {
        if (project !== null)
          cli.err.write(`Opened ${printable(project.displayName)} (${printable(project.localRootPath ?? '')})\n`);
        cli.out.write(`${url}\n`);
      }
      if (options.browser && !options.json) await showPage(cli, url);
      done(0);
    });
};

/** Opening a folder twice is opening it once. */
export function openFolder(cli: Cli, device: RunningDevice, dir: string): Promise<ProjectHere> {
  return device.api('openLocal', { body: { localPath: resolve(cli.cwd, dir) }, signal: cli.signal });
}
