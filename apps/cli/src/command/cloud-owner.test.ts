import { expect, test } from 'vitest';
import { accountOf } from './cloud-owner.ts';

const account = (id: string, name: string) => ({ id, name, createdAt: '2026-11-01T00:00:00.000Z', operates: false });

test('an account is found by its name, or by its id where two have one name', () => {
  const accounts = [account('1', 'Ada'), account('2', 'Bob '), account('3', 'bob')];
  expect(accountOf(accounts, ' ada').id).toBe('1');
  expect(accountOf(accounts, '3').id).toBe('3');
  expect(() => accountOf(accounts, 'Bob')).toThrow(/2 accounts are called Bob/);
  expect(() => accountOf(accounts, 'Eve')).toThrow(/No account here is called Eve/);
});
