import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createInput } from './terminal.ts';

const never = new AbortController().signal;

test('lines of a pipe are read one by one, no prompt is shown, and its end is null', async () => {
  const stdin = new PassThrough();
  const prompts = new PassThrough();
  const input = createInput({ stdin, prompts });
  stdin.end('Ada\n42\n');
  expect(await input.readLine('Name? ', false, never)).toBe('Ada');
  expect(await input.readLine('Age? ', false, never)).toBe('42');
  expect(await input.readLine('More? ', false, never)).toBeNull();
  expect(prompts.read()).toBeNull();
});

test('a question that is given up answers null', async () => {
  const input = createInput({ stdin: new PassThrough(), prompts: new PassThrough() });
  const giveUp = new AbortController();
  const answer = input.readLine('Name? ', false, giveUp.signal);
  giveUp.abort();
  expect(await answer).toBeNull();
});

test('a terminal shows the prompt and what is typed, but not a password', async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true as const });
  const prompts = new PassThrough();
  const input = createInput({ stdin, prompts });
  const secret = input.readLine('Password: ', true, never);
  stdin.write('hunter2\r');
  expect(await secret).toBe('hunter2');
  const name = input.readLine('Name? ', false, never);
  stdin.write('Ada\r');
  expect(await name).toBe('Ada');
  const shown = String(prompts.read());
  expect(shown).toContain('Password: ');
  expect(shown).toContain('Ada');
  expect(shown).not.toContain('hunter2');
});
