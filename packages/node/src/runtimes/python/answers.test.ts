/** What a live Python session answers besides running code. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Answer, Failure, Question, QuestionKind, SessionId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { eventually, finished, testDevice, type TestDevice } from '../../runs/runs.fixture.ts';

type Asked = {
  device: TestDevice;
  ask: <K extends QuestionKind>(kind: K, question: Question<K>) => Promise<Answer<K>>;
};

const test = base.extend<Asked>({
  device: async ({}, use) => {
    await using device = await testDevice();
    await use(device);
  },
  ask: async ({ device }, use) => {
    await use((kind, question) =>
      device.runs.sessions.ask(sessionOf(device), kind, question, AbortSignal.timeout(10_000)),
    );
  },
});

function sessionOf(device: TestDevice): SessionId {
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('no session');
  return session.id;
}

const PEOPLE = `
class Person:
    """Somebody."""
    def __init__(self, name):
        self.name = name
    @property
    def loud(self):
        raise RuntimeError('a property was called')
    def greet(self, other, warmly=True):
        """Says hello."""
        return other
ada = Person('Ada')
table = {'first': 1, 'second': [1, 2, {'deep': 'yes'}], 3: None}
text = 'x' * 5_000_000
_private = 1
`;

test('completes names, members, keys, parameters and modules, and calls nothing on the way', async ({
  device,
  ask,
}) => {
  await finished(device.runs, device.request(PEOPLE));
  const labels = async (code: string): Promise<readonly string[]> =>
    (await ask('complete', { code, cursor: code.length })).matches.map((match) => match.label);
  expect(await labels('ad')).toEqual(['ada']);
  expect(await labels('ada.')).toEqual(['greet', 'loud', 'name']);
  expect(await labels('x = ada.gr')).toEqual(['greet']);
  expect(await labels("table['")).toEqual(['first', 'second']);
  expect(await labels("table['second'][2].ke")).toEqual(['keys']);
  expect(await labels('ada.greet(wa')).toContain('warmly=');
  expect(await labels('import json.dec')).toEqual(['decoder']);
  expect(await labels('from os import getp')).toContain('getpid');
  expect(await labels('"text".upp')).toEqual(['upper']);
  expect(await labels('nothing.at.all.')).toEqual([]);
  expect(await labels('pri')).toContain('print');
});

test('positions are those of an editor, also behind characters outside of the basic plane', async ({ device, ask }) => {
  await finished(device.runs, device.request('value = 1'));
  const code = "s = '😀'; val";
  const answer = await ask('complete', { code, cursor: code.length });
  expect(answer).toMatchObject({ cursorStart: code.length - 3, cursorEnd: code.length });
  expect(answer.matches.map((match) => match.label)).toEqual(['value']);
});

test('says what a name is, with its documentation and its source', async ({ device, ask }) => {
  await finished(device.runs, device.request(PEOPLE));
  expect(await ask('hover', { code: 'ada.greet(1)', cursor: 6 })).toMatchObject({
    found: true,
    name: 'ada.greet',
    signature: '(other, warmly=True)',
  });
  const told = await ask('inspect', { code: 'ada.greet(', cursor: 10, detail: 2 });
  expect(told).toMatchObject({ found: true, kind: 'method', docstring: 'Says hello.' });
  expect(told.sourceCode).toContain('def greet(self');
  expect(await ask('inspect', { code: 'unknown', cursor: 3 })).toEqual({ found: false, source: 'runtime' });
});

test('lists variables and what is inside them, one level at a time', async ({ device, ask }) => {
  await finished(device.runs, device.request(`import os\n${PEOPLE}`));
  const { variables, count, truncated } = await ask('variables', { filter: { excludePrivate: true } });
  expect(variables.map((each) => each.name)).toEqual(['Person', 'ada', 'table', 'text']);
  expect([count, truncated]).toEqual([4, false]);
  expect(variables.find((each) => each.name === 'text')).toMatchObject({ length: 5_000_000, expandable: false });
  expect(variables.find((each) => each.name === 'text')?.value.length).toBeLessThanOrEqual(200);
  expect((await ask('variables', { filter: { namePattern: '^t', types: ['dict'] } })).variables).toHaveLength(1);
  const inside = await ask('variable', { name: 'table' });
  expect(inside.children.map((each) => each.name)).toEqual(['first', 'second', '3']);
  expect(await ask('variable', { name: 'table', path: ['second', '2', 'deep'] })).toMatchObject({ value: "'yes'" });
  expect(await ask('variable', { name: 'ada' })).toMatchObject({ methods: ['greet'], children: [{ name: 'name' }] });
  await expect(ask('variable', { name: 'table', path: ['gone'] })).rejects.toThrow('has no part gone');
  expect(await ask('variable', { name: 'text', maxValueLength: 50 })).toMatchObject({ truncated: true });
});

test.each([
  ['x = 1', 'complete', ''],
  ['await thing()', 'complete', ''],
  ['def f():', 'incomplete', '    '],
  ['def f():\n    return 1', 'incomplete', '    '],
  ['(1,', 'incomplete', ''],
  ['1 +* 2', 'invalid', ''],
])('whether %j is complete: %s', async (code, status, indent) => {
  await using device = await testDevice();
  await finished(device.runs, device.request('1'));
  const asked = device.runs.sessions.ask(sessionOf(device), 'isComplete', { code }, AbortSignal.timeout(10_000));
  expect(await asked).toEqual({ status, indent });
});

test('answers while a cell runs, and clears the names only when none does', async ({ device, ask }) => {
  await finished(device.runs, device.request('kept = 41'));
  const run = await device.runs.submit(device.request('import time\nwhile True: time.sleep(0.01)'));
  await eventually(async () => (await device.runs.get(run.id))?.state === 'running');
  expect((await ask('complete', { code: 'ke', cursor: 2 })).matches.map((match) => match.label)).toEqual(['kept']);
  await expect(ask('reset', {})).rejects.toThrow('A cell is running');
  await device.runs.cancel(run.id, AbortSignal.timeout(10_000));
  await ask('reset', {});
  expect((await ask('variables', {})).variables).toEqual([]);
  expect((await finished(device.runs, device.request('kept'))).run.error?.type).toBe('NameError');
});

test('a representation that fails, loops or prints answers with what can be said', async ({ device, ask }) => {
  await finished(
    device.runs,
    device.request(`
class Bad:
    def __repr__(self): raise ValueError('no')
    def __dir__(self): raise ValueError('no')
bad, loop = Bad(), []
loop.append(loop)`),
  );
  const { variables } = await ask('variables', {});
  expect(variables.find((each) => each.name === 'bad')?.value).toContain('repr failed: ValueError');
  expect(variables.find((each) => each.name === 'loop')?.value).toMatch(/^\[+\.\.\.\]+$/);
  expect((await ask('complete', { code: 'bad.', cursor: 4 })).matches).toEqual([]);
});

test('a session that is not there, or a kind of question nobody knows, is refused in words', async ({ device }) => {
  const session = await device.runs.sessions.ensure({ ...keyOf(device), name: 'cold' });
  const asked = device.runs.sessions.ask(session.id, 'variables', {}, AbortSignal.timeout(1_000));
  await expect(asked).rejects.toMatchObject({ code: 'not_ready' } satisfies Partial<Failure>);
});

test('a missing package names what installs it, and lines for the machine run there', async ({ device }) => {
  const missing = await finished(device.runs, device.request('import sklearn_that_is_not.there'));
  expect(JSON.stringify(missing.events.at(-1))).toContain('%pip install sklearn_that_is_not');
  expect((await finished(device.runs, device.request('!echo "a b" | tr a c'))).text).toBe('c b\n');
  await mkdir(path.join(device.project, 'inner'));
  await writeFile(path.join(device.project, 'inner', 'here.txt'), '');
  expect((await finished(device.runs, device.request('%cd inner\n!ls'))).text).toBe('here.txt\n');
  expect((await finished(device.runs, device.request('!exit 3'))).run.error?.message).toBe('exit code 3');
  expect((await finished(device.runs, device.request('1 +* 2'))).run.error?.type).toBe('SyntaxError');
});

function keyOf(device: TestDevice) {
  const { session } = device.request('');
  if (!('projectId' in session)) throw new Error('no key');
  return session;
}
