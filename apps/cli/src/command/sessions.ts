/** `markco sessions`: the interpreters that are, or were, alive. */
import { requireDevice } from '../device.ts';
import { colorsFor, json, localTime, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addSessions: AddVerb = (program, cli, done) => {
  verb(program, 'sessions', 'List the sessions and what they are doing', [
    'markco sessions',
    'markco sessions --json',
  ]).action(async (options: JsonOption) => {
    const device = await requireDevice(cli);
    const { sessions } = await device.api('sessions', { signal: cli.signal });
    const { projects } = await device.api('projects', { signal: cli.signal });
    if (options.json) cli.out.write(json({ sessions }));
    else if (sessions.length === 0) cli.err.write('No session yet. Running a cell starts one.\n');
    else {
      const short = shortIds(sessions.map((session) => session.id));
      const slugs = new Map(projects.map((project) => [project.id, project.slug]));
      const rows = sessions.map((session) => [
        short(session.id),
        slugs.get(session.projectId) ?? '',
        session.language,
        session.state,
        localTime(session.updatedAt, cli.now()),
      ]);
      cli.out.write(table(['SESSION', 'PROJECT', 'LANGUAGE', 'STATE', 'SINCE'], rows, colorsFor(cli.out, cli.env)));
    }
    done(0);
  });
};
