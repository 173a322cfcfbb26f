/**
 * T10: five devices that were paired, and then send whatever they can, at once. What an honest device writes goes on
 * arriving, this one's memory stays as it is, and those that flood are cut off.
 *
 *   MARKCO_FLOOD_MS=60000 …   as long as trust asks for; before every merge it is 6 s
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PairingHere } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually } from '../../conformance/device.fixture.ts';
import { connectedTo, pair, SOON_MS, start, type Named } from '../../conformance/paired.fixture.ts';
import { FLOODS, type Flood, type Order, type Told } from './flood.fixture.ts';

const FLOOD_MS = Number(process.env['MARKCO_FLOOD_MS'] ?? 6_000);
/** Resident memory also follows how busy the machine is: alone on it 42 MB were seen, beside other tests 83. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;
const EDIT_EVERY_MS = 50;

async function addFlooder(device: Named, flooders: ChildProcess, flood: Flood): Promise<void> {
  const { offered } = await device.get<PairingHere>('/api/pairing', { method: 'POST' });
  const joined = once(flooders, 'message');
  flooders.send({ order: 'join', link: offered?.link ?? '', flood } satisfies Order);
  await eventually(
    async () => (await device.get<PairingHere>('/api/pairing')).offered?.state === 'asked',
    `${flood} to ask`,
    SOON_MS,
  );
  await device.get('/api/pairing/approve', { method: 'POST' });
  await joined;
}

const residentBytes = async (device: Named): Promise<number> =>
  (await device.get<{ residentBytes: number }>('/stats')).residentBytes;

test('T10 five devices flood one: an honest edit passes, memory stays, and all five are cut off', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n', 'other.md': '# Other\n' });
  await using honest = await start('honest');
  await pair(laptop, honest);
  await eventually(async () => (await connectedTo(honest)).includes('laptop'), 'the two to be connected', SOON_MS);
  const { id } = laptop.project;
  await eventually(
    async () => (await honest.get<{ projects: unknown[] }>('/api/projects-elsewhere')).projects.length > 0,
    'the project of the other',
    SOON_MS,
  );
  await honest.get(`/api/projects-elsewhere/${id}/attach`, { body: { localPath: join(honest.root, 'attached') } });

  const flooders = fork(join(import.meta.dirname, 'flooders.fixture.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    for (const flood of FLOODS) await addFlooder(laptop, flooders, flood);
    await eventually(async () => (await connectedTo(laptop)).length === 6, 'all to be connected', SOON_MS);

    const page = await laptop.document('page');
    const other = await laptop.document('other');
    const [writer, reader] = [honest.client(), laptop.client()].map((client) =>
      client.openDocument({ projectId: id, documentId: page.id }),
    );
    if (writer === undefined || reader === undefined) throw new Error('the page did not open');
    await eventually(
      () => writer.text.toString() === '# Page\n' && reader.text.toString() === '# Page\n',
      'the page',
      SOON_MS,
    );

    const before = await residentBytes(laptop);
    const ended = once(flooders, 'message');
    flooders.send({ order: 'flood', documentId: other.id, forMs: FLOOD_MS } satisfies Order);
    const began = performance.now();
    let most = before;
    const waits: number[] = [];
    for (let n = 0; performance.now() - began < FLOOD_MS; n++) {
      const marker = `edit ${n};`;
      const at = performance.now();
      writer.text.insert(writer.text.length, marker);
      await eventually(() => reader.text.toString().endsWith(marker), marker, SOON_MS);
      waits.push(performance.now() - at);
      most = Math.max(most, await residentBytes(laptop));
      await new Promise((resolve) => setTimeout(resolve, EDIT_EVERY_MS));
    }
    const [{ floods }] = (await ended) as [Extract<Told, { told: 'flooded' }>];

    const text = `# Page\n${waits.map((_, n) => `edit ${n};`).join('')}`;
    expect(reader.text.toString()).toBe(text);
    waits.sort((a, b) => a - b);
    const [p50, p95] = [0.5, 0.95].map((share) => waits[Math.floor(waits.length * share)]?.toFixed(0));
    console.log(`  ${waits.length} honest edits while five flood: p50 ${p50} ms, p95 ${p95} ms`);
    console.log(
      `  memory ${(before / 2 ** 20).toFixed(0)} MiB, at most ${((most - before) / 2 ** 20).toFixed(0)} MiB more`,
    );
    for (const { flood, messages, bytes, cutAfterMs, letInAgain } of floods)
      console.log(
        `  ${flood}: ${messages} messages, ${(bytes / 2 ** 20).toFixed(1)} MiB, cut off after ${cutAfterMs?.toFixed(0)} ms, let in again ${letInAgain} times`,
      );
    expect(waits.length).toBeGreaterThan(10);
    expect(most - before).toBeLessThan(GROWTH_BYTES_MAX);
    expect(
      floods.filter(({ cutAfterMs }) => cutAfterMs === null || cutAfterMs > 5_000).map(({ flood }) => flood),
    ).toEqual([]);
    expect((await connectedTo(laptop)).join()).toBe('honest');
    expect((await laptop.document('other')).path).toBe('other');
  } finally {
    if (flooders.connected) flooders.send({ order: 'end' } satisfies Order);
    await once(flooders, 'exit');
  }
});
