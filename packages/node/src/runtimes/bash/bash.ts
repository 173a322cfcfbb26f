/** Bash 4 or newer, the user's own. */
import { QUESTION_KINDS } from '@markco/protocol';
import { findProgram } from '../find-program.ts';
import { keeperCommand } from '../keeper/command.ts';
import type { RuntimeDescriptor } from '../runtime.ts';

export const bashRuntime: RuntimeDescriptor = {
  language: 'bash',
  aliases: ['sh', 'shell', 'zsh'],
  label: 'Bash',
  answers: QUESTION_KINDS,
  detect: (place, signal) =>
    findProgram(
      {
        label: 'Bash',
        names: ['bash'],
        args: ['--norc', '--noprofile', '-c', 'echo "$BASH_VERSION"'],
        version: /^(\d+\.\d+\.\d+)/,
        oldest: 4,
        howToGet:
          'Install it with the package manager (Debian and Ubuntu: `sudo apt install bash`, macOS: `brew install bash`), then run the cell again.',
      },
      place,
      signal,
    ),
  command: (session, executable, place) => keeperCommand('bash', session, executable, place),
};
