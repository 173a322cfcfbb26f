/**
 * `npm run check`: format, lint, types, tidy rules and dead code, beside each other, all of them even when one fails; what
 * one says comes when it has ended.
 * `npm run fix` (`--fix`): lets the first two mend what they can. Names what to check can be given: `npm run check -- lint`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules', name);

type Step = {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly fix?: readonly string[];
  readonly hint: string;
};

const tsc = (name: string): Step => ({
  name: `types of ${name}`,
  program: bin('typescript/bin/tsc'),
  args: ['-p', `tsconfig.${name}.json`],
  hint: 'tsc names the file and the line',
});

const STEPS: readonly Step[] = [
  { name: 'format', program: bin('oxfmt/bin/oxfmt'), args: ['--check', '.'], fix: ['.'], hint: 'npm run fix' },
  {
    name: 'lint',
    program: bin('oxlint/bin/oxlint'),
    args: ['--deny-warnings'],
    fix: ['--fix'],
    hint: 'npm run fix mends some of it',
  },
  tsc('pure'),
  tsc('node'),
  tsc('web'),
  {
    name: 'tidy',
    program: bin('vitest/vitest.mjs'),
    args: ['run', '--project', 'unit', 'test/tidy.test.ts'],
    hint: 'test/tidy/ holds the rules',
  },
  { name: 'dead code', program: bin('knip/bin/knip.js'), args: ['--no-progress'], hint: 'delete it, or use it' },
];

const words = process.argv.slice(2);
const fixing = words.includes('--fix');
const wanted = words.filter((word) => !word.startsWith('--'));
const steps = STEPS.filter(
  ({ name, fix }) =>
    (wanted.length === 0 || wanted.some((word) => name.includes(word))) && (!fixing || fix !== undefined),
);

let failed = 0;

async function take({ name, program, args, fix, hint }: Step): Promise<void> {
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...(fixing && fix !== undefined ? fix : args)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => void said.push(part));
  const [status] = (await once(child, 'close')) as [number | null];
  const took = `${((performance.now() - started) / 1_000).toFixed(1)} s`;
  if (status !== 0) failed += 1;
  process.stdout.write(Buffer.concat(said));
  process.stdout.write(status === 0 ? `✓ ${name} (${took})\n` : `✗ ${name} (${took}): ${hint}\n`);
}

// Two that mend do not write into one file at a time.
if (fixing) for (const step of steps) await take(step);
else await Promise.all(steps.map(take));
if (steps.length === 0)
  process.stdout.write(
    `Nothing is called ${wanted.join(' ')}. There are: ${STEPS.map(({ name }) => name).join(', ')}.\n`,
  );
process.stdout.write(`${steps.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || steps.length === 0 ? 1 : 0;
