/** `markco projects`: what is open on the running device, and what its person's other devices have open. */
import { requireDevice } from '../device.ts';
import { colorsFor, json, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addProjects: AddVerb = (program, cli, done) => {
  verb(program, 'projects', 'List the open projects', ['markco projects', 'markco projects --json']).action(
    async (options: JsonOption) => {
      const device = await requireDevice(cli);
      const [{ projects }, { projects: elsewhere }] = await Promise.all([
        device.api('projects', { signal: cli.signal }),
        device.api('projectsElsewhere', { signal: cli.signal }),
      ]);
      if (options.json) cli.out.write(json({ projects, elsewhere }));
      else if (projects.length + elsewhere.length === 0)
        cli.err.write('No project is open. Open a folder with: markco open DIR\n');
      else {
        const short = shortIds([...projects, ...elsewhere.map(({ project }) => project)].map((project) => project.id));
        const here = projects.map((project) => [
          short(project.id),
          project.slug,
          project.displayName,
          project.localRootPath ?? '',
        ]);
        const there = elsewhere.map(({ project, on }) => {
          const names = on.map(({ name, connected }) => (connected ? name : `${name} (offline)`)).join(', ');
          const how = on.some(({ connected }) => connected) ? `: markco open --attach ${project.slug}` : '';
          return [short(project.id), project.slug, project.displayName, `on ${names}${how}`];
        });
        cli.out.write(table(['ID', 'PROJECT', 'NAME', 'FOLDER'], [...here, ...there], colorsFor(cli.out, cli.env)));
      }
      done(0);
    },
  );
};
