import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newId, type RunEvent, type RunEventId, type RunId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test as base } from 'vitest';
import { createEventLog } from './events.ts';
import { endSpool, spoolFile } from './spool.ts';
import { ids } from './runs.fixture.ts';

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(path.join(tmpdir(), 'markco-events-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

function lineOf(runId: RunId, seq: number, text: string): string {
  const event: RunEvent = {
    id: newId<RunEventId>(ids),
    runId,
    seq,
    createdAt: '2026-01-01T00:00:00.000Z',
    type: 'stdout',
    payload: { text },
  };
  return `${JSON.stringify(event)}\n`;
}

test('R14 readers from any seq see every event once, in order, however the file grows', async ({ home }) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 300 }), { minLength: 1, maxLength: 600 }),
      fc.array(fc.nat(700), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 40_000 }),
      async (texts, starts, step) => {
        const run = newId<RunId>(ids);
        const folder = path.join(home, run);
        await mkdir(folder);
        let over = false;
        const log = createEventLog({ runFolder: () => folder, isOver: async () => over });
        const readers = starts.map((from) => Array.fromAsync(log.follow(run, from, AbortSignal.timeout(10_000))));
        const bytes = Buffer.from(texts.map((text, seq) => lineOf(run, seq, text)).join(''));
        for (let at = 0; at < bytes.length; at += step) {
          await appendFile(spoolFile(folder), bytes.subarray(at, at + step));
          log.touch(run);
        }
        over = true;
        log.touch(run);
        for (const [index, reader] of readers.entries()) {
          const events = await reader;
          const from = starts[index] ?? 0;
          expect(events.map((event) => event.seq)).toEqual(texts.map((_, seq) => seq).slice(from));
          expect(events.map((event) => event.type === 'stdout' && event.payload.text)).toEqual(texts.slice(from));
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('a line larger than a chunk is read whole, a damaged one is an error', async ({ home }) => {
  const run = newId<RunId>(ids);
  const text = 'é'.repeat(700_000);
  await writeFile(spoolFile(home), lineOf(run, 0, 'a') + lineOf(run, 1, text) + lineOf(run, 2, 'b'));
  const log = createEventLog({ runFolder: () => home, isOver: async () => true });
  const events = await Array.fromAsync(log.follow(run, 1, AbortSignal.timeout(10_000)));
  expect(events.map((event) => event.type === 'stdout' && event.payload.text)).toEqual([text, 'b']);
  await appendFile(spoolFile(home), lineOf(run, 7, 'gap'));
  await expect(Array.fromAsync(log.follow(run, 0, AbortSignal.timeout(10_000)))).rejects.toMatchObject({
    code: 'storage_failed',
  });
});

test('the host ends a spool once: after whole lines, in the place of a torn one, never after an end', async ({
  home,
}) => {
  const run = newId<RunId>(ids);
  const payload = { type: 'lost', message: 'gone', traceback: [] };
  await writeFile(spoolFile(home), `${lineOf(run, 0, 'x'.repeat(100_000))}${lineOf(run, 1, 'y').slice(0, -5)}`);
  const first = await endSpool(home, run, payload, ids);
  expect(first).toMatchObject({ seq: 1, type: 'error', payload });
  expect(await endSpool(home, run, { ...payload, type: 'other' }, ids)).toEqual(first);
  expect((await endSpool(path.join(home, 'never-started'), run, payload, ids)).seq).toBe(0);
});
