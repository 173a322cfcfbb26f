/**
 * R17 between networks: devices that are cut apart, in one direction or in both, and written on meanwhile, have the same
 * bytes once they meet again, with every word once. `MARKCO_TRIALS=17` for 51 partitions.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { chance, trials } from '../../setup/trials.ts';
import { SOON } from './device.fixture.ts';
import { PAGE, threeWithAFolder, waysOf } from './folder.fixture.ts';
import { whyNoLab } from './lab.ts';
import { say, test } from './mesh.fixture.ts';
import { partition, setCut } from './partition.fixture.ts';

const why = await whyNoLab();
const PARTITIONS = 3;
/** The last is longer than a device that does not answer is waited for. */
const LENGTHS_MS = [300, 2_000, 9_000] as const;
/** Devices that gave each other up try again after seconds. */
const MET = { timeout: 60_000, interval: 50 };

test('R17 partitions in both and in one direction while they are written on: the same bytes everywhere, and every word once', async ({
  device,
  skip,
}) => {
  if (why !== null) return skip(why);
  const { numRuns, seed } = trials('R17 partitions', PARTITIONS);
  const random = chance(seed);
  const three = await threeWithAFolder(device, '# Page\n');
  const devices = [three.laptop, three.box, three.nas];
  const texts = () => Promise.all(devices.map(({ folder }) => readFile(join(folder, PAGE), 'utf8').catch(() => '')));
  await expect.poll(texts, SOON).toEqual(devices.map(() => '# Page\n'));
  const words: string[] = [];
  const healed: number[] = [];
  for (let at = 0; at < numRuns; at++) {
    const cuts = partition(at, random, devices);
    const [apart] = cuts;
    if (apart === undefined) throw new Error('nothing was cut');
    await setCut(cuts, true);
    // On both sides at once, so that neither has the other's.
    const written = [apart.from, apart.to].map(({ name, folder }) => {
      const word = `${name}${at}`;
      words.push(word);
      return appendFile(join(folder, PAGE), `${word}\n`);
    });
    await Promise.all(written);
    await new Promise((resolve) => setTimeout(resolve, LENGTHS_MS[(at + Math.floor(at / 3)) % LENGTHS_MS.length]));
    await setCut(cuts, false);
    const began = performance.now();
    const what = `cut ${cuts.map(({ from, to }) => `${from.name} > ${to.name}`).join(', ')}, trial ${at} of seed ${seed}`;
    const sorted = async () => (await texts()).map((text) => text.split('\n').toSorted().join(' ').trim());
    const all = ['# Page', ...words].toSorted().join(' ');
    await expect.poll(sorted, { ...MET, message: what }).toEqual(devices.map(() => all));
    await expect.poll(async () => new Set(await texts()).size, { ...SOON, message: what }).toBe(1);
    healed.push(Math.round(performance.now() - began));
    await expect.poll(() => waysOf(three), { ...MET, message: what }).not.toContain(null);
    say(`${what}: the same after ${healed.at(-1)} ms`);
  }
  const sorted = healed.toSorted((a, b) => a - b);
  const [half, most] = [0.5, 0.95].map((part) => sorted[Math.floor(sorted.length * part)]);
  say(
    `R17: ${numRuns} partitions, ${words.length} words, 0 lost; the same ${half} ms (p95 ${most}, at most ${sorted.at(-1)}) after they healed`,
  );
  expect(healed).toHaveLength(numRuns);
}, 1_800_000);
