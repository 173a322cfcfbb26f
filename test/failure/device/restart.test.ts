/**
 * R7: a device that is killed between an edit, its projection and the write of the file neither repeats nor takes back
 * anything, whoever wrote it; and afterwards file and document are equal.
 *
 * Each trial kills once, with several documents under way, at a point that can be seen from outside; where the moment
 * inside that point matters it is random. Lines are unique, so that each must be there exactly once for ever.
 */
import { watch } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenDocument } from '@markco/client';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { eventually, startDevice, type Device } from '../../conformance/device.fixture.ts';

const DOCUMENTS = 8;
/** Devices that are killed beside each other, since a device that starts keeps one core busy. */
const LANES = 2;
/** Without a path no interpreter is looked for, so that it starts sooner. */
const ENVIRONMENT = { LOG_LEVEL: 'warn', PATH: '' };

type Trial = {
  readonly device: Device;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly open: readonly OpenDocument[];
  /** Types a new line at the start of a document. */
  type(index: number): void;
  /** Lets another program append a line to its file. */
  append(index: number): Promise<void>;
};

const POINTS: Readonly<Record<string, (trial: Trial) => Promise<void>>> = {
  async 'an edit was sent'({ open, type, random }) {
    open.forEach((_, index) => type(index));
    await delay(random() * 4);
  },
  async 'an edit was acknowledged'({ open, type }) {
    open.forEach((_, index) => type(index));
    await Promise.all(open.map((one) => one.saved(AbortSignal.timeout(5_000))));
  },
  async 'the temporary file is there'({ device, open, type, random }) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = watch(device.folder, (_event, name) => {
      if (name?.endsWith('.tmp') === true) resolve();
    });
    open.forEach((_, index) => type(index));
    await Promise.race([promise, delay(5_000)]);
    watcher.close();
    await delay(random() * 10);
  },
  async 'the first file was replaced'({ device, open, type }) {
    open.forEach((_, index) => type(index));
    const wanted = open[0]?.text.toString();
    await eventually(async () => (await readFile(join(device.folder, 'd0.md'), 'utf8')) === wanted, 'the first file');
  },
  async 'another program wrote'({ open, append, random }) {
    await Promise.all(open.map((_, index) => append(index)));
    await delay(random() * 100);
  },
  async 'what another program wrote was seen'({ device, open, append }) {
    await Promise.all(open.map((_, index) => append(index)));
    const wanted = await readFile(join(device.folder, 'd0.md'), 'utf8');
    await eventually(() => open[0]?.text.toString() === wanted, 'the line in the document');
  },
  async 'both at once'({ open, type, append, random }) {
    await Promise.all(open.map((_, index) => append(index)));
    open.forEach((_, index) => type(index));
    await delay(random() * 200);
  },
};

test('R7 6 kills at each point between edit, projection and file, 8 documents under way at each: nothing twice, nothing taken back, file and document equal', async () => {
  const { numRuns, seed } = trials('R7 kills at each point', 6);
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    killAtEachPoint(chance(seed + lane), Math.ceil((numRuns - lane) / LANES)),
  );
  const kills = (await Promise.all(lanes)).reduce((sum, its) => sum + its, 0);
  expect(kills).toBe(numRuns * Object.keys(POINTS).length);
}, 900_000);

/** Answers how often it killed. */
async function killAtEachPoint(random: () => number, rounds: number): Promise<number> {
  const names = Array.from({ length: DOCUMENTS }, (_, index) => `d${index}`);
  await using device = await startDevice({
    files: Object.fromEntries(names.map((name) => [`${name}.md`, `${name}\n`])),
    env: ENVIRONMENT,
  });
  const client = device.client();
  const documents = await Promise.all(names.map((name) => device.document(name)));
  const open = documents.map(({ id }) => client.openDocument({ projectId: device.project.id, documentId: id }));
  await Promise.all(open.map(({ ready }) => ready));
  const lines = names.map((name) => [name]);
  let next = 0;
  let kills = 0;
  const trial: Trial = {
    device,
    random,
    open,
    type(index) {
      const line = `c${next++}`;
      open[index]?.text.insert(0, `${line}\n`);
      lines[index]?.push(line);
    },
    async append(index) {
      const line = `o${next++}`;
      await appendFile(join(device.folder, `d${index}.md`), `${line}\n`);
      lines[index]?.push(line);
    },
  };
  const isWhole = (text: string, index: number): boolean =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .toSorted()
      .join() === lines[index]?.toSorted().join();
  for (let round = 0; round < rounds; round++) {
    for (const [point, reach] of Object.entries(POINTS)) {
      await reach(trial);
      await device.kill();
      kills++;
      await device.start();
      client.reconnect();
      for (const [index, one] of open.entries()) {
        const file = (): Promise<string> => readFile(join(device.folder, `d${index}.md`), 'utf8');
        await eventually(
          async () => isWhole(one.text.toString(), index) && (await file()) === one.text.toString(),
          point,
        ).catch(async () =>
          expect({ point, document: one.text.toString(), file: await file() }).toEqual({ point, lines: lines[index] }),
        );
      }
    }
  }
  // And it stays so, for a device that opens them anew.
  await device.stop();
  await device.start();
  const reader = device.client();
  for (const [index, { id }] of documents.entries()) {
    const one = reader.openDocument({ projectId: device.project.id, documentId: id });
    await one.ready;
    expect([
      index,
      isWhole(one.text.toString(), index),
      await readFile(join(device.folder, `d${index}.md`), 'utf8'),
    ]).toEqual([index, true, one.text.toString()]);
  }
  return kills;
}

test(
  'R7 10 kills while documents are opened for the first time: each has its text once',
  { timeout: 600_000 },
  async () => {
    const { numRuns, seed } = trials('R7 kills of a first opening', 10);
    const random = chance(seed);
    await using device = await startDevice({ files: { 'd.md': 'd\n' }, env: ENVIRONMENT });
    for (let kill = 0; kill < numRuns; kill++) {
      const names = Array.from({ length: DOCUMENTS }, (_, index) => `new-${kill}-${index}`);
      for (const name of names) await writeFile(join(device.folder, `${name}.md`), `# ${name}\n`);
      const found = await eventually(async () => {
        const all = await device.documents();
        const mine = names.map((name) => all.find(({ path }) => path === name));
        return mine.every((one) => one !== undefined) ? mine : undefined;
      }, 'the new documents to be listed');
      const client = device.client();
      for (const { id } of found) client.openDocument({ projectId: device.project.id, documentId: id });
      await delay(random() * 25);
      await Promise.all([device.kill(), client.close()]);
      // Another program goes on meanwhile.
      await appendFile(join(device.folder, `${names[0]}.md`), 'while it was down\n');
      await device.start();
      const reader = device.client();
      for (const [index, { id }] of found.entries()) {
        const wanted = `# ${names[index]}\n${index === 0 ? 'while it was down\n' : ''}`;
        const one = reader.openDocument({ projectId: device.project.id, documentId: id });
        await eventually(() => one.text.toString() === wanted, `${names[index]} to be whole`).catch(() =>
          expect([kill, one.text.toString(), one.status.get()]).toEqual([kill, wanted, 'ready']),
        );
        expect(await readFile(join(device.folder, `${names[index]}.md`), 'utf8')).toBe(wanted);
      }
      await reader.close();
    }
  },
);
