/**
 * R14 between networks: a host is cut off until it is called unreachable. Who submitted a run there and who looks on see
 * it all the while, as far as it was heard of, and have every event of it once, in order, afterwards.
 * Only with `MARKCO_CUT_MS`, 600000 for ten minutes: `runs-elsewhere.test.ts` has the same without a network.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId, type Run, type RunEvent } from '@markco/protocol';
import { expect } from 'vitest';
import { SOON, type LabDevice } from './device.fixture.ts';
import { threeWithAFolder } from './folder.fixture.ts';
import { whyNoLab } from './lab.ts';
import { say, test } from './mesh.fixture.ts';
import { setCut } from './partition.fixture.ts';

const why = await whyNoLab();
const CUT_MS = Number(process.env['MARKCO_CUT_MS'] ?? 0);
/** A device that has been away for long is looked for every so often. */
const MET = { timeout: 90_000, interval: 100 };

test('R14 a run whose host is cut off goes on, and all that it printed is everywhere afterwards', async ({
  device,
  skip,
}) => {
  if (why !== null) return skip(why);
  if (CUT_MS === 0) return skip('a long cut takes long: set MARKCO_CUT_MS, as 20000');
  const { laptop, box, nas, projectId } = await threeWithAFolder(device, '# Page\n');
  const id = newId({ now: Date.now, randomBytes });
  const enough = join(box.home, 'enough');
  const code = `n=0; while [ ! -e ${enough} ]; do n=$((n + 1)); echo $n; sleep 0.05; done`;
  await laptop.get<Run>('/api/runs', { id, projectId, language: 'bash', code, runOn: 'box' });
  const run = (of: LabDevice): Promise<Run> => of.get<Run>(`/api/runs/${id}`);
  const stateAt = (of: LabDevice): Promise<string> => run(of).then(({ state }) => state, String);
  // Who looks on hears of it a moment later.
  for (const each of [laptop, nas]) await expect.poll(() => stateAt(each), SOON).toBe('running');
  const cuts = [laptop, nas].flatMap((each) => [
    { from: box, to: each },
    { from: each, to: box },
  ]);
  await setCut(cuts, true);
  const began = performance.now();
  for (const each of [laptop, nas]) await expect.poll(async () => (await run(each)).unreachable, SOON).toBeDefined();
  // It reads what the laptop has of it, and goes on with what its host has.
  const reading = nas.events(id);
  reading.catch(() => undefined);
  const { runs } = await nas.get<{ runs: readonly Run[] }>('/api/runs');
  expect(runs).toMatchObject([{ id, state: 'running', unreachable: expect.any(String) }]);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, CUT_MS - (performance.now() - began))));
  expect([await stateAt(laptop), await stateAt(nas)]).toEqual(['running', 'running']);
  await setCut(cuts, false);
  const healed = performance.now();
  await expect.poll(async () => (await run(laptop)).unreachable, MET).toBeUndefined();
  const metMs = Math.round(performance.now() - healed);
  await writeFile(enough, '');

  const lines: number[] = [];
  for (const each of [laptop, nas]) {
    await expect.poll(() => stateAt(each), MET).toBe('completed');
    const events = await (each === nas ? reading : each.events(id));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n));
    expect(events.at(-1)?.type).toBe('result');
    const printed = textOf(events).trim().split('\n').map(Number);
    expect(printed).toEqual(printed.map((_, n) => n + 1));
    lines.push(printed.length);
  }
  expect(lines).toEqual([lines[0], lines[0]]);
  say(
    `R14: ${lines[0]} lines, 0 lost, over a cut of ${Math.round(healed - began)} ms; the host was there again ${metMs} ms after it`,
  );
}, 1_800_000);

const textOf = (events: readonly RunEvent[]): string =>
  events.flatMap((event) => (event.type === 'stdout' ? [event.payload.text] : [])).join('');
