import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUuid, newId, parseUuid, RunIdSchema, UUID_PATTERN, type RunId } from './id.ts';

const source = (now: number, bytes: Uint8Array) => ({ now: () => now, randomBytes: () => bytes.slice() });
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** 48 bits of milliseconds. */
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('an id is a UUIDv7: its first 48 bits are the time it was made', () => {
  fc.assert(
    fc.property(times, sixteen, (now, bytes) => {
      const id = newId<RunId>(source(now, bytes));
      expect(id).toMatch(UUID_PATTERN);
      expect(id[14]).toBe('7');
      expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(now);
    }),
  );
});

test('ids sort by the time they were made', () => {
  fc.assert(
    fc.property(times, times, sixteen, sixteen, (a, b, x, y) => {
      fc.pre(a < b);
      expect(newId<RunId>(source(a, x)) < newId<RunId>(source(b, y))).toBe(true);
    }),
  );
});

test('an id as bytes and back is the same id', () => {
  fc.assert(
    fc.property(sixteen, (bytes) => {
      expect([...parseUuid(formatUuid(bytes))]).toEqual([...bytes]);
    }),
  );
});

test.each([
  '',
  'x',
  '01A1FD3E-0FDB-735D-93C4-CCF2DDC94F3D',
  '01a1fd3e-0fdb-735d-93c4-ccf2ddc94f3',
  '01a1fd3e-0fdb-735d-93c4-ccf2ddc94f3d\n',
  '../etc/passwd',
])('what is no id is refused: %j', (text) => expect(RunIdSchema.safeParse(text).success).toBe(false));
