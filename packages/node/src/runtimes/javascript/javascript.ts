/** JavaScript and TypeScript on Node 20 or newer: the user's own `node`, or else the one this device runs on. */
import { execPath } from 'node:process';
import { QUESTION_KINDS } from '@markco/protocol';
import { findProgram } from '../find-program.ts';
import { keeperCommand } from '../keeper/command.ts';
import type { RuntimeDescriptor } from '../runtime.ts';

export const javascriptRuntime: RuntimeDescriptor = {
  language: 'js',
  aliases: ['javascript', 'node', 'ts', 'typescript'],
  label: 'JavaScript',
  answers: QUESTION_KINDS,
  detect: (place, signal) =>
    findProgram(
      {
        label: 'Node.js',
        names: ['node'],
        args: ['-p', 'process.versions.node'],
        version: /^(\d+\.\d+\.\d+)/m,
        oldest: 20,
        howToGet: 'Install it from nodejs.org or with the package manager, then run the cell again.',
        fallback: execPath,
      },
      place,
      signal,
    ),
  command: (session, executable, place) => keeperCommand('javascript', session, executable, place),
};
