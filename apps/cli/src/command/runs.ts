/** `markco runs`: the newest runs first. */
import type { Run } from '@markco/protocol';
import { RunStateSchema } from '@markco/protocol/entity/run';
import { InvalidArgumentError } from 'commander';
import { requireDevice } from '../device.ts';
import { pickProject } from '../reference.ts';
import { colorsFor, duration, json, localTime, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Options = JsonOption & { readonly project?: string; readonly state?: Run['state']; readonly limit: string };

export const addRuns: AddVerb = (program, cli, done) => {
  verb(program, 'runs', 'List runs, the newest first', [
    'markco runs',
    'markco runs --state running',
    'markco runs --project welcome --limit 5 --json',
  ])
    .option('--project <project>', 'only those of a project')
    .option(
      '--state <state>',
      'only those in a state: queued, scheduled, running, completed, failed, cancelled',
      parseState,
    )
    .option('--limit <n>', 'at most so many', parseCount, '20')
    .action(async (options: Options) => {
      const device = await requireDevice(cli);
      const project = options.project === undefined ? null : await pickProject(cli, device.api, options.project);
      const query = {
        limit: options.limit,
        ...(project === null ? {} : { projectId: project.id }),
        ...(options.state === undefined ? {} : { state: options.state }),
      };
      const { runs } = await device.api('runs', { query, signal: cli.signal });
      if (options.json) cli.out.write(json({ runs }));
      else if (runs.length === 0) cli.err.write('No runs. Start one with: markco run FILE\n');
      else {
        const short = shortIds(runs.map((run) => run.id));
        const rows = runs.map((run) => [
          short(run.id),
          stateOf(run, cli.now()),
          run.language,
          localTime(run.createdAt, cli.now()),
          took(run, cli.now()),
          run.ranOn ?? '',
          firstLine(run),
        ]);
        const titles = ['RUN', 'STATE', 'LANGUAGE', 'STARTED', 'TOOK', 'ON', 'CODE'];
        cli.out.write(table(titles, rows, colorsFor(cli.out, cli.env)));
      }
      done(0);
    });
};

function stateOf(run: Run, now: number): string {
  if (run.waitsFor !== undefined) return `waits for ${run.waitsFor}`;
  return run.unreachable === undefined ? run.state : `unreachable since ${localTime(run.unreachable, now)}`;
}

function took(run: Run, now: number): string {
  if (run.startedAt === undefined) return '';
  return duration((run.completedAt === undefined ? now : Date.parse(run.completedAt)) - Date.parse(run.startedAt));
}

const CODE_CHARS_MAX = 48;

function firstLine(run: Run): string {
  const line =
    run.code
      .split('\n')
      .find((each) => each.trim() !== '' && !each.startsWith('#|'))
      ?.trim() ?? '';
  return line.length > CODE_CHARS_MAX ? `${line.slice(0, CODE_CHARS_MAX - 1)}…` : line;
}

function parseState(text: string): Run['state'] {
  const parsed = RunStateSchema.safeParse(text);
  if (!parsed.success)
    throw new InvalidArgumentError('It is queued, scheduled, running, completed, failed or cancelled.');
  return parsed.data;
}

function parseCount(text: string): string {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.');
  return text;
}
