/** Jobs about running code: the same programs from every source in turn, only one of them busy at any time. */
import { residentMb, proportionalMb } from '../../machine.ts';
import { delay, within } from '../../wait.ts';
import { bareKernels } from './ipykernel.ts';
import type { Interpreter, Interpreters, Source } from './interpreter.ts';
import { jupyterServer } from './jupyter-server.ts';
import { markcoSessions } from './markco.ts';

export type Sources = Readonly<Record<string, Source>>;
/** What was found, by the source's name, and what went wrong. */
export type Found<T> = { readonly found: Readonly<Record<string, readonly T[]>>; readonly troubles: readonly string[] };
type Turns = { readonly sources: Sources; readonly rounds: number };

const LIMIT_MS = 120_000;
const INTERRUPT_LIMIT_MS = 10_000;
const WARM_UP = 20;
const SAMPLE_MS = 20;

export const LINE_BYTES = 80;
/** Prints so many lines of 80 bytes, each with its number. */
export const linesOf = (count: number): string => `for i in range(${count}): print(f'{i:0${LINE_BYTES - 1}d}')`;

async function reach(source: Source): Promise<Interpreters> {
  if (source.kind === 'markco') return markcoSessions(source);
  return source.kind === 'ipykernel' ? bareKernels(source) : jupyterServer(source);
}

