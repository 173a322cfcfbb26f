/**
 * The worker of a session whose interpreter cannot be one:
 * `keeper.ts KIND FOLDER SOCKET LIMIT_BYTES OPTIONS`, OPTIONS being `InterpreterOptions` as JSON, without secrets.
 *
 * It lives in its own process session and goes on when the host is gone. Orders come over the socket (`link.ts`),
 * events go to the run's spool (`output.ts`, `spool.ts`), the host reads them there.
 *
 * 1. A run starts at most once: its spool must not exist yet.
 * 2. A run ends with one `result` or `error`, synced to disk before the host is told, also when its interpreter ends.
 *    When that was killed, so is this process: the host knows the limits that were met and writes why.
 * 3. A session whose interpreter or whose folder is gone ends itself.
 * 4. A session has one keeper: a second one ends before it has touched anything of the first.
 * 5. SIGINT is for the interpreter. SIGTERM ends both, after what was printed is in the spool.
 */
import { accessSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunId } from '@markco/protocol';
import { claim } from './claim.ts';
import { fitBundle, fitError } from './fit.ts';
import type { Interpreter, InterpreterOptions, LastWord } from './interpreter.ts';
import { loadKind } from './kinds.ts';
import { openLink, type Order } from './link.ts';
import { createOutput } from './output.ts';
import { killDescendants } from './process-tree.ts';
import { openSpool, type Spool } from './spool.ts';

const FOLDER_CHECK_MS = 5_000;
/** How long an interpreter that ended may still say how its run did. */
const LAST_WORD_MS = 300;
const ANSWER_BYTES_MAX = 1024 * 1024;

type ErrorPayload = Extract<LastWord, { type: 'error' }>['payload'];

const [kind = '', folder = '', socket = '', limitBytes = '', given = '{}'] = process.argv.slice(2);
const beside = [0, 0]; // The files in which other workers keep what went past them: a keeper has none.
let current: RunId | null = null;
/** Why the run that is on was interrupted, when its time was over. */
let overtime: string | null = null;
let isAsked = false;
let isPassword = false;
let executionCount = 0;
let isOver = false;
let interpreter: Interpreter | null = null;
/** Ends the run that is on. */
let giveUp: (word: LastWord) => void = () => undefined;

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => leave(143));
// They are this program's own: what the code starts must not find them.
delete process.env['NODE_COMPILE_CACHE'];
delete process.env['UV_THREADPOOL_SIZE'];

const output = createOutput({
  limitBytes: Number(limitBytes),
  onSpooled: ({ run, size }) => link.poke({ event: 'spooled', run, bytes: size, ended: false, beside }),
  onTrouble: ({ run }, message) => link.send({ event: 'trouble', run, message }),
  onFull: (full) => (full ? interpreter?.pause?.() : interpreter?.resume?.()),
});
const sink = {
  ...output.sink,
  ask(question: { readonly prompt: string; readonly password: boolean }): void {
    isAsked = true;
    isPassword = question.password;
    output.sink.ask(question);
  },
};
const options = { ...(JSON.parse(given) as Omit<InterpreterOptions, 'folder'>), folder };
if (!(await claim(`${socket}.k`))) {
  process.stderr.write('Another worker of this session is there already.\n');
  process.exit(1);
}
const started = await start();
interpreter = started;
const link = await openLink(socket, () => ({ event: 'hello', version: 1, pid: process.pid, run: current }), obey);
setInterval(checkFolder, FOLDER_CHECK_MS);
process.stdout.write(`${JSON.stringify({ pid: process.pid })}\n`);
// A keeper is killed rather than asked to leave. What it has compiled spares the next one the type stripper: 12 MB.
flushCompileCache();
await endWith(await started.gone);

async function start(): Promise<Interpreter> {
  try {
    return await (
      await loadKind(kind)
    )(options, sink, new AbortController().signal);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return process.exit(1);
  }
}

function obey(order: Order): void {
  if (order.op === 'execute') void execute(order.run, order.code, order.spool);
  else if (order.op === 'interrupt') {
    if (order.run !== current) return;
    overtime = order.why ?? null;
    started.interrupt();
  } else if (order.op === 'notice') {
    if (order.run === current) output.sink.text('stderr', `${order.text}\n`);
  } else if (order.op === 'input') link.send({ event: 'answered', ref: order.ref, accepted: input(order) });
  else if (order.op === 'ask') void answer(order);
}

async function execute(run: RunId, code: string, path: string): Promise<void> {
  const refuse = (message: string): void => link.send({ event: 'refused', run, message });
  if (isOver) return; // The host hears of it by the end of this process.
  if (current !== null) return refuse('The session is busy with another run.');
  let spool: Spool;
  try {
    spool = openSpool(path, run);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  current = run;
  overtime = null;
  executionCount += 1;
  output.begin(spool);
  const startedAt = performance.now();
  const word = await new Promise<LastWord>((resolve) => {
    giveUp = resolve;
    void started.execute(run, code).then(resolve);
  });
  isAsked = false;
  const durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000;
  const last =
    word.type === 'error'
      ? ({ type: 'error', payload: fitError(whyEnded(word.payload)) } as const)
      : ({ type: 'result', payload: { data: word.data && fitBundle(word.data), executionCount, durationMs } } as const);
  try {
    await output.end(last);
  } catch (error) {
    // The disk fails. The host writes the last event when this process is gone.
    process.stderr.write(`${String(error)}\n`);
    leave(1);
  }
  current = null;
  // With its interpreter gone the run is over once this process is: a host that heard of it before would send the next.
  if (!isOver) link.poke({ event: 'spooled', run, bytes: spool.size, ended: true, beside });
}

function whyEnded(payload: ErrorPayload): ErrorPayload {
  return overtime === null ? payload : { ...payload, type: 'TimeLimit', message: overtime };
}

function input({ run, text }: { readonly run: RunId; readonly text: string }): boolean {
  if (run !== current || !isAsked) return false;
  isAsked = false;
  // Before the interpreter has it: what it prints then comes after the answer.
  output.answered(isPassword ? null : text);
  return started.input(text);
}

async function answer({ kind: asked, question, ref }: Extract<Order, { op: 'ask' }>): Promise<void> {
  try {
    const told = await started.ask(asked, question);
    if (Buffer.byteLength(JSON.stringify(told)) > ANSWER_BYTES_MAX) throw new Error('The answer is too long to show.');
    link.send({ event: 'told', ref, answer: told });
  } catch (error) {
    const problem = (error instanceof Error ? error.message : String(error)).slice(0, 2_000);
    link.send({ event: 'told', ref, problem });
  }
}

/** The interpreter is gone: so is its run, if one is on, and then this process. */
async function endWith(how: string): Promise<never> {
  isOver = true;
  if (current !== null) await delay(LAST_WORD_MS);
  if (how === 'signal SIGKILL') return leave('SIGKILL');
  const message = `The session ended with ${how}. Its output is kept, its variables are gone.`;
  giveUp({ type: 'error', payload: { type: 'SessionEnded', message, traceback: [] } });
  while (current !== null) await delay(10); // Until the disk has it.
  process.stderr.write(`The interpreter ended with ${how}.\n`);
  return leave(1);
}

function checkFolder(): void {
  try {
    accessSync(folder);
  } catch {
    leave(0);
  }
}

function leave(how: number | 'SIGKILL'): never {
  output.flush();
  killDescendants(process.pid); // Before their parents: an orphan is nobody's descendant.
  interpreter?.close();
  if (how === 'SIGKILL') process.kill(process.pid, how);
  return process.exit(Number(how));
}
