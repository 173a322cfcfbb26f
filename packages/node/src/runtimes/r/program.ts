/** A session's R: the program, its pipes, and what is said to it and by it. */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, rmSync } from 'node:fs';
import { env } from 'node:process';
import type { QuestionKind } from '@markco/protocol';
import type { InterpreterOptions, Sink } from '../keeper/interpreter.ts';
import { makePipes, openForChild, readPipe, streamPipe, writePipe } from '../keeper/pipes.ts';
import { loadDriver } from './driver.ts';
import { literal } from './literal.ts';

/** What it takes for a console: packages ask only there, and only there does R tell a crash from an end. */
const ARGS = ['--interactive', '--no-readline', '--quiet', '--no-save', '--no-restore'];
/** R that crashes at a console lets the person choose; the first choice ends it by its signal. */
const CRASHED = 'Possible actions:\n1: abort';
/** What R itself asks at its console, past the driver: its debugger, and a device between two pages. */
const PROMPT = /(?:Browse\[\d+\]> |Hit <Return> to see next (?:plot|page): )$/;
const EARLY_CHARS = 4_000;
const START_MS = 60_000;

type Word = {
  readonly text?: string | null;
  readonly html?: string;
  readonly error?: { readonly type: string; readonly message: string; readonly traceback: readonly string[] };
};

/** What the driver says. After `text`, `plot` and `check` it waits for an order to go on, after `ask` for the answer. */
export type Said =
  | { readonly event: 'ready'; readonly version: string }
  | { readonly event: 'began'; readonly number: number }
  | { readonly event: 'done'; readonly number: number; readonly word: Word }
  | { readonly event: 'text'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly event: 'plot';
      readonly file: string;
      readonly id: string;
      readonly again: boolean;
      readonly width: number;
      readonly height: number;
    }
  /** Whether it was interrupted while it waited for a program. */
  | { readonly event: 'check' }
  | { readonly event: 'ask'; readonly prompt: string; readonly password: boolean }
  | { readonly event: 'told'; readonly ref: number; readonly told: Told };
export type Told = { readonly answer?: unknown; readonly problem?: string };

export type Order =
  | { readonly op: 'execute'; readonly number: number; readonly code: string }
  | { readonly op: 'ask'; readonly ref: number; readonly kind: QuestionKind; readonly question: unknown }
  | { readonly op: 'answer'; readonly text: string }
  | { readonly op: 'go' | 'stop' };

export type Program = Awaited<ReturnType<typeof openProgram>>;

/** Starts it; resolves when it takes orders. */
export async function openProgram({ executable, cwd, folder }: InterpreterOptions, sink: Sink) {
  const pipes = await makePipes(folder, ['out', 'err', 'in', 'says', 'orders']);
  let isReady = false;
  let early = '';
  let said = '';
  const take = (stream: 'stdout' | 'stderr') => (text: string) => {
    if (isReady) sink.text(stream, text);
    else early = (early + text).slice(-EARLY_CHARS);
    if (stream === 'stdout') {
      if (PROMPT.test(text)) onPrompt();
      return;
    }
    said = (said + text).slice(-CRASHED.length - text.length);
    if (!said.includes(CRASHED)) return;
    said = '';
    stdin.write('1\n');
  };
  const out = readPipe(pipes.out, take('stdout'));
  const err = readPipe(pipes.err, take('stderr'));
  let onSaid: (said: Said) => void = () => undefined;
  let onPrompt: () => void = () => undefined;
  let waiting: string[] = [];
  const says = readPipe(pipes.says, (text) => {
    drain(); // It was printed before.
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const whole = waiting.join('') + line;
      waiting = [];
      onSaid(JSON.parse(whole) as Said);
    }
    waiting.push(rest);
  });
  const stdin = writePipe(pipes.in);
  const orders = streamPipe(pipes.orders);
  const ends = [openSync(pipes.in, constants.O_RDONLY), openForChild(pipes.out), openForChild(pipes.err)] as const;
  const child = spawn(executable, ARGS, { cwd, stdio: [...ends], env: { ...env, ...utf8(env) } });
  for (const end of ends) closeSync(end);

  function drain(): void {
    out.drain();
    err.drain();
  }

  function finishText(): void {
    drain();
    out.rest();
    err.rest();
  }

  function close(): void {
    for (const one of [out, err, says, stdin, orders]) one.close();
    child.removeAllListeners('exit'); // It was meant to end.
    child.kill('SIGKILL');
  }

  const version = await new Promise<string>((resolve, reject) => {
    const fail = (what: string): void => {
      drain();
      reject(new Error(`${executable} ${what}: ${early.trim()}`));
    };
    const timer = setTimeout(() => {
      fail(`has not begun after ${START_MS / 1000} s. Its profile may ask something, or take long`);
      close();
    }, START_MS);
    onSaid = (said) => {
      clearTimeout(timer);
      if (said.event === 'ready') resolve(said.version);
    };
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      fail('ended while it started');
    });
    stdin.write(`${bootLines(pipes.says, pipes.orders, folder)}\n`);
  });
  child.removeAllListeners('exit');
  finishText();
  isReady = true;

  return {
    version,
    stdinFile: pipes.in,
    onSaid: (take: (said: Said) => void) => void (onSaid = take),
    onPrompt: (take: () => void) => void (onPrompt = take),
    /** Everything it said has been taken. */
    onExit: (take: (code: number | null, signal: string | null) => void) =>
      void child.on('exit', (code, signal) => {
        says.drain();
        finishText();
        take(code, signal);
      }),
    send: (order: Order) => orders.write(`${literal(order)}\n`),
    answer: (text: string) => stdin.write(`${text}\n`),
    /** Nobody reads what was answered before. */
    forgetAnswers: () => stdin.empty(),
    finishText,
    pause(): void {
      for (const one of [out, err, says]) one.pause();
    },
    resume(): void {
      for (const one of [out, err, says]) one.resume();
    },
    close,
  };
}

/** The picture of a page, in base64; it is on the disk only until it is read. */
export function takePicture(file: string): string {
  const picture = readFileSync(file, 'base64');
  rmSync(file);
  return picture;
}

/** The first has R make the places where it keeps warnings and tracebacks; the second does not come back. */
function bootLines(...words: readonly [says: string, orders: string, folder: string]): string {
  return [
    'local({ was <- options(warn = 0, error = NULL); on.exit(options(was)); warning("none"); stop("none") })',
    `local({ ${loadDriver('all')}; driver$serve(${words.map((word) => literal(word)).join(', ')}) })`,
  ].join('\n');
}

/** R prints and reads text as its locale says, and there is no other text than UTF-8 here. */
function utf8(given: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const name = ['LC_ALL', 'LC_CTYPE', 'LANG'].find((each) => (given[each] ?? '') !== '');
  if (name !== undefined && /utf-?8/i.test(given[name] ?? '')) return {};
  return name === 'LC_ALL' ? { LC_ALL: 'C.UTF-8' } : { LC_CTYPE: 'C.UTF-8' };
}
