/** What a cell prints and asks. Both streams go one way, so that their order is kept. */
import { Console } from 'node:console';
import { readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { Readable, Writable } from 'node:stream';
import { emit, print } from './events.mjs';

const LINE_BYTES = 64 * 1024;
const UTF8 = new Set([undefined, null, 'utf8', 'utf-8']);

class Out extends Writable {
  #name;
  #decoder = new StringDecoder('utf8');

  constructor(name, fd) {
    super({ decodeStrings: false });
    this.#name = name;
    this.fd = fd;
    this._type = 'pipe';
  }

  /** Not what every stream has: an interrupt would leave that in the middle of its work, and silent ever after. */
  write(chunk, encoding, done) {
    if (typeof encoding === 'function') return this.write(chunk, undefined, encoding);
    const isText = typeof chunk === 'string';
    const isKnown = isText ? UTF8.has(encoding) || Buffer.isEncoding(encoding) : chunk instanceof Uint8Array;
    if (!isKnown) return super.write(chunk, encoding, done); // Which says what is wrong with it.
    const text = isText && UTF8.has(encoding) ? chunk : this.#decoder.write(Buffer.from(chunk, encoding));
    if (text !== '') print(this.#name, text);
    if (done !== undefined) process.nextTick(done);
    return true;
  }

  _write(chunk, encoding, done) {
    this.write(chunk, encoding, done);
  }

  _destroy(_error, done) {
    done(); // Stays open: the next cell prints here too.
  }
}

/** Every line of it is asked for, once somebody wants it: reading ahead would ask what nobody needs. */
class In extends Readable {
  fd = 0;
  #wants = false;
  #asked = false;

  constructor() {
    super();
    this.on('resume', () => this.ask());
  }

  _read() {
    this.#wants = true;
    setImmediate(() => this.ask());
  }

  ask() {
    if (!this.#wants || this.#asked || this.isPaused()) return;
    this.#asked = true;
    emit({ event: 'ask', prompt: '', password: false, byOrder: true });
  }

  forget() {
    this.#asked = false;
  }

  take(text) {
    this.#asked = this.#wants = false;
    this.push(`${text}\n`);
  }
}

let stdin = null;

/** A cell begins: what waits for a line since an earlier one asks again. */
export const beginInput = () => stdin?.ask();
export const forgetInput = () => stdin?.forget();
export const takeInput = (text) => stdin?.take(text);

/** Asks for a line and waits for it: what `prompt` does in a browser. */
function prompt(question = '', { password = false } = {}) {
  emit({ event: 'ask', prompt: String(question), password: password === true });
  const bytes = Buffer.alloc(LINE_BYTES);
  let text = Buffer.alloc(0);
  while (!text.includes(10)) text = Buffer.concat([text, bytes.subarray(0, readSync(0, bytes))]);
  return text.subarray(0, text.indexOf(10)).toString('utf8');
}

export function takeOverStreams() {
  const streams = { stdout: new Out('stdout', 1), stderr: new Out('stderr', 2) };
  for (const [name, stream] of Object.entries(streams))
    Object.defineProperty(process, name, { get: () => stream, configurable: true, enumerable: true });
  Object.defineProperty(process, 'stdin', { get: () => (stdin ??= new In()), configurable: true, enumerable: true });
  // Node's own tells the inspector of every print, which takes as long again and keeps the last thousand values alive.
  Object.assign(console, new Console({ ...streams, ignoreErrors: false }));
  globalThis.prompt = prompt;
}
