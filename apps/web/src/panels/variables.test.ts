import type { Api } from '@markco/client';
import { Failure, type SessionId, type Variable } from '@markco/protocol';
import { expect, test } from 'vitest';
import { createVariables, keyOf, type Listing } from './variables.ts';

const variable = (name: string): Variable => ({ name, type: 'int', value: '1', expandable: true });

type Asked = {
  readonly name: string;
  readonly input: { readonly params?: { readonly name: string }; readonly body: { readonly path?: readonly string[] } };
  answer(value: unknown): Promise<void>;
  refuse(error: Error): Promise<void>;
};

function world() {
  const asked: Asked[] = [];
  const api = ((name: string, input: Asked['input']) =>
    new Promise((resolve, reject) => {
      const settled = async (): Promise<void> => {
        for (let turn = 0; turn < 3; turn++) await Promise.resolve();
      };
      asked.push({
        name,
        input,
        answer: (value) => (resolve(value), settled()),
        refuse: (error) => (reject(error), settled()),
      });
    })) as unknown as Api;
  return { asked, variables: createVariables(api, 'session' as SessionId) };
}

const names = (listing: Listing | undefined): unknown =>
  listing?.kind === 'listed' ? listing.variables.map(({ name }) => name) : listing?.kind;

test('an answer that was overtaken changes nothing', async () => {
  const { asked, variables } = world();
  variables.refresh();
  variables.refresh();
  await asked[1]?.answer({ variables: [variable('new')], truncated: false });
  await asked[0]?.answer({ variables: [variable('old')], truncated: false });
  expect(names(variables.list.value)).toEqual(['new']);
});

test('what is open is asked for by its path, stays open over a refresh, and closes with what is inside', async () => {
  const { asked, variables } = world();
  variables.toggle(['a']);
  expect(asked[0]?.input).toMatchObject({ params: { name: 'a' }, body: { path: [] } });
  await asked[0]?.answer({ children: [variable('b')], truncated: false });
  variables.toggle(['a', 'b']);
  expect(asked[1]?.input).toMatchObject({ params: { name: 'a' }, body: { path: ['b'] } });
  variables.refresh();
  expect(asked.slice(2).map(({ name }) => name)).toEqual(['mrpVariables', 'mrpVariable', 'mrpVariable']);
  await asked[1]?.answer({ children: [variable('late')], truncated: false });
  expect(names(variables.opened.value.get(keyOf(['a', 'b'])))).toBe('asking');
  variables.toggle(['a']);
  expect(variables.opened.value.size).toBe(0);
});

test('an interpreter that does not tell is not a failure, and much that is open is bounded', async () => {
  const { asked, variables } = world();
  variables.refresh();
  await asked[0]?.refuse(new Failure('unsupported', 'no'));
  expect(variables.list.value).toEqual({ kind: 'unsupported' });
  variables.refresh();
  await asked[1]?.refuse(new Failure('not_ready', 'It is busy.'));
  expect(variables.list.value).toEqual({ kind: 'failed', message: 'It is busy.' });
  for (let at = 0; at < 80; at++) variables.toggle([`v${at}`]);
  expect(variables.opened.value.size).toBe(50);
});
