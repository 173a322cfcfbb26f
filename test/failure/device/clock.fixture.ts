/**
 * A program's clock that can be set forward: loaded before it with `--import`. SIGUSR2 lets two hours pass in a few
 * seconds, in steps, with everything that falls due on the way done in its order; the end is said on standard error.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { WebSocket } from 'ws';

const HOURS_MS = 2 * 60 * 60 * 1_000;
const STEP_MS = 10_000;
/** Real time between two steps, for what comes and goes over sockets meanwhile. */
const BREATH_MS = 4;
/** Real time that the other side of a socket may take to answer a ping, on a busy machine. */
const PONG_MS = 10_000;

type Entry = { due: number; readonly everyMs: number | null; readonly run: () => void };

const real = { setTimeout, clearTimeout, setInterval, clearInterval, now: Date.now };
const waiting = new Map<NodeJS.Timeout, Entry>();
let ahead = 0;
const now = (): number => real.now() + ahead;

function later(work: (...args: unknown[]) => void, ms = 1, ...args: unknown[]): NodeJS.Timeout {
  const run = (): void => {
    waiting.delete(handle);
    work(...args);
  };
  const handle = real.setTimeout(run, ms);
  waiting.set(handle, { due: now() + ms, everyMs: null, run });
  return handle;
}

function each(work: (...args: unknown[]) => void, ms = 1, ...args: unknown[]): NodeJS.Timeout {
  const run = (): void => work(...args);
  const handle = real.setInterval(run, ms);
  waiting.set(handle, { due: now() + ms, everyMs: ms, run });
  return handle;
}

function forget(handle: NodeJS.Timeout | undefined): void {
  if (handle === undefined) return;
  waiting.delete(handle);
  real.clearTimeout(handle);
}

function promised<T>(
  ms?: number,
  value?: T,
  options: { readonly signal?: AbortSignal; readonly ref?: boolean } = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { signal, ref } = options;
    const cut = (): void => {
      forget(handle);
      reject(new DOMException('The operation was aborted', 'AbortError'));
    };
    const handle = later(() => {
      signal?.removeEventListener('abort', cut);
      resolve(value as T);
    }, ms);
    if (ref === false) handle.unref();
    if (signal?.aborted === true) cut();
    else signal?.addEventListener('abort', cut, { once: true });
  });
}

function timeoutSignal(ms: number): AbortSignal {
  const stop = new AbortController();
  later(() => stop.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms).unref();
  return stop.signal;
}

const pinged = new Set<WebSocket>();
const { ping } = WebSocket.prototype;
WebSocket.prototype.ping = function (this: WebSocket, ...rest: Parameters<typeof ping>) {
  pinged.add(this);
  this.once('pong', () => pinged.delete(this));
  this.once('close', () => pinged.delete(this));
  ping.apply(this, rest);
} as typeof ping;

/** The other side has a clock of its own, on which no hours pass. */
async function pongs(): Promise<void> {
  const until = real.now() + PONG_MS;
  while (pinged.size > 0 && real.now() < until) await new Promise((resolve) => real.setTimeout(resolve, 1));
}

async function letPass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    ahead += STEP_MS;
    for (const [handle, entry] of [...waiting].toSorted(([, a], [, b]) => a.due - b.due)) {
      if (entry.due > now() || !waiting.has(handle)) continue;
      if (entry.everyMs === null) real.clearTimeout(handle);
      else entry.due = now() + entry.everyMs;
      entry.run();
    }
    await new Promise((resolve) => real.setTimeout(resolve, BREATH_MS));
    await pongs();
  }
}

Object.assign(globalThis, { setTimeout: later, clearTimeout: forget, setInterval: each, clearInterval: forget });
Object.assign(timers, { setTimeout: promised });
AbortSignal.timeout = timeoutSignal;
Date.now = now;
syncBuiltinESMExports();
process.on('SIGUSR2', () => {
  void letPass(HOURS_MS).then(() => process.stderr.write('two hours have passed\n'));
});
