import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../../../../setup/trials.ts';
import { readServerEvents, type ServerEvent } from './server-events.ts';

async function read(pieces: readonly Buffer[]): Promise<ServerEvent[]> {
  const found: ServerEvent[] = [];
  const bytes = async function* () {
    yield* pieces;
  };
  for await (const event of readServerEvents(bytes())) found.push(event);
  return found;
}

test('events come out whole however their bytes come in, whatever ends their lines', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\r\n]/.test(text));
  const events = fc.array(
    fc.record({ event: fc.constantFrom('stdout', 'done'), lines: fc.array(line, { minLength: 1 }) }),
  );
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(200)), async (written, end, cuts) => {
      const text = written
        .map(({ event, lines }) =>
          [`event: ${event}`, ...lines.map((each) => `data: ${each}`), ': beat', '', ''].join(end),
        )
        .join('');
      const bytes = Buffer.from(text);
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((to, index) => bytes.subarray(at[index], to));
      expect(await read(pieces)).toEqual(written.map(({ event, lines }) => ({ event, data: lines.join('\n') })));
    }),
    trials('server-sent events', 200),
  );
});

test('what is not over when the bytes end is no event', async () => {
  expect(await read([Buffer.from('data: 1\n\ndata: 2\n')])).toEqual([{ event: 'message', data: '1' }]);
});

test('an event without an end is refused', async () => {
  const pieces = Array.from({ length: 40 }, () => Buffer.from(`data: ${'x'.repeat(1024 * 1024)}\n`));
  await expect(read(pieces)).rejects.toThrow('more than 32 MB');
});
