/**
 * A Jupyter kernel as a session's interpreter: any kernelspec of the machine, spoken to in Jupyter's own protocol.
 *
 * 1. A run is over when the kernel has replied and all its output is here (`requests.ts`).
 * 2. Output of no request of ours (a thread of an earlier cell) belongs to the run that is on.
 * 3. An interrupt that comes before the kernel has begun the run is given when it begins: between two requests kernels
 *    ignore signals, or die of them.
 */
import { env } from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import type { Interpreter, InterpreterOptions, LastWord, Sink, StartInterpreter } from '../keeper/interpreter.ts';
import { createAnswers } from './answers.ts';
import { openChannels, type Channels } from './channels.ts';
import { canUseSockets, createConnection, type Channel, type Transport } from './connection.ts';
import { startKernelProcess } from './kernel-process.ts';
import { kernelArgv, kernelEnv, readKernelspec, type Kernelspec } from './kernelspec.ts';
import { bundleOf, createOutputs, errorOf } from './outputs.ts';
import { createRequests, type Reply } from './requests.ts';
import { isMap, type KernelMessage } from './wire.ts';

/** Julia compiles its packages on the first start. */
const START_MS = 120_000;
/** A kernel does not send to who has not subscribed yet; it is asked again until its output is heard. */
const ASK_AGAIN_MS = 50;
/** Some kernels publish nothing about this question: so many replies are enough. */
const REPLIES_UNHEARD = 10;
/** Output of a kernel that has ended may still be on its way. */
const LAST_OUTPUT_MS = 100;

/** `options.executable` is the kernelspec's folder. */
export const startJupyterKernel: StartInterpreter = async (options, sink, signal) => {
  const spec = await readKernelspec(options.executable);
  if (spec === null) {
    throw new Error(
      `There is no Jupyter kernel in ${options.executable} any more. Choose another, or install it again.`,
    );
  }
  const transports: readonly Transport[] = canUseSockets(options.folder) ? ['ipc', 'tcp'] : ['tcp'];
  for (const transport of transports) {
    const started = await start(spec, transport, options, sink, signal);
    if (typeof started !== 'string') return started;
    if (transport === 'tcp') throw new Error(`The Jupyter kernel ${spec.name} did not start (${started}).`);
  }
  throw new Error('unreachable');
};

/** How it ended when it ended before it was ready. */
async function start(
  spec: Kernelspec,
  transport: Transport,
  options: InterpreterOptions,
  sink: Sink,
  signal: AbortSignal,
): Promise<Interpreter | string> {
  signal.throwIfAborted();
  const connection = await createConnection(options.folder, transport);
  const outputs = createOutputs(sink);
  const requests = createRequests();
  let current: { id: string; hasBegun: boolean; isInterrupted: boolean } | null = null;
  /** What has come on the kernel's own descriptors. */
  let piecesBeside = 0;
  let asked: KernelMessage | null = null;
  let isHeard = false;
  let info: Reply = null;

  function onMessage(channel: Channel, message: KernelMessage): void {
    if (channel === 'iopub') {
      isHeard = true;
      if (!requests.output(message) && !silenced.has(message.parent)) outputs.take(message);
    } else if (channel === 'stdin') {
      if (message.type !== 'input_request' || current === null) return;
      asked = message;
      const { prompt, password } = message.content;
      sink.ask({ prompt: String(prompt ?? '').slice(0, 100_000), password: password === true });
    } else {
      requests.reply(message);
    }
  }

  /** Questions that were given up: what still comes of them is nobody's output. */
  const silenced = new Set<string>();
  const channels = openChannels(connection, onMessage);
  const child = startKernelProcess(
    kernelArgv(spec, connection.file),
    { cwd: options.cwd, env: kernelEnv(spec, env) },
    (stream, text) => {
      piecesBeside += 1;
      if (current !== null && !isEcho(info, text)) sink.text(stream, text);
    },
  );

  function close(): void {
    child.kill();
    channels.close();
    connection.remove();
  }

  function interrupt(): void {
    if (spec.interrupt === 'message') channels.send('control', 'interrupt_request', {});
    else child.interrupt();
  }

  /** A signal that comes at a bad moment is lost in the kernel: it is given again until the run shows that it came. */
  function stop(mine: typeof current, againMs: number): void {
    if (current !== mine || outputs.error() !== null) return;
    interrupt();
    setTimeout(() => stop(mine, againMs), againMs).unref();
  }

  const ready = new AbortController();
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(START_MS), ready.signal]);
    const started = await Promise.race([
      askInfo(channels, requests, () => isHeard, either),
      child.gone.then((how) => {
        const said = child.tail();
        return said === '' ? how : `${how}: ${said}`;
      }),
    ]);
    if (typeof started === 'string') {
      close();
      return started;
    }
    info = started;
  } catch (cause) {
    close();
    signal.throwIfAborted();
    throw new Error(`The Jupyter kernel ${spec.name} has not answered for ${START_MS / 1000} s.`, { cause });
  } finally {
    ready.abort();
  }

  const language = isMap(info?.['language_info']) ? info['language_info'] : {};
  const isIPython = info?.['implementation'] === 'ipython';
  const isR = info?.['implementation'] === 'IRkernel';
  if (isR) {
    outputs.holdValues();
    const asked = requests.wait(channels.send('shell', 'execute_request', SURVIVE_INTERRUPTS), () => undefined);
    await Promise.race([asked, child.gone]);
  }
  const version = String(language['version'] ?? spec.label).slice(0, 100);

  function lastWord(reply: Reply): LastWord {
    const status = reply?.['status'];
    const result = outputs.end(status === 'ok');
    const error = outputs.error();
    if (status === 'ok') return { type: 'result', data: result };
    if (error !== null) return { type: 'error', payload: error };
    if (reply !== null && status === 'error') return { type: 'error', payload: errorOf(reply) };
    return { type: 'error', payload: { type: 'Interrupted', message: 'The run was interrupted.', traceback: [] } };
  }

  /** What the kernel's children wrote last may be behind its reply, which came another way. */
  async function drainBeside(): Promise<void> {
    for (let round = 0, seen = -1; round < 1_000 && seen !== piecesBeside; round += 1) {
      seen = piecesBeside;
      await turn();
      await turn();
    }
  }

  const { ask } = createAnswers({
    label: spec.label,
    language: String(language['name'] ?? spec.language).toLowerCase(),
    implementation: String(info?.['implementation'] ?? '').toLowerCase(),
    isBusy: () => current !== null,
    async request(channel, type, content, onOutput) {
      const id = channels.send(channel, type, content);
      const timer = new AbortController();
      try {
        return await Promise.race([requests.wait(id, onOutput), givenUp(timer.signal)]);
      } finally {
        timer.abort();
        requests.forget(id);
        silenced.add(id);
        if (silenced.size > SILENCED_MAX) silenced.delete([...silenced][0] ?? '');
      }
    },
  });

  return {
    version,
    async execute(run, code) {
      outputs.begin(run);
      const id = channels.send('shell', 'execute_request', {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: true,
        // Only questions wait behind a run, and it is not their fault when it fails.
        stop_on_error: false,
      });
      const mine = { id, hasBegun: false, isInterrupted: false };
      current = mine;
      const reply = await requests.wait(id, (message) => {
        if (message.type === 'execute_input' && !mine.hasBegun) {
          mine.hasBegun = true;
          if (mine.isInterrupted && !isR) stop(mine, AGAIN_MS);
        }
        outputs.take(message);
      });
      showPages(reply, sink);
      if (!isIPython) await drainBeside();
      if (leaves(reply)) channels.send('control', 'shutdown_request', { restart: false });
      current = asked = null;
      return lastWord(reply);
    },
    interrupt() {
      if (current === null) return;
      asked = null;
      const mine = current;
      mine.isInterrupted = true;
      requests.hurry(mine.id);
      if (isR) stop(mine, AGAIN_R_MS);
      else if (mine.hasBegun) stop(mine, AGAIN_MS);
      else setTimeout(() => !mine.hasBegun && stop(mine, AGAIN_MS), BEGINS_MS).unref();
    },
    input(text) {
      if (asked === null) return false;
      channels.reply(asked, 'input_reply', { status: 'ok', value: text });
      asked = null;
      return true;
    },
    ask,
    gone: child.gone.then((how) => new Promise((resolve) => setTimeout(() => resolve(how), LAST_OUTPUT_MS))),
    close,
  };
}

