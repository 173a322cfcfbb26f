/**
 * Runs cells in this program's own global scope, the way a browser's console does: `await` at the top, names that are
 * declared again, the last value as the result. V8 knows how (its REPL mode); the inspector is the door to it.
 */
import { Session } from 'node:inspector';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { textOf, bundleOf } from './display.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** What `runtimes/javascript/modules.ts` writes instead of `import`. */
const IMPORT = '__markco_import';
const INTERRUPTED = {
  type: 'error',
  payload: { type: 'KeyboardInterrupt', message: 'Interrupted.', traceback: [] },
};
const NOT_SHOWN = { type: 'result', data: null };

export function createCells() {
  let session = connect();
  const post = (method, parameters) =>
    new Promise((resolve, reject) =>
      session.post(method, parameters, (error, result) => (error ? reject(new Error(error.message)) : resolve(result))),
    );
  const holder = {};
  let holderId = null;
  let current = null;

  /**
   * Forgets a cell that has not ended. When what it waits for is collected as garbage, V8 would tell this session, in
   * the midst of the collection, where no code may run: the program would end.
   */
  function abandon() {
    session.disconnect();
    session = connect();
    holderId = null;
  }

  Object.defineProperty(globalThis, IMPORT, { value: importFrom(process.cwd()), enumerable: false });

  /** The value itself, of what the inspector only describes. */
  async function valueOf(remote) {
    if (remote.type === 'undefined') return undefined;
    if (holderId === null) {
      globalThis.__markco_holder = holder;
      const { result } = await post('Runtime.evaluate', { expression: 'globalThis.__markco_holder' });
      delete globalThis.__markco_holder;
      holderId = result.objectId;
    }
    const argument =
      remote.objectId !== undefined
        ? { objectId: remote.objectId }
        : remote.unserializableValue !== undefined
          ? { unserializableValue: remote.unserializableValue }
          : { value: remote.value ?? null };
    await post('Runtime.callFunctionOn', {
      objectId: holderId,
      functionDeclaration: 'function (value) { this.value = value; }',
      arguments: [argument],
    });
    const { value } = holder;
    delete holder.value;
    return value;
  }

  async function evaluate(expression, options = {}) {
    const told = await post('Runtime.evaluate', { expression, replMode: true, objectGroup: 'cell', ...options });
    const { exceptionDetails: problem } = told;
    const value = await valueOf(problem?.exception ?? told.result);
    return problem === undefined ? { value } : { problem, error: value };
  }

  async function work(number, code, isQuiet) {
    const name = `cell-${number}`;
    const text = /^\s*\{[^]*\}\s*$/.test(code) && compiles(`(${code})`) ? `(${code})` : code;
    const told = await evaluate(`${text}\n//# sourceURL=${name}`, { awaitPromise: true });
    if (told.problem !== undefined) {
      const { stackTrace, lineNumber, columnNumber } = told.problem;
      const isSyntax = told.error instanceof SyntaxError && (stackTrace?.callFrames.length ?? 0) === 0;
      const where = isSyntax ? [`${name}:${lineNumber + 1}:${columnNumber + 1}`, ...pointer(code, told.problem)] : [];
      return { type: 'error', payload: describe(told.error, where) };
    }
    const { value } = told;
    if (value === undefined || isQuiet) return NOT_SHOWN;
    globalThis._ = value;
    return { type: 'result', data: bundleOf(value) };
  }

  function compiles(text) {
    try {
      new vm.Script(text);
      return true;
    } catch {
      return false;
    }
  }

  return {
    evaluate,

    /** Its last word: never rejects. */
    async run({ number, code, isQuiet }) {
      const stopped = new Promise((resolve) => {
        const stop = () => {
          abandon();
          resolve(INTERRUPTED);
        };
        current = { number, stop };
      });
      try {
        return await Promise.race([work(number, code, isQuiet), stopped]);
      } catch {
        return INTERRUPTED; // V8 ended it: see `breaker.mjs`.
      } finally {
        current = null;
        session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
      }
    },

    /** Lets go of what the cell waits for. */
    interrupt(number) {
      if (current?.number === number) current.stop();
    },

    /** Names that `let`, `const` and `class` have made. */
    async lexicalNames() {
      return (await post('Runtime.globalLexicalScopeNames', {})).names;
    },

    describe,
  };
}

function connect() {
  const session = new Session();
  session.connect();
  return session;
}

/** `import()` as a file of this folder has it: a cell itself is no file, and could import nothing. */
function importFrom(folder) {
  return vm.runInThisContext('(name, options) => import(name, options)', {
    filename: path.join(folder, 'cell.js'),
    importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

function pointer(code, { lineNumber, columnNumber }) {
  const line = code.split('\n')[lineNumber];
  return line === undefined || line.length > 500 ? [] : [line, `${' '.repeat(Math.max(0, columnNumber))}^`];
}

/** An error's payload, with the frames of this program left out. */
function describe(error, where = []) {
  if (!(error instanceof Error)) {
    const text = textOf(error);
    return { type: 'Uncaught', message: text, traceback: [`Uncaught ${text}`] };
  }
  const type = String(error.name || error.constructor?.name || 'Error');
  const told = where.length > 0 ? [...where, `${type}: ${error.message}`] : withoutUs(textOf(error));
  return { type, message: String(error.message), traceback: told };
}

function withoutUs(text) {
  return text
    .split('\n')
    .filter((line) => !/^\s*at /.test(line) || !(line.includes(HERE) || /\bSession\.post\b|node:inspector/.test(line)))
    .filter((line) => !/^\s*at new Promise \(<anonymous>\)$/.test(line));
}
