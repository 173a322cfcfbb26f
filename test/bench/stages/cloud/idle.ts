/** What people who only have a document open cost a cloud. */
import { readFileSync } from 'node:fs';
import { inTurn, rowOf, withDriver, withFolder, type Bench, type Stage } from '../../bench.ts';
import type { Row } from '../../result.ts';
import { withClouds } from './with-clouds.ts';

const CONNECTIONS = 2_000;
const EACH = 10;
const MANY = 10_000;
const MANY_MB = 1_500;
/** Files that a process has open besides. */
const OTHER_FILES = 500;

export const cloudIdle: Stage = {
  name: 'cloud-idle',
  about: 'resident memory of a connection that does nothing, ten to a document; and of 10,000',
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
            connections: CONNECTIONS,
            pid: running.pid,
          }),
        clouds,
      );
      const a = (connections: number, mb: number): number => (mb * 1_000) / connections;
      return [
        rowOf(
          bench,
          cloudIdle.name,
          `resident a connection, of ${CONNECTIONS.toLocaleString('en-US')}`,
          'KB',
          found,
          ({ none, open }) => a(CONNECTIONS, open - none),
          { ratio: 'at-most', of: 0.5 },
        ),
        rowOf(bench, cloudIdle.name, 'resident, nothing open', 'MB', found, ({ none }) => none),
        ...(await many(bench, clouds)),
      ];
    }),
};

async function many(bench: Bench, clouds: Parameters<Parameters<typeof withClouds>[2]>[0]): Promise<readonly Row[]> {
  const measure = `resident, ${MANY.toLocaleString('en-US')} connections`;
  const most = openFilesMax();
  if (most < MANY + OTHER_FILES) {
    bench.skip(measure, `a process may have ${most} files open here (ulimit -n)`);
    return [];
  }
  return withFolder((folder) =>
    withDriver(async (driver) => {
      const cloud = await clouds.start(folder);
      const { open } = await driver.run('idle', {
        addresses: Array.from({ length: MANY / EACH }, (_, at) => cloud.address(`many-${at}`)),
        connections: MANY,
        pid: cloud.pid,
      });
      await cloud.stop();
      return [
        {
          ...{ stage: cloudIdle.name, measure, unit: 'MB', ours: open, peers: {} },
          target: { limit: 'at-most', of: MANY_MB },
        },
      ];
    }),
  );
}

/** How many files a process that this one starts may have open. */
function openFilesMax(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
