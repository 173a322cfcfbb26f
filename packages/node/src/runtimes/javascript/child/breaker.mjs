/**
 * Ends code that never comes back to the event loop: a second thread of the interpreter, which is told by a byte on
 * descriptor 5 and terminates what the first one executes. Everything that was set before stays.
 *
 * It also ends this process when its keeper is gone, which code that never comes back would not notice.
 */
import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** Resolves once it listens. */
export async function startBreaker() {
  const worker = new Worker(new URL(import.meta.url), { stdout: false, stderr: false });
  await new Promise((resolve) => worker.once('message', resolve));
  worker.unref();
}

const KEEPER_CHECK_MS = 2_000;

if (!isMainThread) {
  const keeper = process.ppid;
  setInterval(() => process.ppid === keeper || process.kill(process.pid, 'SIGKILL'), KEEPER_CHECK_MS);
  const session = new Session();
  session.connectToMainThread();
  const socket = new Socket({ fd: 5, readable: true, writable: true });
  socket.on('data', () => session.post('Runtime.terminateExecution'));
  socket.on('error', () => undefined);
  parentPort.postMessage('ready');
}
