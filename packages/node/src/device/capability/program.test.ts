/** Programs that misbehave: each is a script of the test, found along its PATH. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill, platform } from 'node:process';
import { expect, test as base } from 'vitest';
import { createPrograms, textOf, type Ask } from './program.ts';

type Tools = {
  readonly ask: Ask;
  /** One that waits so long for an answer, in milliseconds. */
  readonly impatient: (deadlineMs: number) => Ask;
  readonly folder: string;
  readonly clock: { now: number };
  write(name: string, script: string): Promise<void>;
};

const test = base.extend<{ tools: Tools }>({
  tools: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'markco-tools-'));
    const clock = { now: 0 };
    const env = { PATH: `relative:${folder}`, SECRET: 'x', HOME: '/nowhere' };
    const impatient = (deadlineMs: number) =>
      createPrograms({ env, platform, kill, now: () => clock.now }, { deadlineMs });
    await use({
      // A machine that is busy with other tests is slow.
      ask: impatient(30_000),
      impatient,
      folder,
      clock,
      async write(name, script) {
        await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
        await chmod(join(folder, name), 0o755);
      },
    });
    await rm(folder, { recursive: true });
  },
});

/** Whether a process is there; one that has ended and waits for its parent is not. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/^\d+ \(.*\) [ZX]/.test(stat);
}

test('a program is asked without a shell, and gets none of our variables', async ({ tools }) => {
  await tools.write('tool', 'echo "$1"; env');
  const text = (await textOf(tools.ask, 'tool', ['$HOME `id` ; echo no'])) ?? '';
  const [said, ...env] = text.trim().split('\n');
  expect(said).toBe('$HOME `id` ; echo no');
  expect(env).toContain('LC_ALL=C');
  expect(env.filter((line) => /^(SECRET|HOME)=/.test(line))).toEqual([]);
  expect(env.find((line) => line.startsWith('PATH='))?.split(/[=:]/)).not.toContain('relative');
});

test('one that fails says so, and one that is no program says nothing', async ({ tools }) => {
  await tools.write('fails', 'echo "has failed because it could not"; exit 1');
  expect(await tools.ask('fails', [])).toEqual({ code: 1, text: 'has failed because it could not\n' });
  expect(await textOf(tools.ask, 'fails', [])).toBeNull();
  await writeFile(join(tools.folder, 'broken'), '#!/no/such/interpreter\n', { mode: 0o755 });
  expect(await tools.ask('broken', [])).toBeNull();
});

test('one that hangs is killed with all that it started, and has said nothing', async ({ tools, skip }) => {
  if (platform !== 'linux') return skip('it looks into /proc');
  const ask = tools.impatient(3_000);
  await tools.write('hangs', `trap '' TERM; echo before; sleep 600 & echo $! > ${tools.folder}/pid; wait; wait`);
  expect(await ask('hangs', [])).toBeNull();
  const pid = Number(await readFile(join(tools.folder, 'pid'), 'utf8'));
  expect(pid).toBeGreaterThan(1);
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
  // It can be asked again once it has ended.
  await tools.write('hangs', 'echo better');
  await expect.poll(() => textOf(ask, 'hangs', []), { timeout: 20_000 }).toBe('better\n');
});

test('one that is still there is not asked the same beside itself, but may be asked something else', async ({
  tools,
}) => {
  await tools.write(
    'slow',
    `echo $$ >> ${tools.folder}/starts; while [ ! -e ${tools.folder}/go ]; do sleep 0.02; done`,
  );
  const first = tools.ask('slow', []);
  await expect.poll(() => readFile(join(tools.folder, 'starts'), 'utf8').catch(() => '')).not.toBe('');
  expect(await tools.ask('slow', [])).toBeNull();
  const other = tools.ask('slow', ['else']);
  await writeFile(join(tools.folder, 'go'), '');
  expect([(await first)?.code, (await other)?.code]).toEqual([0, 0]);
  expect((await readFile(join(tools.folder, 'starts'), 'utf8')).trim().split('\n')).toHaveLength(2);
});

test('one that prints megabytes is stopped, and has said nothing', async ({ tools }) => {
  await tools.write('floods', 'exec yes');
  expect(await tools.ask('floods', [])).toBeNull();
  await tools.write('fits', 'head -c 262144 /dev/zero');
  expect((await tools.ask('fits', []))?.text).toHaveLength(262_144);
  await tools.write('over', 'head -c 262145 /dev/zero');
  expect(await tools.ask('over', [])).toBeNull();
});

test('one that is not there is looked for again after ten minutes, not before', async ({ tools }) => {
  expect(await tools.ask('late', [])).toBeNull();
  await tools.write('late', 'echo here');
  tools.clock.now = 10 * 60_000 - 1;
  expect(await tools.ask('late', [])).toBeNull();
  tools.clock.now = 10 * 60_000;
  expect(await textOf(tools.ask, 'late', [])).toBe('here\n');
});
