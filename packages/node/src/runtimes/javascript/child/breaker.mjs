/**
 * The second thread of the interpreter, for what the first cannot do while it executes a cell:
 *
 * - It ends code that never comes back to the event loop: told by a byte on descriptor 5, it terminates what the first
 *   thread executes. Everything that was set before stays.
 * - It sends what the first one says to the keeper, on descriptor 3 (`sender.mjs`).
 * - It ends this process when its keeper is gone, which code that never comes back would not notice.
 */
import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createSender } from './sender.mjs';

/** Resolves once it listens. `call` makes it look for what was said. */
export async function startBreaker(ring) {
  const worker = new Worker(new URL(import.meta.url), { stdout: false, stderr: false, workerData: ring });
  await new Promise((resolve) => worker.once('message', resolve));
  worker.unref();
  return { call: () => worker.postMessage(null) };
}

const KEEPER_CHECK_MS = 2_000;

if (!isMainThread) {
  const end = () => process.kill(process.pid, 'SIGKILL');
  process.on('uncaughtException', end); // The other thread would wait for ever.
  const keeper = process.ppid;
  setInterval(() => process.ppid === keeper || end(), KEEPER_CHECK_MS);
  const session = new Session();
  session.connectToMainThread();
  const breaks = new Socket({ fd: 5, readable: true, writable: true });
  breaks.on('data', () => session.post('Runtime.terminateExecution'));
  breaks.on('error', () => undefined);
  const events = new Socket({ fd: 3, readable: false, writable: true });
  events.on('error', end); // The keeper is gone. Nobody would make room for what is still said.
  parentPort.on('message', createSender(workerData, events));
  parentPort.postMessage('ready');
}
