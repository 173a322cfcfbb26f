/**
 * Bash, as it is at a terminal: an interactive shell that keeps its variables, functions, options and folder.
 *
 * It reads commands from a socket and the cell from a file with `.`, so that nothing of the cell is echoed, an
 * interrupt drops the whole cell and leaves the shell, and the last line of the socket says how the cell did.
 * Neither profile nor `.bashrc` is read: the environment is the one the device was started in.
 */
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Interpreter, LastWord, StartInterpreter } from '../keeper/interpreter.ts';
import { watchStdin } from '../keeper/stdin-watch.ts';
import { createBashAnswers } from './answers.ts';
import { bundleOf, type Shown } from './bundle.ts';
import { openShell, type Shell } from './shell.ts';

/**
 * A signal that comes between a program's fork and its start is lost, by Bash and at a terminal. It is given again: soon
 * when the cell has just begun, otherwise after what a program may take to end in its own way, and before it is killed.
 */
const EARLY_MS = 300;
const AGAIN_EARLY_MS = 100;
const AGAIN_MS = 700;
const ANSWER_MS = 3_000;
/** What one cell shows; further ones are refused. */
const DISPLAYS_MAX = 200;
const INTERRUPTED: LastWord = {
  type: 'error',
  payload: { type: 'KeyboardInterrupt', message: 'Interrupted.', traceback: [] },
};

type Current = {
  readonly number: number;
  readonly resolve: (word: LastWord) => void;
  /** When its code began, or null: not yet. */
  beganAt: number | null;
  isInterrupted: boolean;
  /** How many things it has shown. */
  displays: number;
};

export const startBash: StartInterpreter = async (options, sink) => {
  let shell = await open();
  let current: Current | null = null;
  let count = 0;
  const { promise: gone, resolve: tellGone } = Promise.withResolvers<string>();

  const stdin = watchStdin(shell.stdinFile, () => sink.ask({ prompt: '', password: false }));
  let turn: Promise<unknown> = Promise.resolve();
  let asked = 0;
  let onTold: (number: number, answer: string) => void = () => undefined;
  const answers = createBashAnswers({ ...options, query });

  async function open(): Promise<Shell> {
    const opened = await openShell(options, sink);
    opened.onSaid(hear);
    opened.onExit((code, signal) => {
      if (opened === shell) end(code, signal);
    });
    return opened;
  }

  /** One question after the other: they share a pipe. */
  function query(...words: readonly string[]): Promise<string> {
    if (current !== null) return Promise.reject(new Error('Bash is busy with a cell.'));
    const mine = turn.then(() => queryNow(words));
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function queryNow(words: readonly string[]): Promise<string> {
    asked += 1;
    const number = asked;
    const over = new AbortController();
    const told = new Promise<string>((resolve) => {
      onTold = (one, answer) => one === number && resolve(answer);
    });
    const late = delay(ANSWER_MS, undefined, { signal: over.signal }).then((): never => {
      throw new Error('Bash is busy and does not answer now.');
    });
    try {
      shell.ask(number, words);
      return await Promise.race([told, late]);
    } finally {
      over.abort();
      late.catch(() => undefined);
    }
  }

  async function reset(): Promise<object> {
    if (current !== null) throw new Error('Bash is busy with a cell. Stop it first.');
    shell.close();
    shell = await open();
    return {};
  }

  function interruptNow(target: Current): void {
    kill(0, 'SIGINT'); // Everything of this session; the keeper itself passes it over.
    interruptAfter(target, AGAIN_EARLY_MS);
    interruptAfter(target, AGAIN_MS);
  }

  function interruptAfter(target: Current, ms: number): void {
    setTimeout(() => {
      if (current !== target) return;
      kill(0, 'SIGINT');
      shell.tellEnd(target.number);
    }, ms);
  }

  function finish(word: LastWord): void {
    const over = current;
    current = null;
    stdin.stop();
    shell.finishText();
    over?.resolve(over.isInterrupted && word.type === 'error' ? INTERRUPTED : word);
  }

  function hear(words: string): void {
    const [event, number = '', status = ''] = words.split(' ');
    if (event === 'told') return onTold(Number(number), shell.takeAnswer()); // Also one that came too late.
    if (event === 'display') return display(words.split(' '));
    if (current === null || Number(number) !== current.number) return;
    if (event === 'end') return finish(lastWord(Number(status)));
    if (event === 'ask') {
      stdin.stop();
      shell.finishText();
      return sink.ask({ prompt: words.split(' ').slice(3).join(' '), password: status === '1' });
    }
    current.beganAt = performance.now();
    if (current.isInterrupted) interruptNow(current);
  }

  /** Its process waits until it is told: what it prints then comes after what is shown. */
  function display([, number, pid, type = '', ...name]: readonly string[]): void {
    const bytes = shell.takeShown(Number(pid));
    if (bytes === null) return;
    shell.tellShown(Number(pid), show(Number(number), { bytes, type, name: name.join(' ') }));
  }

  /** Why not, or an empty text. */
  function show(number: number, shown: Shown): string {
    if (number !== current?.number) return 'Its cell is over. Let the cell wait for it (`wait`).';
    if (current.displays >= DISPLAYS_MAX)
      return `This cell has shown ${DISPLAYS_MAX} things, the most that one shows. Show the rest in another.`;
    const data = bundleOf(shown);
    if (typeof data === 'string') return data;
    current.displays += 1;
    shell.drain();
    sink.display({ data, metadata: {} });
    return '';
  }

  function end(code: number | null, signal: string | null): void {
    if (code !== null) finish(lastWord(code)); // `exit`; whoever was killed has no last word.
    else shell.finishText();
    tellGone(signal === null ? `exit code ${code}` : `signal ${signal}`);
  }

  await answers.begin();
  const interpreter: Interpreter = {
    version: shell.version,
    gone,
    execute: (_run, code) =>
      new Promise((resolve) => {
        count += 1;
        current = { number: count, resolve, beganAt: null, isInterrupted: false, displays: 0 };
        shell.run(count, code);
        stdin.start();
      }),
    interrupt() {
      const target = current;
      if (target === null) return;
      target.isInterrupted = true;
      const { beganAt } = target;
      if (beganAt === null) return;
      if (performance.now() - beganAt < EARLY_MS) interruptAfter(target, AGAIN_EARLY_MS);
      interruptAfter(target, AGAIN_MS);
    },
    input: (text) => current !== null && shell.answer(text) && stdin.start(),
    ask: (kind, question) => (kind === 'reset' ? reset() : answers.ask(kind, question)),
    close: () => shell.close(),
    pause: () => shell.pause(),
    resume: () => shell.resume(),
  };
  return interpreter;
};

function lastWord(status: number): LastWord {
  if (status === 0) return { type: 'result', data: null };
  return { type: 'error', payload: { type: 'ExitCode', message: `exit code ${status}`, traceback: [] } };
}
