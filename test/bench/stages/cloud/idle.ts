/** What people who only have a document open cost a cloud. */
import { readFileSync } from 'node:fs';
import { inTurn, rowOf, withDriver, withFolder, type Bench, type Stage } from '../../bench.ts';
import type { Row } from '../../result.ts';
import { withClouds } from './with-clouds.ts';

/** With so many open the others are counted. */
const FIRST = 1_000;
const CONNECTIONS = 5_000;
const EACH = 10;
const MANY = 10_000;
const MANY_MB = 1_500;
/** Files that a process has open besides. */
const OTHER_FILES = 500;

export const cloudIdle: Stage = {
  name: 'cloud-idle',
  about: 'resident memory of a further connection that does nothing, ten to a document; and of 10,000',
  run: (bench) =>
    withClouds(bench, cloudIdle.name, async (clouds) => {
      const rounds = bench.quick ? 1 : 3;
      const found = await inTurn(
        bench,
        cloudIdle.name,
        rounds,
        (running, driver, round) =>
          driver.run('idle', {
            addresses: Array.from({ length: CONNECTIONS / EACH }, (_, at) => running.address(`idle-${round}-${at}`)),
            ...{ first: FIRST, connections: CONNECTIONS },
            pid: running.pid,
          }),
        clouds,
      );
      return [
        rowOf(
          bench,
          cloudIdle.name,
          `resident a connection, from ${inWords(FIRST)} to ${inWords(CONNECTIONS)}`,
          'KB',
          found,
          ({ first, all }) => ((all - first) * 1_000) / (CONNECTIONS - FIRST),
          { ratio: 'at-most', of: 0.5 },
        ),
        rowOf(bench, cloudIdle.name, 'resident, nothing open', 'MB', found, ({ none }) => none),
        ...(await many(bench, clouds)),
      ];
    }),
};

async function many(bench: Bench, clouds: Parameters<Parameters<typeof withClouds>[2]>[0]): Promise<readonly Row[]> {
  const measure = `resident, ${inWords(MANY)} connections`;
  const most = openFilesMax();
  if (most < MANY + OTHER_FILES) {
    bench.skip(measure, `a process may have ${most} files open here (ulimit -n)`);
    return [];
  }
  return withFolder((folder) =>
    withDriver(async (driver) => {
      const cloud = await clouds.start(folder);
      const { all } = await driver.run('idle', {
        addresses: Array.from({ length: MANY / EACH }, (_, at) => cloud.address(`many-${at}`)),
        ...{ first: FIRST, connections: MANY },
        pid: cloud.pid,
      });
      await cloud.stop();
      return [
        {
          ...{ stage: cloudIdle.name, measure, unit: 'MB', ours: all, peers: {} },
          target: { limit: 'at-most', of: MANY_MB },
        },
      ];
    }),
  );
}

const inWords = (count: number): string => count.toLocaleString('en-US');

/** How many files a process that this one starts may have open. */
function openFilesMax(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
