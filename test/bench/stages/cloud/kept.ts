/** What a cloud on Postgres has taken in, opened cold; and a client that comes back with thousands of documents. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { rowOf, withDriver, withFolder, type Stage } from '../../bench.ts';
import type { CameBack } from '../../driver/return.ts';
import { median } from '../../quantile.ts';
import type { Row } from '../../result.ts';
import { EDITS, EDITS_QUICK, takeIn, type Taken } from '../trace.ts';
import { withClouds } from './with-clouds.ts';

export const cloudTrace: Stage = {
  name: 'cloud-trace',
  about: 'the trace of 259,778 edits into a cloud, and opened cold after a restart',
  async run(bench) {
    const { trace: path } = bench;
    if (path === undefined) {
      bench.skip(this.name, 'test/traces/automerge-paper.json.gz is missing; name another with --trace FILE');
      return [];
    }
    const edits = bench.quick ? EDITS_QUICK : EDITS;
    return withClouds(bench, this.name, (clouds) =>
      withFolder((folder) =>
        withDriver(async (driver) => {
          const found = new Map<string, Taken[]>();
          for (let round = 0; round < (bench.quick ? 1 : 2); round++) {
            for (const server of [clouds, ...bench.peers]) {
              try {
                const taken = await takeIn(server, driver, await mkdtemp(join(folder, 'server-')), path, edits);
                found.set(server.name, [...(found.get(server.name) ?? []), taken]);
              } catch (error) {
                bench.skip(`${this.name}, ${server.name}`, error instanceof Error ? error.message : String(error));
              }
            }
          }
          return [
            rowOf(bench, this.name, 'opened cold, server restarted', 'ms', found, ({ coldMs }) => coldMs, {
              ratio: 'at-most',
              of: 1 / 1.25,
            }),
            rowOf(bench, this.name, 'bytes of that', 'KB', found, ({ bytesDown }) => bytesDown / 1_000),
            rowOf(
              bench,
              this.name,
              `${edits.toLocaleString('en-US')} edits in`,
              'edits/s',
              found,
              ({ perSecond }) => perSecond,
            ),
            rowOf(bench, this.name, 'work left after the last edit', 'ms', found, ({ leftMs }) => leftMs),
          ];
        }),
      ),
    );
  },
};

const DOCUMENTS = 5_000;
const DOCUMENTS_QUICK = 500;
const LENGTH = 4_000;
/** Longer than the cloud keeps a document that nobody has open. */
const AWAY_MS = 9_000;

export const cloudReturn: Stage = {
  name: 'cloud-return',
  about:
    '5,000 documents of 4 KB back on one socket, nothing having changed: at once, and once the cloud gave them back',
  run: (bench) =>
    withClouds(bench, cloudReturn.name, (clouds) =>
      withFolder((folder) =>
        withDriver(async (driver) => {
          const count = bench.quick ? DOCUMENTS_QUICK : DOCUMENTS;
          const text = 'The quick brown fox jumps. '.repeat(LENGTH).slice(0, LENGTH);
          const cloud = await clouds.start(folder, { files: Array.from({ length: count }, () => text) });
          const rows: Row[] = [
            {
              ...{
                stage: cloudReturn.name,
                measure: `${count.toLocaleString('en-US')} documents from a device, all there`,
              },
              ...{ unit: 's', ours: cloud.broughtMs / 1_000, peers: {} },
            },
          ];
          for (const [when, awayMs] of [
            ['at once', 10],
            [`after ${AWAY_MS / 1_000} s`, AWAY_MS],
          ] as const) {
            const rounds: CameBack[] = [];
            for (let round = 0; round < (bench.quick ? 1 : 3); round++)
              rounds.push(await driver.run('returnByStream', { ...cloud, awayMs }));
            const of = (pick: (round: CameBack) => number): number => median(rounds.map(pick));
            const row = (measure: string, unit: string, ours: number, most?: number): Row => ({
              ...{
                stage: cloudReturn.name,
                measure: `${count.toLocaleString('en-US')} documents back ${when}${measure}`,
                unit,
                ours,
                peers: {},
              },
              ...(most === undefined || bench.quick ? {} : { target: { limit: 'at-most', of: most } }),
            });
            rows.push(
              row(
                '',
                'ms',
                of(({ ms }) => ms),
                1_000,
              ),
              row(
                ', down and up',
                'KB',
                of(({ bytes }) => bytes / 1_000),
                400,
              ),
            );
          }
          return rows;
        }),
      ),
    ),
};
