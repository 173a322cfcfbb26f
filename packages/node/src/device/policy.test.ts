import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { createPolicySetting, DEFAULT_POLICY, readPolicy } from './policy.ts';

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-policy-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

const careful = { allowRemoteExecution: true, allowHeavyJobs: false, allowWhenOnBattery: false, maxConcurrentRuns: 2 };

test('without a file the defaults count, and nothing is written', async ({ home }) => {
  expect(await readPolicy(home)).toEqual({ policy: DEFAULT_POLICY });
  expect(DEFAULT_POLICY.allowRemoteExecution).toBe(true);
  expect(await readdir(home)).toEqual([]);
});

test('what is set is on disk for its owner alone, and is there for whoever reads next', async ({ home }) => {
  const setting = createPolicySetting(home, (problem) => expect.unreachable(problem));
  await writeFile(join(home, 'device-policy.json.new'), 'left by a kill', { mode: 0o644 });
  expect(await setting.write(careful)).toEqual({ policy: careful });
  expect(await readPolicy(home)).toEqual({ policy: careful });
  expect((await stat(join(home, 'device-policy.json'))).mode & 0o777).toBe(0o600);
  expect(await readdir(home)).toEqual(['device-policy.json']);
});

test('policies that are set at once are written one after another, the last one last', async ({ home }) => {
  const setting = createPolicySetting(home, (problem) => expect.unreachable(problem));
  await Promise.all(Array.from({ length: 20 }, (_, index) => setting.write({ ...careful, maxConcurrentRuns: index })));
  expect((await readPolicy(home)).policy.maxConcurrentRuns).toBe(19);
});

test.for([
  ['', 'is no JSON'],
  ['{', 'is no JSON'],
  ['null', 'is no policy'],
  ['{}', 'is no policy (allowRemoteExecution'],
  [JSON.stringify({ ...careful, maxConcurrentRuns: -1 }), 'is no policy (maxConcurrentRuns'],
  [JSON.stringify({ ...careful, allowHeavyJobs: 'yes' }), 'is no policy (allowHeavyJobs'],
  [JSON.stringify({ ...careful, extra: true }), 'is no policy'],
  [' '.repeat(64 * 1024 + 1), 'cannot be read (it has more than 64 KB)'],
] as const)(
  'a file that says no policy (%#) lets no other device run anything, and says why',
  async ([text, why], { home }) => {
    await writeFile(join(home, 'device-policy.json'), text);
    const { policy, problem } = await readPolicy(home);
    expect(policy).toEqual({ ...DEFAULT_POLICY, allowRemoteExecution: false });
    expect(problem).toContain(`device-policy.json ${why}`);
    expect(await readFile(join(home, 'device-policy.json'), 'utf8')).toBe(text);
  },
);

test('a folder in its place is no policy either, and each problem is told once until it is gone', async ({ home }) => {
  const told: string[] = [];
  const setting = createPolicySetting(home, (problem) => told.push(problem));
  await mkdir(join(home, 'device-policy.json'));
  for (let times = 0; times < 3; times++) expect((await setting.read()).policy.allowRemoteExecution).toBe(false);
  expect(told).toEqual([expect.stringContaining('it is no file')]);
  await expect(setting.write(careful)).rejects.toMatchObject({ code: 'storage_failed' });
  await rm(join(home, 'device-policy.json'), { recursive: true });
  expect(await setting.write(careful)).toEqual({ policy: careful });
  await writeFile(join(home, 'device-policy.json'), '{');
  await setting.read();
  expect(told).toHaveLength(2);
});

test('a file that its owner may not read is closed too', async ({ home, skip }) => {
  const file = join(home, 'device-policy.json');
  await writeFile(file, JSON.stringify(careful));
  await chmod(file, 0);
  const readable = await readFile(file).then(
    () => true,
    () => false,
  );
  if (readable) return skip('this user may read everything');
  expect(await readPolicy(home)).toMatchObject({
    policy: { allowRemoteExecution: false },
    problem: expect.stringContaining('cannot be read'),
  });
});
