/**
 * R1: `kill -9` at any moment, 3 documents, 50 edits a second into each. What the device said is on its disk is there
 * after it starts again, and so is what another client had seen: both once. Two devices are killed at a time.
 */
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { startDevice, type Device } from '../../conformance/device.fixture.ts';
import { markersIn, sitDown, type Typist } from './typist.fixture.ts';

const PATHS = ['one', 'two', 'three'];
const EVERY_MS = 20;

type Tally = { kills: number; acknowledged: number; seen: number; lost: string[] };

test('R1 200 kills at any moment lose none of the edits that were acknowledged, and none that somebody else had seen', async () => {
  const { numRuns, seed } = trials('R1 kills of a typing device', 200);
  const tally: Tally = { kills: 0, acknowledged: 0, seen: 0, lost: [] };
  await Promise.all([0, 1].map((lane) => killAgainAndAgain(seed + lane, Math.ceil((numRuns - lane) / 2), tally)));
  console.log(
    `  ${tally.kills} kills, ${tally.acknowledged} edits acknowledged, ${tally.seen} seen by another client, ${tally.lost.length} of them lost`,
  );
  expect(tally.lost).toEqual([]);
  expect(tally.kills).toBe(numRuns);
  expect(tally.acknowledged).toBeGreaterThan(numRuns * 5);
}, 1_800_000);

async function killAgainAndAgain(seed: number, kills: number, tally: Tally): Promise<void> {
  const next = chance(seed);
  // Without a path no interpreter is looked for, so that it starts sooner.
  await using device = await startDevice({
    files: Object.fromEntries(PATHS.map((path) => [`${path}.md`, `# ${path}\n`])),
    env: { LOG_LEVEL: 'warn', PATH: '' },
  });
  const owed = PATHS.map(() => new Set<string>());
  let number = 0;
  for (let kill = 0; kill < kills; kill++) {
    if (kill > 0) await device.start();
    const writers = await check(device, owed, tally);
    const readers = await Promise.all(PATHS.map((path) => sitDown(device, path)));
    const typing = setInterval(() => {
      for (const writer of writers) writer.type(`⟦${kill}-${number++}⟧`);
    }, EVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, next() * 500));
    await device.kill();
    clearInterval(typing);
    for (const [index, owing] of owed.entries()) {
      const before = owing.size;
      for (const marker of writers[index]?.saved() ?? []) owing.add(marker);
      tally.acknowledged += owing.size - before;
      for (const marker of markersIn(readers[index]?.text() ?? '').keys()) {
        if (!owing.has(marker)) tally.seen++;
        owing.add(marker);
      }
    }
    for (const typist of [...writers, ...readers]) typist.close();
    tally.kills++;
  }
  await device.start();
  for (const typist of await check(device, owed, tally)) typist.close();
}

/** Opens all documents with empty hands, so that nothing comes back from where it was typed. */
async function check(device: Device, owed: readonly ReadonlySet<string>[], tally: Tally): Promise<Typist[]> {
  const typists = await Promise.all(PATHS.map((path) => sitDown(device, path)));
  for (const [index, owing] of owed.entries()) {
    const found = markersIn(typists[index]?.text() ?? '');
    for (const marker of owing)
      if (found.get(marker) !== 1) tally.lost.push(`${marker}: ${found.get(marker) ?? 0} times`);
    for (const [marker, count] of found) if (count > 1) tally.lost.push(`${marker}: ${count} times`);
  }
  return typists;
}
