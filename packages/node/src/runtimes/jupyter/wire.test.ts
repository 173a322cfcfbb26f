import { expect, test } from 'vitest';
import { decode, encode } from './wire.ts';

const header = {
  msg_id: 'a',
  session: 's',
  username: 'u',
  date: '2026-01-01T00:00:00Z',
  msg_type: 'execute_request',
  version: '5.3',
} as const;

test('a message comes out as it went in, whoever it is for', () => {
  const frames = encode('key', header, { code: 'ä = "😀"' }, { msg_id: 'before' });
  const message = { type: 'execute_request', header, parent: 'before', content: { code: 'ä = "😀"' } };
  expect(decode('key', frames)).toEqual(message);
  expect(decode('key', [Buffer.from('identity'), ...frames, Buffer.from('attached')])).toEqual(message);
});

test('a message is dropped when its signature, its key or its shape is wrong', () => {
  const frames = encode('key', header, { code: '1' });
  expect(decode('another key', frames)).toBeNull();
  const changed = frames.with(5, Buffer.from('{"code":"2"}'));
  expect(decode('key', changed)).toBeNull();
  expect(decode('key', frames.with(1, Buffer.from('short')))).toBeNull();
  expect(decode('key', frames.slice(0, 4))).toBeNull();
  expect(decode('key', frames.slice(1))).toBeNull();
  expect(decode('key', [])).toBeNull();
  const noMap = encode('key', header, [] as unknown as Record<string, unknown>);
  expect(decode('key', noMap)).toBeNull();
});
