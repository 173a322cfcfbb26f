/**
 * The second thread of the interpreter, for what the first cannot do while it executes a cell:
 *
 * - It ends code that never comes back to the event loop: told by `!` on descriptor 5, it terminates what the first
 *   thread executes. Everything that was set before stays. By `.` it is told that what was said has arrived.
 * - It sends what the first one says to the keeper, on descriptor 3 (`sender.mjs`).
 * - It ends this process when its keeper is gone, which code that never comes back would not notice.
 */
import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createSender } from './sender.mjs';

/** Resolves once it listens. `call` makes it look for what was said. */
export async function startBreaker(shared) {
  const worker = new Worker(new URL(import.meta.url), { stdout: false, stderr: false, workerData: shared });
  await new Promise((resolve) => worker.once('message', resolve));
  worker.unref();
  return { call: () => worker.postMessage(null) };
}

const KEEPER_CHECK_MS = 2_000;
const ARRIVED = '.'.charCodeAt(0);

if (!isMainThread) {
  const end = () => process.kill(process.pid, 'SIGKILL');
  process.on('uncaughtException', end); // The other thread would wait for ever.
  const keeper = process.ppid;
  setInterval(() => process.ppid === keeper || end(), KEEPER_CHECK_MS);
  const { memory, answers } = workerData;
  const breaks = new Socket({ fd: 5, readable: true, writable: true });
  breaks.on('data', (bytes) => {
    if (bytes.includes('!')) terminate();
    Atomics.add(answers, 0, bytes.filter((byte) => byte === ARRIVED).length);
    Atomics.notify(answers, 0);
  });
  breaks.on('error', () => undefined);
  const events = new Socket({ fd: 3, readable: false, writable: true });
  events.on('error', end); // The keeper is gone. Nobody would make room for what is still said.
  parentPort.on('message', createSender(memory, events));
  parentPort.postMessage('ready');
}

/** Connected for a moment only: of a debugger that is connected, Node speaks when it ends. */
function terminate() {
  const session = new Session();
  session.connectToMainThread();
  session.post('Runtime.terminateExecution', () => session.disconnect());
}
