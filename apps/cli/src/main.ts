#!/usr/bin/env node
/** `markco`: the only file that touches `process`. It hands the rest of the program what that may use. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import type { Cli, Output, Ran } from './cli.ts';
import { runProgram } from './program.ts';
import { createInput } from './terminal.ts';

/** A terminal and the starter both pass Ctrl-C on, so the same press arrives twice; a person needs longer to press again. */
const SAME_PRESS_MS = 400;
const EXEC_TIMEOUT_MS = 10_000;

const stop = new AbortController();
let stoppedAt = 0;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => {
    const now = performance.now();
    if (!stop.signal.aborted) stoppedAt = now;
    else if (now - stoppedAt > SAME_PRESS_MS) process.exit(code);
    stop.abort();
  });
}

// A reader that has left (`markco runs | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

// Automerge's throttle asks for delays below zero, which Node takes for none, with a warning on the person's terminal.
const warn = process.listeners('warning');
process.removeAllListeners('warning').on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') for (const tell of warn) tell(warning);
});

const outputOf = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => void stream.write(text),
  isTerminal: stream.isTTY === true,
});

const cli: Cli = {
  env: process.env,
  cwd: process.cwd(),
  platform: process.platform,
  nodeVersion: process.versions.node,
  pid: process.pid,
  out: outputOf(process.stdout),
  err: outputOf(process.stderr),
  input: createInput({ stdin: process.stdin, prompts: process.stderr }),
  signal: stop.signal,
  now: () => Date.now(),
  randomBytes,
  fetch,
  exec: (file, args, signal) =>
    new Promise<Ran>((resolve, reject) => {
      execFile(file, args, { signal, timeout: EXEC_TIMEOUT_MS, encoding: 'utf8' }, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number')
          return reject(new Error(`${file} did not run`, { cause: error }));
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    }),
  showFile(path) {
    const [file = '', ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[
      process.platform as string
    ] ?? ['xdg-open'];
    // Without a browser the printed link is enough.
    spawn(file, [...args, path], { stdio: 'ignore', detached: true })
      .on('error', () => {})
      .unref();
  },
  kill: (pid, signal) => void process.kill(pid, signal),
  residentBytes: () => process.memoryUsage.rss(),
  machineName: hostname(),
  pageFolder: join(import.meta.dirname, '../../web/dist'),
  sampleProject: join(import.meta.dirname, '../../../examples/welcome'),
};

const code = await runProgram(cli, process.argv.slice(2), manifest.version);
// All that was written is out before the end, and nothing that is still open delays it.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
