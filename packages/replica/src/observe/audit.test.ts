import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAudit } from './audit.ts';

const AT = Date.parse('2026-11-22T14:02:00.000Z');

async function setUp(bytesMax?: number) {
  const folder = await mkdtemp(join(tmpdir(), 'markco-audit-'));
  const file = join(folder, 'audit.jsonl');
  const troubles: unknown[] = [];
  const audit = createAudit({
    ...{ file, now: () => AT, base: () => ({ user_id: 'u' }), onTrouble: (cause) => void troubles.push(cause) },
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  return { folder, file, audit, troubles, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test('what matters later is one line of JSON each, in the order it happened', async () => {
  await using world = await setUp();
  world.audit.note('run.routed', { run_id: 'r', route_target: 'device', reason: 'It has the GPU.' });
  world.audit.note('device.added', { device_id: 'd' });
  await world.audit.close();
  const lines = (await readFile(world.file, 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      ...{ at: '2026-11-22T14:02:00.000Z', event: 'run.routed', user_id: 'u', run_id: 'r' },
      ...{ route_target: 'device', reason: 'It has the GPU.' },
    },
    { at: '2026-11-22T14:02:00.000Z', event: 'device.added', user_id: 'u', device_id: 'd' },
  ]);
});

test('a full file is put aside, and of many the oldest goes', async () => {
  await using world = await setUp(200);
  for (let number = 0; number < 20; number++) {
    world.audit.note('run.routed', { run_id: `${number}` });
    await world.audit.close();
  }
  const files = (await readdir(world.folder)).toSorted();
  expect(files).toEqual(['audit.jsonl', ...[1, 2, 3, 4].map((number) => `audit.jsonl.${number}`)]);
  expect(await readFile(world.file, 'utf8')).toContain('"run_id":"19"');
});

test('a disk that takes nothing is told of once, and what waited is written when it takes it', async () => {
  await using world = await setUp();
  await mkdir(world.file);
  world.audit.note('run.routed', { run_id: '1' });
  await world.audit.close();
  world.audit.note('run.routed', { run_id: '2' });
  await world.audit.close();
  expect(world.troubles).toHaveLength(1);
  await rm(world.file, { recursive: true });
  world.audit.note('run.routed', { run_id: '3' });
  await world.audit.close();
  expect((await readFile(world.file, 'utf8')).match(/"run_id":"\d"/g)).toEqual(
    ['1', '2', '3'].map((id) => `"run_id":"${id}"`),
  );
});
