/** A session's Node: the program, its pipes, and what is said to it and by it. */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { QuestionKind } from '@markco/protocol';
import type { InterpreterOptions, LastWord, Sink } from '../keeper/interpreter.ts';
import { makePipes, openForChild, readPipe, writePipe } from '../keeper/pipes.ts';

const PROGRAM = fileURLToPath(new URL('child/main.mjs', import.meta.url));
const READ_ONLY = constants.O_RDONLY;

/** What the interpreter says: see `child/main.mjs`. */
export type Said =
  | { readonly event: 'ready'; readonly version: string }
  | { readonly event: 'done'; readonly number: number; readonly word: LastWord }
  | { readonly event: 'text'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly event: 'display'; readonly payload: Parameters<Sink['display']>[0] }
  | { readonly event: 'ask'; readonly prompt: string; readonly password: boolean; readonly byOrder?: true }
  /** It waits to hear that everything before has come: see `child/events.mjs`. */
  | { readonly event: 'arrived?' }
  | { readonly event: 'told'; readonly ref: number; readonly answer?: unknown; readonly problem?: string };

export type Order =
  | { readonly op: 'execute'; readonly number: number; readonly code: string; readonly isQuiet: boolean }
  | { readonly op: 'input'; readonly text: string }
  | { readonly op: 'interrupt'; readonly number: number }
  | { readonly op: 'ask'; readonly ref: number; readonly kind: QuestionKind; readonly question: unknown };

export type Program = Awaited<ReturnType<typeof openProgram>>;

/** Starts it; resolves when it takes orders. */
export async function openProgram({ executable, cwd, folder }: InterpreterOptions, sink: Sink) {
  const pipes = await makePipes(folder, ['out', 'err', 'in']);
  let hasWords = false;
  const out = readPipe(pipes.out, (text) => sink.text('stdout', text));
  const err = readPipe(pipes.err, (text) => (hasWords ? sink.text('stderr', text) : (early += text)));
  const stdin = writePipe(pipes.in);
  const ends = [openSync(pipes.in, READ_ONLY), openForChild(pipes.out), openForChild(pipes.err)] as const;
  let early = '';
  let onSaid: (said: Said) => void = () => undefined;

  const child = spawn(executable, ['--no-warnings', PROGRAM], { cwd, stdio: [...ends, 'pipe', 'pipe', 'pipe'] });
  for (const end of ends) closeSync(end);
  const [, , , events, orders, breaks] = child.stdio as unknown as readonly Duplex[];
  if (events === undefined || orders === undefined || breaks === undefined) throw new Error('Node has no pipes.');
  for (const one of [events, orders, breaks]) one.on('error', () => undefined); // It has ended, which its exit tells.
  let waiting = '';
  events.setEncoding('utf8');
  events.on('data', (text: string) => {
    drain(); // What a program wrote that the code has started came before what the code printed after it.
    const lines = (waiting + text).split('\n');
    waiting = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line) as Said;
      if (said.event === 'arrived?') breaks.write('.');
      else onSaid(said);
    }
  });

  function drain(): void {
    out.drain();
    err.drain();
  }

  function close(): void {
    for (const one of [out, err, stdin]) one.close();
    child.kill('SIGKILL');
  }

  const version = await new Promise<string>((resolve, reject) => {
    onSaid = (said) => said.event === 'ready' && resolve(said.version);
    child.once('error', reject);
    child.once('close', () => {
      err.drain();
      reject(new Error(`${executable} ended while it started: ${early.trim().slice(-1_000)}`));
    });
  });
  child.removeAllListeners('close');
  hasWords = true;

  return {
    version,
    stdinFile: pipes.in,
    onSaid: (take: (said: Said) => void) => void (onSaid = take),
    /** Everything it said has been taken. */
    onExit: (take: (code: number | null, signal: string | null) => void) =>
      void child.on('close', (code, signal) => {
        drain();
        take(code, signal);
      }),
    send: (order: Order) => void orders.write(`${JSON.stringify(order)}\n`),
    /** Ends what it executes now: see `child/breaker.mjs`. */
    break: () => void breaks.write('!'),
    answer: (text: string) => stdin.write(`${text}\n`),
    /** Nobody reads what was answered before. */
    forgetAnswers: () => stdin.empty(),
    finishText(): void {
      drain();
      out.rest();
      err.rest();
    },
    pause(): void {
      for (const one of [out, err, events]) one.pause();
    },
    resume(): void {
      for (const one of [out, err, events]) one.resume();
    },
    close,
  };
}
