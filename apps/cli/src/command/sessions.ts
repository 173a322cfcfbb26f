/** `markco sessions`: the interpreters that are, or were, alive; `markco sessions stop SESSION` and its like act on one. */
import type { SessionHere } from '@markco/protocol';
import { sessionName } from '@markco/protocol/entity/session';
import { Argument } from 'commander';
import type { Cli } from '../cli.ts';
import { requireDevice, type RunningDevice } from '../device.ts';
import { pickProject, pickSession } from '../reference.ts';
import { bytes, colorsFor, json, localTime, printable, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

const ACTIONS = ['list', 'stop', 'restart', 'interrupt'] as const;
type Action = (typeof ACTIONS)[number];
type Options = JsonOption & { readonly project?: string };

export const addSessions: AddVerb = (program, cli, done) => {
  verb(program, 'sessions', 'List the sessions and what they are doing, or stop, restart or interrupt one', [
    'markco sessions',
    'markco sessions --project welcome --json',
    'markco sessions restart 019a8f3c',
    'markco sessions stop python',
  ])
    .addArgument(new Argument('[action]', 'what to do with one').choices(ACTIONS).default('list'))
    .argument(
      '[session]',
      'its id or the beginning of it, or its language when only one session has that (python@box on another device)',
    )
    .option('--project <project>', 'only those of a project')
    .action(async (action: Action, session: string | undefined, options: Options, command) => {
      if (action !== 'list' && session === undefined)
        command.error(`error: say which session to ${action}. They are listed by: markco sessions`);
      const device = await requireDevice(cli);
      if (action === 'list' || session === undefined) await list(cli, device, options);
      else await act(cli, device, action, session, options);
      done(0);
    });
};

export async function sessionsOf(
  cli: Cli,
  { api }: RunningDevice,
  { project: typed }: { readonly project?: string },
): Promise<readonly SessionHere[]> {
  const project = typed === undefined ? null : await pickProject(cli, api, typed);
  const { sessions, silentDevices = [] } = await api('sessions', { signal: cli.signal });
  for (const { name } of silentDevices)
    cli.err.write(`${printable(name)} does not answer now. Its sessions are not listed.\n`);
  return project === null ? sessions : sessions.filter((session) => session.projectId === project.id);
}

async function list(cli: Cli, device: RunningDevice, options: Options): Promise<void> {
  const sessions = await sessionsOf(cli, device, options);
  if (options.json) return cli.out.write(json({ sessions }));
  if (sessions.length === 0) return cli.err.write('No session yet. Running a cell starts one.\n');
  const { projects } = await device.api('projects', { signal: cli.signal });
  const slugs = new Map(projects.map((project) => [project.id, project.slug]));
  const shortSession = shortIds(sessions.map((session) => session.id));
  const shortRun = shortIds(sessions.flatMap(({ currentRun }) => (currentRun === undefined ? [] : [currentRun])));
  const isElsewhere = sessions.some(({ deviceName }) => deviceName !== undefined);
  const rows = sessions.map((session) => [
    shortSession(session.id),
    ...(isElsewhere ? [session.deviceName ?? ''] : []),
    slugs.get(session.projectId) ?? '',
    session.language,
    session.state,
    sessionName(session),
    session.currentRun === undefined ? '' : shortRun(session.currentRun),
    String(session.queued),
    session.usage === undefined ? '' : bytes(session.usage.memoryBytes),
    session.usage === undefined ? '' : `${Math.round(session.usage.cpuPercent)}%`,
    localTime(session.startedAt ?? session.updatedAt, cli.now()),
  ]);
  const head = [
    'SESSION',
    ...(isElsewhere ? ['DEVICE'] : []),
    'PROJECT',
    'LANGUAGE',
    'STATE',
    'NAME',
    'RUN',
    'QUEUED',
    'MEMORY',
    'CPU',
    'SINCE',
  ];
  cli.out.write(table(head, rows, colorsFor(cli.out, cli.env)));
}

async function act(
  cli: Cli,
  device: RunningDevice,
  action: Exclude<Action, 'list'>,
  typed: string,
  options: Options,
): Promise<void> {
  const { id, language } = pickSession(await sessionsOf(cli, device, options), typed);
  const call = { params: { id }, signal: cli.signal };
  if (action === 'stop') {
    await device.api('deleteSession', call);
    cli.out.write(options.json ? json({ stopped: id }) : `${language} is stopped. The next run starts it anew.\n`);
    return;
  }
  const session = await device.api(action === 'restart' ? 'restartSession' : 'interruptSession', call);
  if (options.json) cli.out.write(json({ session }));
  else cli.out.write(`${language} is ${action === 'restart' ? 'restarted; its variables are gone' : 'interrupted'}.\n`);
}
