/**
 * R in a session: R itself, run by `driver/`, which keeps what cells define in R's global environment.
 *
 * 1. R does one thing at a time: it answers questions between cells.
 * 2. An interrupt is the signal that goes to the whole session. R passes on to its cell only what comes after the cell
 *    began, so one that came before is given again.
 * 3. `quit()` ends the run with its code, then the session.
 */
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Interpreter, LastWord, StartInterpreter } from '../keeper/interpreter.ts';
import { watchStdin } from '../keeper/stdin-watch.ts';
import { prepare } from './questions.ts';
import { openProgram, takePicture, type Program, type Said, type Told } from './program.ts';

/** After what code may take to end in its own way, and before the host ends the session. */
const AGAIN_MS = [700, 1_400];
/** A signal that came just before the code began is nobody's. */
const EARLY_MS = 300;
const AGAIN_EARLY_MS = 100;
/** The word of an interrupt may be behind its signal. */
const CHECK_MS = 50;
const ANSWER_MS = 4_000;
const QUESTIONS_MAX = 64;
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
  /** How what it asked for is answered, or null: it has not asked. */
  asked: 'order' | 'line' | null;
};

export const startR: StartInterpreter = async (options, sink) => {
  let program = await open();
  let current: Current | null = null;
  let count = 0;
  let nextRef = 0;
  const waiting = new Map<number, (told: Told) => void>();
  const { promise: gone, resolve: tellGone } = Promise.withResolvers<string>();
  let stdin = watch(program);

  async function open(): Promise<Program> {
    const opened = await openProgram(options, sink);
    opened.onSaid(hear);
    opened.onPrompt(() => ask('', false, 'line'));
    opened.onExit((code, signal) => opened === program && end(code, signal));
    return opened;
  }

  function watch(opened: Program) {
    return watchStdin(opened.stdinFile, () => ask('', false, 'line'));
  }

  function ask(prompt: string, password: boolean, by: 'order' | 'line'): void {
    if (current === null || current.isInterrupted) {
      if (by === 'order') program.send({ op: 'stop' });
      return;
    }
    current.asked = by;
    sink.ask({ prompt, password });
  }

  function hear(said: Said): void {
    switch (said.event) {
      case 'text':
        sink.text(said.stream, said.text);
        return program.send({ op: 'go' });
      case 'plot':
        show(said);
        return program.send({ op: 'go' });
      case 'ask':
        return ask(said.prompt, said.password, 'order');
      case 'told':
        return waiting.get(said.ref)?.(said.told);
      case 'began':
        if (current === null || said.number !== current.number) return;
        current.beganAt = performance.now();
        if (current.isInterrupted) interruptNow(current);
        return;
      case 'check':
        setTimeout(() => program.send({ op: current?.isInterrupted === true ? 'stop' : 'go' }), CHECK_MS);
        return;
      case 'done':
        if (said.number === current?.number) finish(lastWord(said.word));
        return;
      default:
    }
  }

  function show({ file, id, again, width, height }: Extract<Said, { event: 'plot' }>): void {
    const size = { width, height };
    const metadata = { 'image/png': size, displayId: `${count}-${id}`, update: again };
    sink.display({ data: { 'image/png': takePicture(file), 'text/plain': '[a plot]' }, metadata });
  }

  function finish(word: LastWord): void {
    const over = current;
    current = null;
    stdin.stop();
    program.finishText();
    over?.resolve(over.isInterrupted && word.type === 'error' ? INTERRUPTED : word);
  }

  function end(code: number | null, signal: string | null): void {
    for (const tell of waiting.values()) tell({ problem: 'The session ended.' });
    if (code !== null && current !== null) finish(exitWord(code)); // Whoever was killed has no last word.
    tellGone(signal === null ? `exit code ${code}` : `signal ${signal}`);
  }

  function interruptNow(target: Current): void {
    if (current !== target) return;
    if (target.asked === 'order') program.send({ op: 'stop' });
    else kill(0, 'SIGINT'); // Everything of this session; the keeper itself passes it over.
    target.asked = null;
  }

  async function tell(kind: Parameters<Interpreter['ask']>[0], given: unknown): Promise<unknown> {
    if (current !== null) throw new Error('R is busy with a cell. It answers when that is done.');
    if (kind === 'reset') {
      program.close();
      program = await open();
      stdin = watch(program);
      return {};
    }
    if (waiting.size >= QUESTIONS_MAX) throw new Error('R has too many questions waiting.');
    const { question, read } = prepare(kind, given);
    const ref = nextRef++;
    const over = new AbortController();
    try {
      program.send({ op: 'ask', ref, kind, question });
      const { answer, problem } = await Promise.race([
        new Promise<Told>((resolve) => waiting.set(ref, resolve)),
        delay<Told>(ANSWER_MS, { problem: 'R is busy and does not answer now.' }, { signal: over.signal }),
      ]);
      if (problem !== undefined) throw new Error(problem);
      return read(answer);
    } finally {
      waiting.delete(ref);
      over.abort();
    }
  }

  return {
    version: program.version,
    gone,
    execute: (_run, code) =>
      new Promise((resolve) => {
        count += 1;
        current = { number: count, resolve, beganAt: null, isInterrupted: false, asked: null };
        program.forgetAnswers();
        program.send({ op: 'execute', number: count, code });
        stdin.start();
      }),
    interrupt() {
      const target = current;
      if (target === null || target.isInterrupted) return;
      target.isInterrupted = true;
      const { beganAt } = target;
      if (target.asked === 'order') return interruptNow(target);
      if (beganAt === null) return;
      const isEarly = performance.now() - beganAt < EARLY_MS;
      for (const ms of isEarly ? [AGAIN_EARLY_MS, ...AGAIN_MS] : AGAIN_MS) setTimeout(() => interruptNow(target), ms);
    },
    input(text) {
      if (current === null || current.asked === null) return false;
      const { asked } = current;
      current.asked = null;
      if (asked === 'order') program.send({ op: 'answer', text });
      else if (!program.answer(text)) return false;
      return stdin.start();
    },
    ask: tell,
    close: () => program.close(),
    pause: () => program.pause(),
    resume: () => program.resume(),
  };
};

function lastWord({ text, html, error }: Extract<Said, { event: 'done' }>['word']): LastWord {
  if (error !== undefined) return { type: 'error', payload: { ...error, traceback: [...error.traceback] } };
  if (typeof text !== 'string') return { type: 'result', data: null };
  return { type: 'result', data: { 'text/plain': text, ...(html !== undefined && { 'text/html': html }) } };
}

function exitWord(code: number): LastWord {
  if (code === 0) return { type: 'result', data: null };
  return { type: 'error', payload: { type: 'ExitCode', message: `exit code ${code}`, traceback: [] } };
}
