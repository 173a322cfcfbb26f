import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test as base, vi } from 'vitest';
import { eventsOf, firstEvent, textOf } from '../../runs/runs.fixture.ts';
import { withLanguage, type LanguageSession } from '../language-session.fixture.ts';
import { createBashAnswers } from './answers.ts';
import { readDeclared } from './declared.ts';

const test = base.extend<{ bash: LanguageSession }>({ bash: async ({}, use) => withLanguage('bash', use) });

test('variables, functions, options, aliases and the folder are kept; nothing of a cell is echoed', async ({
  bash,
}) => {
  await bash.run('x=1; f() { echo "f $1"; }; alias hi="echo hello"; shopt -s nullglob; mkdir -p sub; cd sub');
  expect((await bash.run('f $x; hi\necho *.nothing; basename "$PWD"')).text).toBe('f 1\nhello\n\nsub\n');
  const { events } = await bash.run('set -x; echo traced; set +x');
  expect(textOf(events.filter((event) => event.type === 'stderr'))).toBe('++ echo traced\n++ set +x\n');
  expect((await bash.run('echo "$(false)$?"; (exit 4)')).events.at(-1)).toMatchObject({
    payload: { type: 'ExitCode', message: 'exit code 4' },
  });
  expect((await bash.run('echo $?')).text).toBe('4\n');
});

test('errors name no file of ours, and what is secret of the device is not inherited', async ({ bash }) => {
  expect((await bash.run('no-such-command')).text).toBe('bash: no-such-command: command not found\n');
  const { text } = await bash.run('if then');
  expect(text).toContain('syntax error');
  expect(text).not.toContain('sessions');
  expect((await bash.run('env | grep -c MARKCO_')).text).toBe('0\n');
});

test('`exit` ends the run with its code, then the session', async ({ bash }) => {
  await bash.run('x=1');
  const { run, events, text } = await bash.run('echo bye; exit 3; echo never');
  expect([run.state, text]).toEqual(['failed', 'bye\n']);
  expect(events.at(-1)).toMatchObject({ payload: { type: 'ExitCode', message: 'exit code 3' } });
  expect((await bash.run('echo "<$x>"')).text).toBe('<>\n');
});

test('a program that reads is asked for, a pipe is not, and each line once', async ({ bash }) => {
  expect((await bash.run('echo one | cat; read -r a < <(echo two); echo $a')).text).toBe('one\ntwo\n');
  const asking = bash.request('read -rp "Name: " name; python3 -c "print(input()[::-1])" || head -n1; echo "<$name>"');
  await bash.device.runs.submit(asking);
  const first = await firstEvent(bash.device.runs, asking.id, (event) => event.type === 'stdin-request');
  expect(first.payload).toEqual({ prompt: 'Name: ', password: false });
  await bash.device.runs.input(asking.id, 'Ada', AbortSignal.timeout(5_000));
  await firstEvent(bash.device.runs, asking.id, (event) => event.type === 'stdin-request' && event.seq > first.seq);
  await bash.device.runs.input(asking.id, 'abc', AbortSignal.timeout(5_000));
  const events = await eventsOf(bash.device.runs, asking.id);
  expect(textOf(events)).toContain('<Ada>\n');
  expect(events.filter((event) => event.type === 'stdin-request')).toHaveLength(2);
});

test('questions are answered by the live shell, and change nothing', async ({ bash }) => {
  await bash.run(
    'list=(a "b c"); declare -A map=([k]=v); declare -i num=3; text=$\'two\\nlines\'; greet() { echo hi; }; false',
  );
  await mkdir(path.join(bash.device.project, 'folder'));
  await writeFile(path.join(bash.device.project, 'folder', 'inside.txt'), '');
  const labels = async (code: string): Promise<string[]> => {
    const told = (await bash.ask('complete', { code, cursor: code.length })) as { matches: { label: string }[] };
    return told.matches.map((match) => match.label);
  };
  expect(await labels('gre')).toContain('greet');
  expect(await labels('echo $tex')).toEqual(['text']);
  expect(await labels('echo "${lis')).toEqual(['list']);
  expect(await labels('cat fol')).toEqual(['folder/']);
  expect(await labels('cat folder/in')).toEqual(['folder/inside.txt']);
  expect(await labels('x=1; whil')).toContain('while');
  expect(await bash.ask('variables', {})).toMatchObject({
    variables: [
      { name: 'list', type: 'array', value: '(a b c)', length: 2, expandable: true },
      { name: 'map', type: 'map', value: '([k]=v)' },
      { name: 'num', type: 'integer', value: '3' },
      { name: 'text', type: 'string', value: 'two\nlines' },
    ],
  });
  expect(await bash.ask('variable', { name: 'list' })).toMatchObject({ children: [{ value: 'a' }, { value: 'b c' }] });
  expect(await bash.ask('variable', { name: 'map', path: ['k'] })).toMatchObject({ fullValue: 'v' });
  expect(await bash.ask('hover', { code: 'echo $num', cursor: 8 })).toMatchObject({ type: 'integer', value: '3' });
  expect(await bash.ask('inspect', { code: 'greet', cursor: 2 })).toMatchObject({ kind: 'function' });
  expect(await bash.ask('inspect', { code: 'cd /', cursor: 1 })).toMatchObject({ kind: 'builtin', found: true });
  expect(await bash.ask('inspect', { code: 'no-such-thing', cursor: 3 })).toMatchObject({ found: false });
  expect((await bash.run('echo $? $text')).text).toBe('1 two lines\n');
  await bash.ask('reset', {});
  expect((await bash.run('echo "<$text>"')).text).toBe('<>\n');
});

test('while a cell runs only what needs no shell is answered', async ({ bash }) => {
  const slow = bash.request('echo on; sleep 100');
  await bash.device.runs.submit(slow);
  await firstEvent(bash.device.runs, slow.id, (event) => textOf([event]).includes('on'));
  await expect(bash.ask('complete', { code: 'ec', cursor: 2 })).rejects.toThrow('busy');
  const statuses = await Promise.all(
    ['echo 1', 'if true; then', 'echo "x', 'a \\', 'cat <<E', 'fi'].map((code) => bash.ask('isComplete', { code })),
  );
  expect(statuses.map((told) => (told as { status: string }).status)).toEqual([
    'complete',
    'incomplete',
    'incomplete',
    'incomplete',
    'incomplete',
    'invalid',
  ]);
  await bash.device.runs.cancel(slow.id, AbortSignal.timeout(10_000));
});

test('without its formatter it says how to get it', async () => {
  vi.stubEnv('PATH', '/nowhere');
  try {
    const answers = createBashAnswers({ executable: '/bin/bash', cwd: '/', query: async () => '' });
    await expect(answers.ask('format', { code: 'a' })).rejects.toThrow(/Install shfmt: .*apt install shfmt/);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('what `declare -p` prints is read as it was meant', () => {
  expect(readDeclared('declare -- a="x \\"y\\" \\$z"')?.value).toBe('x "y" $z');
  expect(readDeclared("declare -x b=$'tab\\there\\001'")?.value).toBe('tab\there\u{1}');
  expect(readDeclared('declare -a c=([0]="one" [2]="with ]=[ inside")')?.elements).toEqual([
    ['0', 'one'],
    ['2', 'with ]=[ inside'],
  ]);
  expect(readDeclared('declare -A d=(["a key"]="v" )')?.elements).toEqual([['a key', 'v']]);
  expect(readDeclared('declare -- unset')?.value).toBe('');
  expect(readDeclared('nothing of the sort')).toBeNull();
});
