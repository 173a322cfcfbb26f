#!/usr/bin/env node
/**
 * Runs one program of this repository on the Node that it pins, after setting up what that needs, once.
 *
 *   node setup/run.mjs [--page] [--where-typed] [--lean] PROGRAM [ARG…]
 *
 * `--page`: the built page is needed too. `--where-typed`: the program runs in the folder where the person typed
 * the command, so that relative paths mean what they say; npm itself moves to the root of the repository. `--lean`:
 * it runs for long, so memory counts more than the last bit of speed.
 *
 * Plain JavaScript that any Node from 20 on understands, because it runs before anything is installed.
 *
 * 1. When nothing changed it installs and builds nothing: finding that out costs some tens of milliseconds.
 * 2. It talks on stderr only; stdin, stdout, signals and the exit code are the program's.
 * 3. Of several starts at once one sets up, the others wait for it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies, missingDependency } from './install.mjs';
import { lean, leanEnvironment } from './lean.mjs';
import { withSetupLock } from './lock.mjs';
import { buildPage, pageIsStale } from './page.mjs';
import { SetupError } from './step.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The pinned Node; the running one where npm could not install it and this one is new enough. */
function pinnedNode() {
  const pinned = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(pinned)) return pinned;
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  throw new SetupError(
    `MarkCo runs on Node 24, this is ${process.versions.node}, and npm did not install the newer one.`,
    'Run `npm rebuild node` here (npm may be set to ignore install scripts), or install Node 24.',
  );
}

function setUp(wantsPage) {
  const say = (text) => process.stderr.write(`${text}\n`);
  const nothingToDo = () => missingDependency(root) === null && !(wantsPage && pageIsStale(root));
  if (nothingToDo()) return;
  withSetupLock(root, say, () => {
    const missing = missingDependency(root);
    if (missing !== null) installDependencies(root, missing, say);
    if (wantsPage && pageIsStale(root)) buildPage(root, pinnedNode(), say);
  });
}

/** npm leaves the folder in which it was started in INIT_CWD. */
function whereTyped() {
  const { INIT_CWD: typedIn, npm_package_json: manifest } = process.env;
  const startedByNpmHere = manifest !== undefined && resolve(manifest) === join(root, 'package.json');
  return startedByNpmHere && typedIn !== undefined && existsSync(typedIn) ? typedIn : process.cwd();
}

function run(program, args, cwd, isLean) {
  // Compiled code is kept between starts: a device is ready sooner and 25 MB smaller, as it never loads the type stripper.
  const kept = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'), ...process.env };
  const env = isLean ? { ...kept, ...leanEnvironment(kept) } : kept;
  const child = spawn(pinnedNode(), [...(isLean ? lean : []), resolve(root, program), ...args], {
    stdio: 'inherit',
    cwd,
    env,
  });
  // The child decides when to end; this process only passes on what it is told, and then ends the same way.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`Could not start ${program}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

const words = process.argv.slice(2);
const flags = new Set();
while (words[0]?.startsWith('--')) flags.add(words.shift());
const [program, ...args] = words;
try {
  if (program === undefined)
    throw new SetupError(
      'No program was named.',
      'Use: node setup/run.mjs [--page] [--where-typed] [--lean] PROGRAM [ARG…]',
    );
  setUp(flags.has('--page'));
  run(program, args, flags.has('--where-typed') ? whereTyped() : root, flags.has('--lean'));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\n${error.message}\n${error.hint}\n`);
  process.exit(1);
}
