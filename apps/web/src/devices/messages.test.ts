import { expect, test } from 'vitest';
import { deviceMessages } from './messages.ts';

const holes = (message: string): readonly string[] => (message.match(/\{\w+\}/g) ?? []).toSorted();

test('French has the holes of English and other words', () => {
  const { en, fr } = deviceMessages;
  const keys = Object.keys(en) as (keyof typeof en)[];
  for (const key of keys) expect({ key, holes: holes(fr[key]) }).toEqual({ key, holes: holes(en[key]) });
  expect(keys.filter((key) => fr[key] === en[key])).toEqual(['direct', 'onDay', 'gpu', 'code']);
});
