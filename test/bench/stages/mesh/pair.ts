/** Two devices beside libp2p alone: an edit, a run and a gigabyte from one to the other. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { withDriver, withFolder, type Stage } from '../../bench.ts';
import { median, quantile } from '../../quantile.ts';
import type { Row, Target } from '../../result.ts';
import { withBareLibp2p, withMesh } from '../../servers/mesh.ts';

const PEER = 'bare libp2p';
const LATENCY = 'mesh-latency';
const BULK = 'mesh-bulk';
const MB = 1_000_000;
/** What is seen on one device alone is typed into a page of its own: each edit has one reader. */
const PAGES = { 'page.md': '# Page\n', 'alone.md': '# Alone\n' };

const row = (
  stage: string,
  measure: string,
  unit: string,
  ours: number,
  bare: number | null,
  target?: Target,
): Row => ({ stage, measure, unit, ours, peers: { [PEER]: bare }, ...(target === undefined ? {} : { target }) });

export const meshLatency: Stage = {
  name: LATENCY,
  about: 'an edit and a run from one device to another one, beside a bare round trip of libp2p',
  run: (bench) =>
    withFolder((folder) =>
      withBareLibp2p((bare) =>
        withMesh(folder, ['one', 'two'], PAGES, async ([one, two]) =>
          withDriver(async (driver) => {
            const count = bench.quick ? 100 : 500;
            const [writer, reader] = [await one.address('page'), await two.address('page')];
            const alone = await one.address('alone');
            const edits = await driver.run('meshEdits', { writer, reader, alone, bare, count });
            const { projectId } = one;
            const on = { origin: two.device.origin, token: two.device.token, name: two.name };
            const from = { origin: one.device.origin, token: one.device.token };
            const runs = await driver.run('meshRuns', { from, on, projectId, bare, count });
            const [trip, runTrip] = [median(edits.bare), median(runs.bare)];
            return [
              row(LATENCY, 'an edit seen by a client of the other device, p50', 'ms', median(edits.ours), trip, {
                ratio: 'at-most',
                of: 1.3,
              }),
              row(LATENCY, '… by another client of the same device', 'ms', median(edits.alone), trip),
              row(
                LATENCY,
                '… so much of it for the other device',
                'ms',
                median(edits.ours) - median(edits.alone),
                trip,
              ),
              row(LATENCY, '… of the other device, p95', 'ms', quantile(edits.ours, 0.95), quantile(edits.bare, 0.95)),
              row(
                LATENCY,
                '`1+1` run on the other device, p50, less a round trip',
                'ms',
                median(runs.ours) - runTrip,
                runTrip,
                {
                  limit: 'at-most',
                  of: 1.5,
                },
              ),
              row(LATENCY, '… asked for on that device itself, p50', 'ms', median(runs.alone), runTrip),
              row(LATENCY, '… on the other one, p95', 'ms', quantile(runs.ours, 0.95), quantile(runs.bare, 0.95)),
            ];
          }),
        ),
      ),
    ),
};

export const meshBulk: Stage = {
  name: BULK,
  about: 'a file of 1 GB from one device to another one, verified and on disk, beside a bare stream of libp2p',
  run: (bench) =>
    withFolder((folder) =>
      withBareLibp2p((bare) =>
        withMesh(folder, ['one', 'two'], { 'page.md': '# Page\n' }, async ([one, two]) =>
          withDriver(async (driver) => {
            const bytes = (bench.quick ? 100 : 1_000) * MB;
            const [ours, theirs]: [number[], number[]] = [[], []];
            for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
              theirs.push(bytes / MB / (await driver.run('bareBulk', { address: bare, bytes })));
              const name = `_assets/film-${round}.bin`;
              await writeRandom(join(folder, 'film.bin'), bytes);
              // There at once and whole: of what is still being written the other device may have had the beginning.
              await mkdir(join(one.folder, '_assets'), { recursive: true });
              await rename(join(folder, 'film.bin'), join(one.folder, name));
              const url = `${two.device.origin}/api/projects/${two.projectId}/files/${name}`;
              const { token } = two.device;
              const seconds = await driver.run('meshBulk', { url, token, file: join(two.folder, name), bytes });
              ours.push(bytes / MB / seconds);
            }
            return [
              row(BULK, 'one file, on the other disk and verified', 'MB/s', median(ours), median(theirs), {
                ratio: 'at-least',
                of: 0.7,
              }),
            ];
          }),
        ),
      ),
    ),
};

async function writeRandom(file: string, bytes: number): Promise<void> {
  await using handle = await open(file, 'w');
  const block = randomBytes(MB);
  for (let at = 0; at < bytes; at += block.length) {
    block.writeUInt32LE(at / MB);
    await handle.write(block);
  }
  await handle.sync();
}
