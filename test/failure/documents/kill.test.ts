/**
 * R1: `kill -9` at any moment, 3 documents, 50 edits a second into each. What was acknowledged is on the disk after a
 * new start, and so is what another client had seen: both once. Two programs are killed at a time: one kill in four is
 * that of a whole device, the others are those of what keeps its documents, without what starts around it.
 */
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { startDevice } from '../../conformance/device.fixture.ts';
import { startReplica } from './replica.fixture.ts';
import { markersIn, sitDown, sitDownAt, type Typist } from './typist.fixture.ts';

const PATHS = ['one', 'two', 'three'];
const EVERY_MS = 20;

type Tally = { kills: number; acknowledged: number; seen: number; lost: string[] };
type Program = {
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Somebody who has one of the documents open. */
  readonly sit: (path: string) => Promise<Typist>;
};

test('R1 200 kills at any moment lose none of the edits that were acknowledged, and none that somebody else had seen', async () => {
  const { numRuns, seed } = trials('R1 kills of what somebody types into', 200);
  const tally: Tally = { kills: 0, acknowledged: 0, seen: 0, lost: [] };
  const ofDevices = Math.ceil(numRuns / 4);
  const share = (all: number, lane: number): number => Math.ceil((all - lane) / 2);
  await Promise.all(
    [0, 1].map(async (lane) => {
      const next = chance(seed + lane);
      await killDevice(next, share(ofDevices, lane), tally);
      await killReplica(next, share(numRuns - ofDevices, lane), tally);
    }),
  );
  console.log(
    `  ${tally.kills} kills, ${tally.acknowledged} edits acknowledged, ${tally.seen} seen by another client, ${tally.lost.length} of them lost`,
  );
  expect(tally.lost).toEqual([]);
  expect(tally.kills).toBe(numRuns);
  expect(tally.acknowledged).toBeGreaterThan(numRuns * 5);
}, 1_800_000);

async function killDevice(next: () => number, kills: number, tally: Tally): Promise<void> {
  // Without a path no interpreter is looked for, so that it starts sooner.
  await using device = await startDevice({
    files: Object.fromEntries(PATHS.map((path) => [`${path}.md`, `# ${path}\n`])),
    env: { LOG_LEVEL: 'warn', PATH: '' },
  });
  await killAgainAndAgain({ ...device, sit: (path) => sitDown(device, path) }, next, kills, tally);
}

async function killReplica(next: () => number, kills: number, tally: Tally): Promise<void> {
  await using replica = await startReplica();
  await killAgainAndAgain({ ...replica, sit: (path) => sitDownAt(replica.socket(path)) }, next, kills, tally);
}

async function killAgainAndAgain(program: Program, next: () => number, kills: number, tally: Tally): Promise<void> {
  const owed = PATHS.map(() => new Set<string>());
  let number = 0;
  for (let kill = 0; kill < kills; kill++) {
    if (kill > 0) await program.start();
    const writers = await check(program, owed, tally);
    const readers = await Promise.all(PATHS.map((path) => program.sit(path)));
    const typing = setInterval(() => {
      for (const writer of writers) writer.type(`⟦${kill}-${number++}⟧`);
    }, EVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, next() * 500));
    await program.kill();
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
  await program.start();
  for (const typist of await check(program, owed, tally)) typist.close();
}

/** Opens all documents with empty hands, so that nothing comes back from where it was typed. */
async function check(program: Program, owed: readonly ReadonlySet<string>[], tally: Tally): Promise<Typist[]> {
  const typists = await Promise.all(PATHS.map((path) => program.sit(path)));
  for (const [index, owing] of owed.entries()) {
    const found = markersIn(typists[index]?.text() ?? '');
    for (const marker of owing)
      if (found.get(marker) !== 1) tally.lost.push(`${marker}: ${found.get(marker) ?? 0} times`);
    for (const [marker, count] of found) if (count > 1) tally.lost.push(`${marker}: ${count} times`);
  }
  return typists;
}
