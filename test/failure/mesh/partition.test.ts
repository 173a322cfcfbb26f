/**
 * R17: three devices of one person, cut apart in any split, both ways or one way, edited on all sides, and joined again:
 * in the end every device has the same bytes, and every word once.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { eventually } from '../../conformance/device.fixture.ts';
import { SOON_MS } from '../../conformance/paired.fixture.ts';
import type { Fault } from './network.fixture.ts';
import { NAMES, threeDevices } from './three.fixture.ts';

/** 50 are five times as many: MARKCO_TRIALS=5. */
const TRIALS = 10;
/** While nobody hears the other: long enough that all have noticed a cut. */
const APART_MS = 300;
/** After the devices are connected again. */
const HEALED_MS = 5_000;

test(`R17 ${TRIALS} partitions of three devices: the same bytes everywhere within five seconds, and every word once`, async (context) => {
  if (process.platform !== 'linux') context.skip('who calls is read from /proc, which only Linux has');
  const { numRuns, seed } = trials('R17 partitions', TRIALS);
  const random = chance(seed);
  await using three = await threeDevices({ 'page.md': '# Page\n' });
  const { network, devices, folders, projectId, areAllConnected } = three;
  const read = async () =>
    Promise.all(folders.map((folder) => readFile(join(folder, 'page.md'), 'utf8').catch(() => '')));
  const documentId = (await devices[0].document('page')).id;
  const pages = devices.map((device) => device.client().openDocument({ projectId, documentId }));
  const texts = (): string[] => pages.map(({ text }) => text.toString());
  await eventually(() => texts().every((text) => text.includes('# Page')), 'the page to be everywhere', SOON_MS);

  const words: string[] = [];
  const healed: number[] = [];
  for (let trial = 0; trial < numRuns; trial++) {
    const alone = Math.floor(random() * NAMES.length);
    const fault: Fault = random() < 0.7 ? { kind: 'cut' } : { kind: 'half-open' };
    const isOneWay = fault.kind === 'half-open' && random() < 0.5;
    const self = NAMES[alone] ?? 'laptop';
    for (const other of NAMES) {
      if (other === self) continue;
      network.set(self, other, fault);
      if (!isOneWay) network.set(other, self, fault);
    }
    for (const [at, { text }] of pages.entries())
      for (let n = 0; n < 3; n++) {
        const word = `t${trial}d${at}n${n};`;
        words.push(word);
        text.insert(Math.floor(random() * (text.length + 1)) === 0 ? 0 : text.length, word);
      }
    await new Promise((resolve) => setTimeout(resolve, APART_MS));
    network.heal();
    await eventually(areAllConnected, `all to be connected again, trial ${trial} of seed ${seed}`, SOON_MS);
    const began = performance.now();
    const isSame = (): boolean =>
      new Set(texts()).size === 1 && words.every((word) => texts()[0]?.split(word).length === 2);
    await eventually(isSame, `all to be the same, trial ${trial} of seed ${seed}`, SOON_MS).catch((error: unknown) => {
      throw new Error(
        `${String(error)}: ${JSON.stringify(texts().map((text) => words.filter((word) => text.split(word).length !== 2)))}`,
      );
    });
    healed.push(performance.now() - began);
  }
  await eventually(
    async () => (await read()).every((text) => text === texts()[0]),
    'the files to be the same',
    SOON_MS,
  );
  console.log(
    `  ${numRuns} partitions, ${words.length} words, 0 lost; the same at most ${Math.max(...healed).toFixed(0)} ms after they were connected`,
  );
  expect(healed).toHaveLength(numRuns);
  expect(Math.max(...healed)).toBeLessThan(HEALED_MS);
});
