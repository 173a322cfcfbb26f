/**
 * Bash, as it is at a terminal: an interactive shell that keeps its variables, functions, options and folder.
 *
 * It reads commands from a socket and the cell from a file with `.`, so that nothing of the cell is echoed, an
 * interrupt drops the whole cell and leaves the shell, and the last line of the socket says how the cell did.
 * Neither profile nor `.bashrc` is read: the environment is the one the device was started in.
 */
import { kill } from 'node:process';
import type { Interpreter, LastWord, StartInterpreter } from '../keeper/interpreter.ts';
import { watchStdin } from '../keeper/stdin-watch.ts';
import { openShell } from './shell.ts';

/** An interrupt this soon after a cell began may have come before it, and is then given again. */
const EARLY_MS = 300;
const AGAIN_MS = 100;
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
};

export const startBash: StartInterpreter = async (options, sink) => {
  const shell = await openShell(options, sink);
  let current: Current | null = null;
  let count = 0;
  const { promise: gone, resolve: tellGone } = Promise.withResolvers<string>();

  const stdin = watchStdin(shell.stdinFile, () => sink.ask({ prompt: '', password: false }));

  function interruptGroup(): void {
    kill(0, 'SIGINT'); // Everything of this session; the keeper itself passes it over.
  }

  function finish(word: LastWord): void {
    const over = current;
    current = null;
    stdin.stop();
    shell.drain();
    over?.resolve(over.isInterrupted && word.type === 'error' ? INTERRUPTED : word);
  }

  shell.onSaid((words) => {
    const [event, number = '', status = ''] = words.split(' ');
    if (current === null || Number(number) !== current.number) return;
    if (event === 'end') return finish(lastWord(Number(status)));
    if (event === 'ask') {
      stdin.stop();
      shell.drain();
      return sink.ask({ prompt: words.split(' ').slice(3).join(' '), password: status === '1' });
    }
    current.beganAt = performance.now();
    if (current.isInterrupted) interruptGroup();
  });
  shell.onExit((code, signal) => {
    if (code !== null) finish(lastWord(code)); // `exit`; whoever was killed has no last word.
    else shell.drain();
    tellGone(signal === null ? `exit code ${code}` : `signal ${signal}`);
  });

  const interpreter: Interpreter = {
    version: shell.version,
    gone,
    execute: (_run, code) =>
      new Promise((resolve) => {
        count += 1;
        current = { number: count, resolve, beganAt: null, isInterrupted: false };
        shell.run(count, code);
        stdin.start();
      }),
    interrupt() {
      const target = current;
      if (target === null) return;
      target.isInterrupted = true;
      const { beganAt } = target;
      if (beganAt === null || performance.now() - beganAt > EARLY_MS) return;
      setTimeout(() => current === target && interruptGroup(), AGAIN_MS);
    },
    input: (text) => current !== null && shell.answer(text) && stdin.start(),
    ask: () => Promise.reject(new Error('Bash does not answer this.')),
    close: shell.close,
    pause: shell.pause,
    resume: shell.resume,
  };
  return interpreter;
};

function lastWord(status: number): LastWord {
  if (status === 0) return { type: 'result', data: null };
  return { type: 'error', payload: { type: 'ExitCode', message: `exit code ${status}`, traceback: [] } };
}
