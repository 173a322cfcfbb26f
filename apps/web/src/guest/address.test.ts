import { expect, test } from 'vitest';
import { guestAddress, guestBase } from './address.ts';

test('a link is traded, a place below it is opened again, and nothing else is a guest’s', () => {
  const id = '019a8f3c-0000-7000-8000-000000000001';
  expect(guestAddress('/join/abc-_123')).toEqual({ kind: 'join', token: 'abc-_123' });
  expect(guestAddress('/join/')).toEqual({ kind: 'join', token: 'missing' });
  expect(guestAddress(guestBase(id))).toEqual({ kind: 'shared', id });
  expect(guestAddress(`${guestBase(id)}/p/notes/join/x`)).toEqual({ kind: 'shared', id });
  for (const other of ['/', '/p/notes/join/abc', '/joined', '/shared/x', `/shared/${id}x`])
    expect(guestAddress(other)).toBeUndefined();
});
