/**
 * JavaScript in a session: Node, run by `child/main.mjs`, which keeps what cells define.
 *
 * 1. An interrupt is an order, which ends what a cell waits for. Code that does not come back to the event loop is
 *    terminated a moment later, its state kept.
 * 2. `process.exit()` ends the run; the next one has a new interpreter. Any other end is the end of the session.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Interpreter, LastWord, StartInterpreter } from '../keeper/interpreter.ts';
import { watchStdin } from '../keeper/stdin-watch.ts';
import { format } from './format.ts';
import { openProgram, type Program, type Said } from './program.ts';
import { completeness, prepare } from './source.ts';

const BREAK_AFTER_MS = 100;
/** Code that waits for an answer is terminated when it goes on: it gets one. */
const WAKE_AFTER_MS = 50;
/** A cell that computes answers nothing. */
const ANSWER_MS = 2_000;
const QUESTIONS_MAX = 64;

type Current = {
  readonly number: number;
  readonly resolve: (word: LastWord) => void;
  /** How what it asked for is answered, or null: it has not asked. */
  asked: 'order' | 'line' | null;
};
type Told = Extract<Said, { event: 'told' }>;

const INTERRUPTED: LastWord = {
  type: 'error',
  payload: { type: 'KeyboardInterrupt', message: 'Interrupted.', traceback: [] },
};

export const startJavaScript: StartInterpreter = async (options, sink) => {
  let program: Program | null = await open();
  const { version } = program;
  let current: Current | null = null;
  let count = 0;
  let isInterrupted = false;
  let nextRef = 0;
  const waiting = new Map<number, (told: Told) => void>();
  const { promise: gone, resolve: tellGone } = Promise.withResolvers<string>();
  let stdin = watch(program);

  async function open(): Promise<Program> {
    const opened = await openProgram(options, sink);
    opened.onSaid(hear);
    opened.onExit((code, signal) => end(opened, code, signal));
    return opened;
  }

  function watch(opened: Program) {
    return watchStdin(opened.stdinFile, () => ask('', false, 'line'));
  }

  function ask(prompt: string, password: boolean, by: 'order' | 'line'): void {
    if (current === null) return void program?.answer(''); // Nobody watches: a timer must not wait for ever.
    if (current.asked !== null) return;
    current.asked = by;
    sink.ask({ prompt, password });
  }

  function hear(said: Said): void {
    if (said.event === 'text') sink.text(said.stream, said.text);
    else if (said.event === 'display') sink.display(said.payload);
    else if (said.event === 'ask') ask(said.prompt, said.password, said.byOrder ? 'order' : 'line');
    else if (said.event === 'told') waiting.get(said.ref)?.(said);
    else if (said.event === 'done' && said.number === current?.number) finish(said.word);
  }

  function finish(word: LastWord): void {
    const over = current;
    current = null;
    stdin.stop();
    program?.finishText();
    over?.resolve(isInterrupted && word.type === 'error' ? INTERRUPTED : word);
  }

  function end(ended: Program, code: number | null, signal: string | null): void {
    if (ended !== program) return;
    for (const tell of waiting.values()) tell({ event: 'told', ref: 0, problem: 'The session ended.' });
    if (code === null || current === null) return tellGone(signal === null ? `exit code ${code}` : `signal ${signal}`);
    sink.text('stderr', 'The code ended its session: the variables are gone. The next cell starts a new one.\n');
    finish(lastWord(code));
    ended.close();
    program = null;
  }

  async function execute(number: number, code: string): Promise<void> {
    try {
      if (program === null) {
        program = await open();
        stdin = watch(program);
      }
      const prepared = await prepare(code);
      if (current?.number !== number) return; // Interrupted before it began.
      program.forgetAnswers();
      program.send({ op: 'execute', number, code: prepared, isQuiet: code.trimEnd().endsWith(';') });
      stdin.start();
    } catch (error) {
      finish({ type: 'error', payload: { type: 'SessionEnded', message: String(error), traceback: [] } });
    }
  }

  async function interrupt(target: Current): Promise<void> {
    if (target.asked === 'line') {
      program?.break();
      await delay(WAKE_AFTER_MS);
      if (current === target) program?.answer('');
    }
    program?.send({ op: 'interrupt', number: target.number });
    await delay(BREAK_AFTER_MS);
    if (current === target) program?.break();
  }

  async function tell(kind: Parameters<Interpreter['ask']>[0], question: unknown): Promise<unknown> {
    if (kind === 'isComplete') return { status: completeness((question as { code: string }).code), indent: '' };
    if (kind === 'format') return format((question as { code: string }).code, options.cwd);
    if (kind === 'reset') return reset();
    const to = program;
    if (to === null) throw new Error('JavaScript is not running. Run a cell to start it.');
    if (waiting.size >= QUESTIONS_MAX) throw new Error('JavaScript has too many questions waiting.');
    const ref = nextRef++;
    const told = new Promise<Told>((resolve) => waiting.set(ref, resolve));
    const busy = new AbortController();
    try {
      to.send({ op: 'ask', ref, kind, question });
      const { answer, problem } = await Promise.race([
        told,
        delay(ANSWER_MS, { answer: undefined, problem: 'JavaScript is busy with a cell.' }, { signal: busy.signal }),
      ]);
      if (problem !== undefined) throw new Error(problem);
      return answer;
    } finally {
      waiting.delete(ref);
      busy.abort();
    }
  }

  function reset(): object {
    if (current !== null) throw new Error('JavaScript is busy with a cell. Stop it first.');
    program?.close();
    program = null;
    return {};
  }

  return {
    version,
    gone,
    execute: (_run, code) =>
      new Promise((resolve) => {
        count += 1;
        isInterrupted = false;
        current = { number: count, resolve, asked: null };
        void execute(count, code);
      }),
    interrupt() {
      if (current === null) return;
      isInterrupted = true;
      void interrupt(current);
    },
    input(text) {
      if (current === null || program === null) return false;
      const { asked } = current;
      current.asked = null;
      if (asked === 'order') program.send({ op: 'input', text });
      else if (!program.answer(text)) return false;
      stdin.start();
      return true;
    },
    ask: tell,
    close: () => program?.close(),
    pause: () => program?.pause(),
    resume: () => program?.resume(),
  };
};

function lastWord(code: number): LastWord {
  if (code === 0) return { type: 'result', data: null };
  return { type: 'error', payload: { type: 'ExitCode', message: `exit code ${code}`, traceback: [] } };
}
