/** What every command has in common: `--json`, examples in its help, and an exit code that it decides. */
import { type Command } from 'commander';
import type { Cli, ExitCode } from './cli.ts';

/** What a command's own file adds to the program. `done` takes its exit code. */
export type AddVerb = (program: Command, cli: Cli, done: (code: ExitCode) => void) => void;

export type JsonOption = { readonly json?: true };

/** `usage`: `open [DIR]`. Each example is a line that can be typed as it stands. */
export function verb(program: Command, usage: string, summary: string, examples: readonly string[]): Command {
  return program
    .command(usage)
    .summary(summary)
    .description(`${summary}.`)
    .option('--json', 'write the result as JSON')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}\n`).join('')}`);
}