/**
 * What a kernel writes to its own descriptors is output like any other (R's `system`). IPython catches and publishes
 * that itself, and newer ones write it a second time; only when it crashes can it do so no more.
 */
function isEcho(info: Reply, text: string): boolean {
  return info?.['implementation'] === 'ipython' && !text.startsWith('Fatal Python error');
}

/**
 * R that is interrupted outside of a cell's code, where its kernel still prepares the run, ends. With this it goes on
 * there, and is interrupted again until the cell's code is reached.
 */
const SURVIVE_INTERRUPTS = {
  code: 'options(interrupt = function() for (each in computeRestarts()) if (identical(each[[1L]], "resume")) invokeRestart(each))',
  silent: true,
  store_history: false,
  user_expressions: {},
  allow_stdin: false,
};
const AGAIN_R_MS = 300;
/** Twice before a session that does not stop is ended. */
const AGAIN_MS = 700;

/** Kernels that do not say when they begin are interrupted this long after they were asked to. */
const BEGINS_MS = 500;
const SILENCED_MAX = 1_000;
/** Longer than anybody waits for an answer. */
const QUESTION_MS = 30_000;

function givenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The kernel is busy and does not answer now.')), QUESTION_MS);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}

/** Asks until the kernel has answered and is heard on its output channel. */
async function askInfo(
  channels: Channels,
  requests: ReturnType<typeof createRequests>,
  isHeard: () => boolean,
  signal: AbortSignal,
): Promise<Reply> {
  for (let replies = 0; ;) {
    const id = channels.send('shell', 'kernel_info_request', {});
    const answered = requests.wait(id, () => undefined);
    requests.hurry(id);
    const reply = await Promise.race([answered, aborted(signal)]);
    replies += reply === null ? 0 : 1;
    if (reply !== null && (isHeard() || replies >= REPLIES_UNHEARD)) return reply;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}

/** What a kernel would show in a pager (`print?`). */
function showPages(reply: Reply, sink: Sink): void {
  for (const payload of payloadsOf(reply))
    if (payload['source'] === 'page' && isMap(payload['data']))
      sink.display({ data: bundleOf(payload['data']), metadata: {} });
}

/** `exit` and `quit()` ask whoever runs the kernel to end it. */
function leaves(reply: Reply): boolean {
  return payloadsOf(reply).some((payload) => payload['source'] === 'ask_exit');
}

function payloadsOf(reply: Reply): readonly Readonly<Record<string, unknown>>[] {
  const payload = reply?.['payload'];
  return Array.isArray(payload) ? payload.slice(0, 100).filter(isMap) : [];
}
