/**
 * R4: the disk is full (a tmpfs of 8 MiB holds the device's home and the project). Nothing is truncated,
 * acknowledgements stop, reading and peers go on, and within five seconds of space coming back all is saved.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { trials } from '../../../setup/trials.ts';
import { eventually, startDevice, type Device } from '../../conformance/device.fixture.ts';
import { smallDisk, withTemporaryFolder, type SmallDisk } from '../small-disk.ts';
import { markersIn, sitDown, type Typist } from './typist.fixture.ts';

const DISK_BYTES = 8 * 1024 * 1024;
const RECOVERED_WITHIN_MS = 5_000;

/** Where writing is refused, how much room is left before that, and what leads there. */
const SITES = {
  'the log': {
    leave: 0,
    lead: async (writer: Typist, _device: Device, number: number) =>
      writer.type(`⟦big-${number} ${'x'.repeat(64 * 1024)}⟧`),
  },
  'a row of the catalog': {
    leave: 0,
    lead: async (_writer: Typist, device: Device, number: number, disk: SmallDisk) => {
      let round = 0;
      const refused = await eventually(async () => {
        await disk.fill(0);
        const answer = await device.ask(`/api/projects/${device.project.id}/documents`, {
          body: { path: `new-${number}-${round++}`, text: 'y'.repeat(32 * 1024) },
        });
        return answer.status >= 400 ? answer : undefined;
      }, 'a new document to be refused');
      expect(refused.json).toMatchObject({ error: { message: expect.stringMatching(/\w+/) } });
    },
  },
  'a compaction': {
    leave: 48 * 1024,
    lead: async (writer: Typist, _device: Device, number: number) => {
      for (let i = 0; i < 700; i++) writer.type(`⟦c-${number}-${i}⟧`);
    },
  },
  'the file': {
    leave: 8 * 1024,
    lead: async (writer: Typist, _device: Device, number: number) => writer.type(`⟦small-${number}⟧`),
  },
} as const;

const storageOf = async (device: Device): Promise<string> => (await device.get<{ storage: string }>('/stats')).storage;

/** Types until the disk refuses: the store frees room of its own now and then (a compaction), which is filled again. */
async function runOut(disk: SmallDisk, device: Device, writer: Typist, number: number): Promise<void> {
  let round = 0;
  await eventually(async () => {
    await disk.fill(0);
    // More than the pages that the log has already.
    for (let i = 0; i < 20; i++) writer.type(`⟦full-${number}-${round}-${i}-${'z'.repeat(1_000)}⟧`);
    round++;
    return (await storageOf(device)) === 'disk_full';
  }, 'the disk to refuse');
}

/** For longer than the device waits before it tries again; a time in which it found room of its own does not count. */
async function expectNothingSaved(disk: SmallDisk, device: Device, writer: Typist): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const stopped = writer.saved().size;
    await new Promise((resolve) => setTimeout(resolve, 700));
    const saved = writer.saved().size - stopped;
    if ((await disk.fill(0)) > 0) {
      await eventually(async () => (await storageOf(device)) === 'disk_full', 'the disk to refuse again');
      continue;
    }
    expect(saved, 'acknowledged while the disk is full').toBe(0);
    return;
  }
  throw new Error('The device found room on the full disk again and again');
}

test('R4 a full disk stops acknowledgements and nothing else, and within 5 s of space coming back all is saved', async (context) => {
  await using disk = await smallDisk(DISK_BYTES);
  if (disk === undefined) return context.skip('a disk of its own can only be mounted by root');
  const { numRuns } = trials(`R4 full disks at each of ${Object.keys(SITES).length} places`, 3);
  await using device = await withTemporaryFolder(disk.folder, () =>
    startDevice({
      files: { 'page.md': `# Page\n${'text '.repeat(4_000)}\n`, 'other.md': 'another document\n' },
      env: { LOG_LEVEL: 'warn', PATH: '' },
    }),
  );
  // Read once, so that it has a state; later from the store again, since nobody has it open.
  (await sitDown(device, 'other')).close();
  const owed = new Set<string>();
  let number = 0;
  let slowest = 0;
  for (const [site, { leave, lead }] of Object.entries(SITES)) {
    for (let run = 0; run < numRuns; run++) {
      const [writer, reader] = await Promise.all([sitDown(device, 'page'), sitDown(device, 'page')]);
      writer.type(`⟦before-${number}⟧`);
      await eventually(() => writer.saved().has(`⟦before-${number}⟧`), 'an edit to be saved');
      await disk.fill(leave);
      await lead(writer, device, number, disk);
      await runOut(disk, device, writer, number);
      await eventually(() => reader.text() === writer.text(), `peers to go on while ${site} is refused`);
      await expectNothingSaved(disk, device, writer);
      // Reading goes on, also of what nobody has open.
      expect((await device.documents()).length).toBeGreaterThan(1);
      for (const [path, text] of [
        ['page', writer.text()],
        ['other', 'another document\n'],
      ] as const) {
        const late = await sitDown(device, path);
        expect(late.text()).toBe(text);
        late.close();
      }
      expect((await readFile(join(device.folder, 'page.md'), 'utf8')).startsWith('# Page\n'), 'the file is whole').toBe(
        true,
      );
      const began = performance.now();
      await disk.free();
      await eventually(
        () => markersIn(writer.text()).size === new Set([...writer.saved(), ...owed]).size,
        `all to be saved after ${site}`,
        RECOVERED_WITHIN_MS,
      );
      slowest = Math.max(slowest, performance.now() - began);
      await eventually(
        async () => (await readFile(join(device.folder, 'page.md'), 'utf8')) === writer.text(),
        `the file to follow after ${site}`,
        RECOVERED_WITHIN_MS,
      );
      for (const marker of writer.saved()) owed.add(marker);
      for (const typist of [writer, reader]) typist.close();
      number++;
    }
    await device.kill();
    await device.start();
    const fresh = await sitDown(device, 'page');
    const found = markersIn(fresh.text());
    expect([...owed].filter((marker) => found.get(marker) !== 1)).toEqual([]);
    fresh.close();
  }
  console.log(
    `  ${owed.size} edits acknowledged, 0 lost; saved again ${Math.round(slowest)} ms after space came back, at most`,
  );
}, 600_000);
