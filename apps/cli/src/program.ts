/**
 * The command line as a function: words in, exit code out.
 *
 * 1. Results go to stdout; everything else, errors and help about errors too, goes to stderr.
 * 2. 0: done. 1: it could not be done. 2: wrong usage, and nothing was done. 124: not done in time.
 *    130: stopped by the person. `run` ends with what the program of the cell ended with, where it says so, `ping` and `trace` with
 *    how the other device was reached.
 */
import { Failure } from '@markco/protocol';
import { Command, CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import { addAgents } from './command/agents.ts';
import { addBugreport } from './command/bugreport.ts';
import { addCancel } from './command/cancel.ts';
import { addCloud } from './command/cloud.ts';
import { addCompletion } from './command/completion.ts';
import { addDevices } from './command/devices.ts';
import { addDocs } from './command/docs.ts';
import { addDoctor } from './command/doctor.ts';
import { addLog } from './command/log.ts';
import { addExplain } from './command/explain.ts';
import { addLogin } from './command/login.ts';
import { addLogs } from './command/logs.ts';
import { addMigrate } from './command/migrate.ts';
import { addNetcheck } from './command/netcheck.ts';
import { addOpen } from './command/open.ts';
import { addPair } from './command/pair.ts';
import { addPeers } from './command/peers.ts';
import { addPing } from './command/ping.ts';
import { addProjects } from './command/projects.ts';
import { addPublish } from './command/publish.ts';
import { addShare } from './command/share.ts';
import { addRecovery } from './command/recovery.ts';
import { addRun } from './command/run.ts';
import { addRuns } from './command/runs.ts';
import { addSessions } from './command/sessions.ts';
import { addStatus } from './command/status.ts';
import { addTrace } from './command/trace.ts';
import { addUp } from './command/up.ts';
import { causesOf } from './causes.ts';
import { colorsFor, jsonLine, printable } from './render.ts';
import type { AddVerb } from './verb.ts';

const VERBS: readonly AddVerb[] = [
  addUp,
  addStatus,
  addPair,
  addLogin,
  addCloud,
  addPublish,
  addShare,
  addAgents,
  addDevices,
  addPeers,
  addPing,
  addTrace,
  addNetcheck,
  addLog,
  addRecovery,
  addOpen,
  addProjects,
  addDocs,
  addRun,
  addRuns,
  addLogs,
  addExplain,
  addCancel,
  addSessions,
  addMigrate,
  addDoctor,
  addCompletion,
];

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
  for (const add of [...VERBS, addBugreport(version)]) add(program, cli, (its) => (code = its));
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
