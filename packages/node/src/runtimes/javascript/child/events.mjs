/** What this program tells its keeper, in order: prints and events of JSON. The second thread sends it. */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { startBreaker } from './breaker.mjs';
import { createWriter, newRing, PIECE_CHARS } from './ring.mjs';
import { BEGIN, END, GATHER_MS, MORE, STDERR, STDOUT } from './sender.mjs';

const memory = newRing();
/** How often the keeper has said that everything before has come. */
const answers = new Int32Array(new SharedArrayBuffer(4));
const ring = createWriter(memory);
/** Also of code that has put a clock of its own in its place. */
const now = performance.now.bind(performance);
let thread = null;
let asked = 0;
let printedAt = -Infinity;

/** Nothing is said before this resolves. */
export async function openEvents() {
  thread = await startBreaker({ memory, answers });
  for (const name of ['reallyExit', 'abort', 'kill']) before(process, name, send); // After everything that listens to `exit`.
  // What a program writes that the code starts comes after what the code has printed before.
  before(childProcess.ChildProcess.prototype, 'spawn', arrive);
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) before(childProcess, name, arrive);
  syncBuiltinESMExports();
}

/** What was said is on its way when this returns. */
function send() {
  if (!ring.isRead()) thread.call();
  ring.settle();
}

/**
 * A print that comes after a silence is sent when this returns: the process may die of the next statement. What follows
 * closely is sent within a few milliseconds.
 */
export function print(stream, text) {
  const kind = stream === 'stdout' ? STDOUT : STDERR;
  if (text.length <= PIECE_CHARS) ring.put(kind, text);
  else for (const piece of piecesOf(text)) ring.put(kind, piece);
  const last = printedAt;
  printedAt = now();
  if (printedAt - last > GATHER_MS || !ring.isRead()) send();
}

export function emit(event) {
  let kind = BEGIN;
  for (const piece of piecesOf(JSON.stringify(event))) {
    ring.put(kind, piece);
    kind = MORE;
  }
  ring.put(END, '');
  if (!ring.isRead()) send();
}

function* piecesOf(text) {
  for (let at = 0; at < text.length; at += PIECE_CHARS) yield text.slice(at, at + PIECE_CHARS);
}

/** Waits until the keeper has taken everything: what a program writes comes by another way. */
function arrive() {
  emit({ event: 'arrived?' });
  asked += 1; // After it is said: of an interrupt in between there is one answer too many, not one that never comes.
  for (let told = answers[0]; ((told - asked) | 0) < 0; told = Atomics.load(answers, 0)) Atomics.wait(answers, 0, told);
}

function before(owner, name, wait) {
  const act = owner[name];
  owner[name] = function (...words) {
    wait();
    return act.apply(this, words);
  };
}
