/**
 * The command line as a function: words in, exit code out.
 *
 * 1. Results go to stdout; everything else, errors and help about errors too, goes to stderr.
 * 2. 0: done. 1: it could not be done. 2: wrong usage, and nothing was done. 124: not done in time.
 *    130: stopped by the person. `run` ends with what the program of the cell ended with, where it says so, `ping` and `trace` with
 *    how the other device was reached.
 */
import { Failure } from '@markco/protocol/failure';
import { Command, CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import { causesOf } from './causes.ts';
import { colorsFor, jsonLine, printable } from './render.ts';
import type { AddVerb } from './verb.ts';

type Load = (version: string) => Promise<AddVerb>;

const login: Load = async () => (await import('./command/login.ts')).addLogin;
const share: Load = async () => (await import('./command/share.ts')).addShare;

/** By the word that is typed, in the order of the help. Only what is typed is loaded: all of them take longer than most run. */
const VERBS: Readonly<Record<string, Load>> = {
  up: async () => (await import('./command/up.ts')).addUp,
  status: async () => (await import('./command/status.ts')).addStatus,
  pair: async () => (await import('./command/pair.ts')).addPair,
  login,
  logout: login,
  cloud: async () => (await import('./command/cloud.ts')).addCloud,
  publish: async () => (await import('./command/publish.ts')).addPublish,
  share,
  shares: share,
  agents: async () => (await import('./command/agents.ts')).addAgents,
  devices: async () => (await import('./command/devices.ts')).addDevices,
  peers: async () => (await import('./command/peers.ts')).addPeers,
  ping: async () => (await import('./command/ping.ts')).addPing,
  trace: async () => (await import('./command/trace.ts')).addTrace,
  netcheck: async () => (await import('./command/netcheck.ts')).addNetcheck,
  log: async () => (await import('./command/log.ts')).addLog,
  recovery: async () => (await import('./command/recovery.ts')).addRecovery,
  open: async () => (await import('./command/open.ts')).addOpen,
  projects: async () => (await import('./command/projects.ts')).addProjects,
  docs: async () => (await import('./command/docs.ts')).addDocs,
  run: async () => (await import('./command/run.ts')).addRun,
  runs: async () => (await import('./command/runs.ts')).addRuns,
  logs: async () => (await import('./command/logs.ts')).addLogs,
  explain: async () => (await import('./command/explain.ts')).addExplain,
  cancel: async () => (await import('./command/cancel.ts')).addCancel,
  sessions: async () => (await import('./command/sessions.ts')).addSessions,
  migrate: async () => (await import('./command/migrate.ts')).addMigrate,
  doctor: async () => (await import('./command/doctor.ts')).addDoctor,
  completion: async () => (await import('./command/completion.ts')).addCompletion,
  bugreport: async (version) => (await import('./command/bugreport.ts')).addBugreport(version),
};

const STOPPED = 130;

/** `words`: what was typed after `markco`. */
export async function runProgram(cli: Cli, words: readonly string[], version: string): Promise<number> {
  let code: number = 0;
  const program = new Command('markco')
    .description('Your Markdown and its code cells, on all your machines.')
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('Try --help for how to use it.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => cli.out.write(text), writeErr: (text) => cli.err.write(text) });
  const [typed = ''] = words;
  const wanted = Object.hasOwn(VERBS, typed) && typed !== 'completion' ? [VERBS[typed]] : Object.values(VERBS);
  for (const load of new Set(wanted)) (await load?.(version))?.(program, cli, (its) => (code = its));
  program.addHelpText(
    'after',
    '\nExamples:\n  $ markco up ~/notes\n  $ markco run ~/notes/train.md --cell 2\n  $ markco doctor\n',
  );
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (cli.signal.aborted) return STOPPED;
    report(cli, error, words.includes('--json'));
    // What a command said before it failed counts: what its failing means to a script.
    return code === 0 ? 1 : code;
  }
}

/** A failure of this machine says why as far down as it is known; one of a device came over a wire without its cause. */
function report(cli: Cli, error: unknown, asJson: boolean): void {
  const failure = Failure.from(error);
  const because = causesOf(failure);
  const { code, message } =
    error instanceof Failure || because.length === 0
      ? failure
      : { code: failure.code, message: 'Something went wrong inside MarkCo. LOG_LEVEL=debug shows where.' };
  if (asJson) return cli.err.write(jsonLine({ error: { code, message, ...(because.length > 0 ? { because } : {}) } }));
  cli.err.write(`${colorsFor(cli.err, cli.env).red('✗')} ${printable(message)}\n`);
  for (const reason of because) cli.err.write(`  because: ${printable(reason)}\n`);
  const { stack } = error instanceof Error ? error : {};
  if (failure.code === 'internal' && cli.env['LOG_LEVEL'] === 'debug' && stack !== undefined)
    cli.err.write(`${stack}\n`);
}
