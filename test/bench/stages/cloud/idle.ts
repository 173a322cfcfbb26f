/** What people who only have a document open cost a cloud. */
import { readFileSync } from 'node:fs';
import { inTurn, rowOf, withDriver, withFolder, type Bench, type Measured, type Stage } from '../../bench.ts';
import type { Idle } from '../../driver/idle.ts';
import type { Row } from '../../result.ts';
import type { Clouds } from '../../servers/cloud.ts';
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
      const found = await started(bench, clouds);
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

/** A start for each round: a server that let thousands go keeps their memory, and further ones seem to cost nothing. */
async function started(bench: Bench, clouds: Clouds): Promise<Measured<Idle>> {
  const found = new Map<string, readonly Idle[]>();
  for (let round = bench.quick ? 1 : 5; round > 0; round--) {
    const its = await inTurn(
      bench,
      cloudIdle.name,
      1,
      (running, driver) =>
        driver.run('idle', {
          addresses: Array.from({ length: CONNECTIONS / EACH }, (_, at) => running.address(`idle-${at}`)),
          ...{ first: FIRST, connections: CONNECTIONS },
          pid: running.pid,
        }),
      clouds,
    );
    for (const [name, results] of its) found.set(name, [...(found.get(name) ?? []), ...results]);
  }
  return found;
}

async function many(bench: Bench, clouds: Clouds): Promise<readonly Row[]> {
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