/** Measures each source once a round, beginning with another one each time. */
async function inTurns<T>(
  { sources, rounds }: Turns,
  measure: (interpreters: Interpreters, source: Source) => Promise<T>,
): Promise<Found<T>> {
  const found: Record<string, T[]> = {};
  const troubles: string[] = [];
  const all = await Promise.all(
    Object.entries(sources).map(async ([name, source]) => ({ name, source, interpreters: await reach(source) })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const at of all.keys()) {
      const its = all[(at + round) % all.length];
      if (its === undefined) continue;
      try {
        const result = await within('an answer', LIMIT_MS, measure(its.interpreters, its.source));
        (found[its.name] ??= []).push(result);
      } catch (error) {
        troubles.push(`${its.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  await Promise.all(all.map(({ interpreters }) => interpreters.close()));
  return { found, troubles };
}

/** The same with an interpreter that is there and warm, one a source for all rounds. */
async function inWarmTurns<T>(
  turns: Turns,
  measure: (interpreter: Interpreter, source: Source) => Promise<T>,
): Promise<Found<T>> {
  const warm = new Map<Interpreters, Interpreter>();
  const result = await inTurns(turns, async (interpreters, source) => {
    let interpreter = warm.get(interpreters);
    if (interpreter === undefined) {
      interpreter = await interpreters.prepare();
      for (let at = 0; at < WARM_UP; at++) await interpreter.run('1+1');
      warm.set(interpreters, interpreter);
    }
    return measure(interpreter, source);
  });
  await Promise.all([...warm.values()].map((interpreter) => interpreter.end().catch(() => undefined)));
  return result;
}

/** Milliseconds from nothing to the value of `1`. */
export const coldRuns = (turns: Turns): Promise<Found<number>> =>
  inTurns(turns, async (interpreters) => {
    const interpreter = await interpreters.prepare();
    const began = performance.now();
    const { resultAt } = await interpreter.run('1');
    await interpreter.end();
    if (resultAt === null) throw new Error('no value came');
    return resultAt - began;
  });

/** Milliseconds to the value of `1+1`, `each` of them a round. */
export const warmRuns = ({ each, ...turns }: Turns & { readonly each: number }): Promise<Found<readonly number[]>> =>
  inWarmTurns(turns, async (interpreter) => {
    const found: number[] = [];
    for (let at = 0; at < each; at++) {
      const began = performance.now();
      const { resultAt } = await interpreter.run('1+1');
      if (resultAt === null) throw new Error('no value came');
      found.push(resultAt - began);
    }
    return found;
  });

/** Milliseconds until `1+1` is over: its value is there, and nothing more comes. */
export const warmEnds = ({ each, ...turns }: Turns & { readonly each: number }): Promise<Found<readonly number[]>> =>
  inWarmTurns(turns, async (interpreter) => {
    const found: number[] = [];
    for (let at = 0; at < each; at++) {
      const began = performance.now();
      const { resultAt, endedAt } = await interpreter.run('1+1');
      if (resultAt === null) throw new Error('no value came');
      found.push(endedAt - began);
    }
    return found;
  });

/** Whether each source runs its code in a Jupyter kernel. */
export const areKernels = (turns: Turns): Promise<Found<boolean>> =>
  inTurns(turns, async (interpreters) => {
    const interpreter = await interpreters.prepare();
    let said = '';
    const { error } = await interpreter.run("import sys; print('ipykernel' in sys.modules)", (text) => (said += text));
    await interpreter.end();
    if (error !== null) throw new Error(error);
    return said.trim() === 'True';
  });

/** Milliseconds to the first letter of a cell that prints it and goes on. */
export const firstBytes = (turns: Turns): Promise<Found<number>> =>
  inWarmTurns(turns, async (interpreter) => {
    let firstAt = Number.NaN;
    const began = performance.now();
    await interpreter.run("print('x')\nimport time; time.sleep(0.4)", () => {
      if (Number.isNaN(firstAt)) firstAt = performance.now();
    });
    return firstAt - began;
  });

/** Flushed prints a second, to the end of the run with all of them there. */
export const flushedPrints = ({ count, ...turns }: Turns & { readonly count: number }): Promise<Found<number>> =>
  inWarmTurns(turns, async (interpreter) => {
    const parts: string[] = [];
    const began = performance.now();
    const { endedAt } = await interpreter.run(`for i in range(${count}): print(i, flush=True)`, (text) =>
      parts.push(text),
    );
    const expected = Array.from({ length: count }, (_, at) => `${at}\n`).join('');
    if (parts.join('') !== expected)
      throw new Error(`of ${count} prints ${parts.join('').split('\n').length - 1} came`);
    return (count * 1_000) / (endedAt - began);
  });

export type Bulk = {
  readonly mbPerSecond: number;
  /** Of the server, at most, over what it had before. Null where there is no server. */
  readonly growthMb: number | null;
};

/** So many lines of 80 bytes, all of them and in order. */
export const bulkOutput = ({ lines, ...turns }: Turns & { readonly lines: number }): Promise<Found<Bulk>> =>
  inWarmTurns(turns, async (interpreter, source) => {
    const pid = 'pid' in source ? source.pid : undefined;
    const before = pid === undefined ? 0 : await residentMb(pid);
    let peak = before;
    const stop = new AbortController();
    const watching = (async () => {
      while (pid !== undefined && !stop.signal.aborted) {
        peak = Math.max(peak, await residentMb(pid));
        await delay(SAMPLE_MS);
      }
    })();
    const parts: string[] = [];
    const began = performance.now();
    const { endedAt } = await interpreter.run(linesOf(lines), (text) => parts.push(text));
    stop.abort();
    await watching;
    const wrong = firstWrongLine(parts.join(''), lines);
    if (wrong !== null) throw new Error(`line ${wrong} of ${lines} is missing or not in its place`);
    return {
      mbPerSecond: (lines * LINE_BYTES) / 1_000 / (endedAt - began),
      growthMb: pid === undefined ? null : peak - before,
    };
  });

function firstWrongLine(text: string, lines: number): number | null {
  for (let line = 0; line < lines; line++) {
    const at = line * LINE_BYTES;
    if (Number(text.slice(at, at + LINE_BYTES - 1)) !== line || text[at + LINE_BYTES - 1] !== '\n') return line;
  }
  return text.length === lines * LINE_BYTES ? null : lines;
}

export type Interrupted = { readonly ms: number; readonly failed: boolean };

/** Milliseconds from asking for the end of an endless loop to its end. Failed: no end, or variables gone. */
export const interrupts = (turns: Turns): Promise<Found<Interrupted>> =>
  inWarmTurns(turns, async (interpreter) => {
    const { promise: began, resolve } = Promise.withResolvers<void>();
    const run = interpreter.run("kept = 'kept'\nprint('on', flush=True)\nwhile True: pass", () => resolve());
    await began;
    const askedAt = performance.now();
    const asked = interpreter.interrupt();
    try {
      const { endedAt, error } = await within('the end of an interrupted run', INTERRUPT_LIMIT_MS, run);
      await asked;
      let value = '';
      await interpreter.run('print(kept)', (text) => (value += text));
      return { ms: endedAt - askedAt, failed: error?.startsWith('KeyboardInterrupt') !== true || value !== 'kept\n' };
    } catch {
      return { ms: INTERRUPT_LIMIT_MS, failed: true };
    }
  });

/** MB that one further idle session costs, all processes together. */
export const idleSessions = ({ count, ...turns }: Turns & { readonly count: number }): Promise<Found<number>> =>
  inTurns(turns, async (interpreters) => {
    const all: Interpreter[] = [];
    const open = async (): Promise<void> => {
      const interpreter = await interpreters.prepare();
      await interpreter.run('1');
      all.push(interpreter);
    };
    await open();
    const one = await proportionalMb(await interpreters.processes());
    for (let at = 0; at < count; at++) await open();
    const more = await proportionalMb(await interpreters.processes());
    await Promise.all(all.map((interpreter) => interpreter.end()));
    return (more - one) / count;
  });
