/** A session's bash: the program, its pipes, and what is said to it and by it. */
import { spawn } from 'node:child_process';
import { closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { platform } from 'node:process';
import type { InterpreterOptions, Sink } from '../keeper/interpreter.ts';
import { BUNDLE_BYTES } from '../keeper/fit.ts';
import { makePipes, openForChild, readPipe, tellPipe, writePipe } from '../keeper/pipes.ts';

/** Where the kernel does not say who waits for a line, at least Bash itself does. */
const READS = /\bread\b/;
/** `read` with a prompt or for a secret. */
const READS_SPECIALLY = /\bread\b[^\n;|&]*\s-[a-z]*[ps]/i;
/** Longer answers are cut: nobody reads values of that size. */
const ANSWER_CHARS_MAX = 4 * 1024 * 1024;
const BOOT = ['shell.bash', 'display.bash'].map((name) => new URL(name, import.meta.url));

export type Shell = Awaited<ReturnType<typeof openShell>>;

/** Starts it; resolves when it waits for commands. */
export async function openShell({ executable, cwd, folder }: InterpreterOptions, sink: Sink) {
  const pipes = await makePipes(folder, ['out', 'err', 'in', 'says', 'answers']);
  const cell = path.join(folder, 'cell');
  const boot = path.join(folder, 'boot');
  const shown = path.join(folder, 'display-');
  let onSaid: (words: string) => void = () => undefined;
  const out = readPipe(pipes.out, (text) => sink.text('stdout', text));
  const err = readPipe(pipes.err, (text) => sink.text('stderr', withoutUs(text, cell)));
  let waiting = '';
  const says = readPipe(pipes.says, (text) => {
    const all = (waiting + text).split('\0');
    waiting = all.pop() ?? '';
    for (const words of all) onSaid(words);
  });
  let answer = '';
  // No file: values of variables, secrets among them, would stay on disk.
  const answers = readPipe(pipes.answers, (text) => {
    if (answer.length < ANSWER_CHARS_MAX) answer += text;
  });
  const stdin = writePipe(pipes.in);
  const ends = [openForChild(pipes.out), openForChild(pipes.err)];

  writeFileSync(
    boot,
    [
      `__markco_says=${quoted(pipes.says)} __markco_in=${quoted(pipes.in)} __markco_answers=${quoted(pipes.answers)}`,
      `__markco_shown=${quoted(shown)} __markco_shown_bytes=${BUNDLE_BYTES + 1}`,
      ...BOOT.map((file) => readFileSync(file, 'utf8')),
    ].join('\n'),
    { mode: 0o600 },
  );
  const child = spawn(executable, ['--norc', '--noediting', '-i', '+m'], {
    cwd,
    stdio: ['pipe', ends[0], 'ignore', 'ignore', ends[1]],
  });
  for (const end of ends) closeSync(end);
  const { stdin: commands } = child;
  if (commands === null) throw new Error(`${executable} has no input.`);
  commands.on('error', () => undefined); // It has ended, which its exit tells.
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`${executable} ended while it started.`)));
    onSaid = () => resolve();
    commands.write(`. ${quoted(boot)}\n{ __markco_end 0 0; } 2>/dev/null\n`);
  });
  child.removeAllListeners('exit');

  function drain(): void {
    out.drain();
    err.drain();
  }

  function finishText(): void {
    drain();
    out.rest();
    err.rest();
  }

  return {
    version: '',
    stdinFile: pipes.in,
    onSaid: (take: (words: string) => void) => void (onSaid = take),
    onExit: (take: (code: number | null, signal: string | null) => void) => void child.on('exit', take),
    run(number: number, code: string): void {
      stdin.empty();
      writeFileSync(cell, code, { mode: 0o600 });
      const first = (platform === 'linux' ? READS_SPECIALLY : READS).test(code) ? '__markco_ask_first; ' : '';
      commands.write(
        `{ ${first}__markco_begin ${number}; } 2>/dev/null; . ${quoted(cell)} <${quoted(pipes.in)}\n` + endOf(number),
      );
    },
    /** Has the end of a cell told again, when it has come: an interrupt may have dropped it. */
    tellEnd: (number: number) => void commands.write(endOf(number)),
    /** Has a question of `shell.bash` answered, which is said as `told NUMBER`. */
    ask(number: number, words: readonly string[]): void {
      commands.write(`{ (__markco_answer ${number} ${words.map(quoted).join(' ')}); } 2>/dev/null\n`);
    },
    /** What was told last. */
    takeAnswer(): string {
      answers.drain();
      answers.rest();
      const taken = answer;
      answer = '';
      return taken;
    },
    answer: (text: string) => stdin.write(`${text}\n`),
    /**
     * What `display.bash` has copied for the process of this number, or null. No copy stays: `tellShown` has its process
     * go on, with the sentence about what is wrong or with none.
     */
    takeShown(pid: number): Buffer | null {
      try {
        return readFileSync(`${shown}${pid}`);
      } catch {
        return null; // It was interrupted.
      } finally {
        rmSync(`${shown}${pid}`, { force: true });
      }
    },
    tellShown: (pid: number, problem: string) => tellPipe(`${shown}${pid}.told`, `${problem}\0`),
    drain,
    finishText,
    pause(): void {
      out.pause();
      err.pause();
    },
    resume(): void {
      out.resume();
      err.resume();
    },
    close(): void {
      for (const one of [out, err, says, answers, stdin]) one.close();
      child.removeAllListeners('exit'); // It was meant to end.
      child.kill('SIGKILL');
    },
  };
}

function endOf(number: number): string {
  return `{ __markco_end ${number} $?; } 2>/dev/null\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Without what only the way we run a cell adds: its file's name before a syntax error, and its trace (`set -x`). */
function withoutUs(text: string, cell: string): string {
  if (!text.includes(cell)) return text;
  return text.replaceAll(`+ . ${cell}\n`, '').replaceAll(`${cell}: `, '');
}
