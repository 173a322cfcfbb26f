/** `markco projects`: what is open on the running device. */
import { requireDevice } from '../device.ts';
import { colorsFor, json, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addProjects: AddVerb = (program, cli, done) => {
  verb(program, 'projects', 'List the open projects', ['markco projects', 'markco projects --json']).action(
    async (options: JsonOption) => {
      const device = await requireDevice(cli);
      const { projects } = await device.api('projects', { signal: cli.signal });
      if (options.json) cli.out.write(json({ projects }));
      else if (projects.length === 0) cli.err.write('No project is open. Open a folder with: markco open DIR\n');
      else {
        const short = shortIds(projects.map((project) => project.id));
        const rows = projects.map((project) => [
          short(project.id),
          project.slug,
          project.displayName,
          project.localRootPath ?? '',
        ]);
        cli.out.write(table(['ID', 'PROJECT', 'NAME', 'FOLDER'], rows, colorsFor(cli.out, cli.env)));
      }
      done(0);
    },
  );
};
