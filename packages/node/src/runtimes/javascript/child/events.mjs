/** What this program tells its keeper, in order: prints and events of JSON. The second thread sends it. */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { startBreaker } from './breaker.mjs';
import { createWriter, newRing, PIECE_CHARS } from './ring.mjs';
import { BEGIN, END, MORE, STDERR, STDOUT } from './sender.mjs';

const memory = newRing();
const ring = createWriter(memory);
let thread = null;

/** Nothing is said before this resolves. */
export async function openEvents() {
  thread = await startBreaker(memory);
  settleBefore(process, 'reallyExit'); // After everything that listens to `exit`.
  // What a program writes that the code starts comes after what the code has printed before.
  settleBefore(childProcess.ChildProcess.prototype, 'spawn');
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) settleBefore(childProcess, name);
  syncBuiltinESMExports();
}

/**
 * What comes after a silence is sent when this returns: the process may die of the next statement. What follows
 * closely is sent within a few milliseconds.
 */
function tell() {
  if (ring.isRead()) return;
  thread.call();
  ring.settle();
}

export function print(stream, text) {
  const kind = stream === 'stdout' ? STDOUT : STDERR;
  if (text.length <= PIECE_CHARS) ring.put(kind, text);
  else for (const piece of piecesOf(text)) ring.put(kind, piece);
  tell();
}

export function emit(event) {
  let kind = BEGIN;
  for (const piece of piecesOf(JSON.stringify(event))) {
    ring.put(kind, piece);
    kind = MORE;
  }
  ring.put(END, '');
  tell();
}

function* piecesOf(text) {
  for (let at = 0; at < text.length; at += PIECE_CHARS) yield text.slice(at, at + PIECE_CHARS);
}

function settleBefore(owner, name) {
  const act = owner[name];
  owner[name] = function (...words) {
    ring.settle();
    return act.apply(this, words);
  };
}
