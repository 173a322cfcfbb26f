/** kill -9 of the server: what of that which others had already seen is gone when it is back. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { withDriver, withFolder, type Stage } from '../bench.ts';
import type { Row } from '../result.ts';
import { markco } from '../servers/markco.ts';

const TYPING_MS = 6_000;

export const kill: Stage = {
  name: 'kill',
  about: 'kill -9 at the moment another client sees an edit, and after 6 s of typing',
  async run(bench) {
    const trials = bench.quick ? 10 : 100;
    const lost = new Map<string, number | null>();
    const lostTyping = new Map<string, number | null>();
    await withFolder(async (folder) =>
      withDriver(async (driver) => {
        for (const server of [markco, ...bench.peers]) {
          const its = await mkdtemp(join(folder, 'server-'));
          try {
            let running = await server.start(its);
            let gone = 0;
            for (let trial = 0; trial < trials; trial++) {
              await driver.run('killWhenSeen', { address: running.address(`kill-${trial}`), pid: running.pid });
              await running.kill();
              running = await server.start(its);
              const { length } = await driver.run('lengthOf', {
                address: running.address(`kill-${trial}`),
                expected: 1,
              });
              if (length < 1) gone++;
            }
            lost.set(server.name, (gone * 100) / trials);
            const { seen } = await driver.run('killWhileTyping', {
              address: running.address('typing'),
              pid: running.pid,
              ms: TYPING_MS,
            });
            await running.kill();
            running = await server.start(its);
            const { length } = await driver.run('lengthOf', { address: running.address('typing'), expected: seen });
            lostTyping.set(server.name, (Math.max(0, seen - length) * 100) / seen);
            await running.kill();
          } catch (error) {
            bench.skip(`${this.name}, ${server.name}`, error instanceof Error ? error.message : String(error));
          }
        }
      }),
    );
    const row = (measure: string, found: ReadonlyMap<string, number | null>): Row => ({
      stage: this.name,
      measure,
      unit: '%',
      ours: found.get(markco.name) ?? Number.NaN,
      peers: Object.fromEntries(bench.peers.map(({ name }) => [name, found.get(name) ?? null])),
      target: { limit: 'at-most', of: 0 },
    });
    return [row(`edits seen by others that are lost, of ${trials}`, lost), row('of 6 s of typing', lostTyping)];
  },
};
