/** Resident memory of the server: 1,000 documents of 10 KB opened, and all left again. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { rowOf, withDriver, withFolder, type Stage } from '../bench.ts';
import { markco } from '../servers/markco.ts';

const DOCUMENTS = 1_000;
const LENGTH = 10_000;
const AFTER_MS = 10_000;

export const memory: Stage = {
  name: 'memory',
  about: '1,000 open documents of 10 KB, and 10 s after all have left',
  async run(bench) {
    return withFolder(async (folder) =>
      withDriver(async (driver) => {
        const found = new Map<string, { none: number; open: number; left: number }[]>();
        for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
          for (const server of [markco, ...bench.peers]) {
            const running = await server.start(await mkdtemp(join(folder, 'server-')));
            try {
              const addresses = Array.from({ length: DOCUMENTS }, (_, at) => running.address(`memory-${at}`));
              const result = await driver.run('memory', {
                addresses,
                length: LENGTH,
                pid: running.pid,
                afterMs: AFTER_MS,
              });
              found.set(server.name, [...(found.get(server.name) ?? []), result]);
            } catch (error) {
              bench.skip(`${this.name}, ${server.name}`, error instanceof Error ? error.message : String(error));
            } finally {
              await running.stop();
            }
          }
        }
        return [
          rowOf(bench, this.name, 'resident, nothing open', 'MB', found, ({ none }) => none),
          rowOf(bench, this.name, 'growth with 1,000 open', 'MB', found, ({ none, open }) => open - none, {
            ratio: 'at-most',
            of: 0.5,
          }),
          rowOf(bench, this.name, 'growth left after all have left', 'MB', found, ({ none, left }) => left - none),
        ];
      }),
    );
  },
};
