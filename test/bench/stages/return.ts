/** A laptop opened again: many documents back after a dropped connection, nothing having changed. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rowOf, withDriver, withFolder, type Bench, type Stage } from '../bench.ts';
import type { Driver } from '../drive.ts';
import { quantile } from '../quantile.ts';
import type { Row } from '../result.ts';
import { markco, projectFolder, startDevice } from '../servers/markco.ts';
import { yWebsocket } from '../servers/peers.ts';
import type { CameBack } from '../driver/return.ts';

const LENGTH = 4_000;

async function ourReturn(driver: Driver, folder: string, count: number): Promise<CameBack> {
  const project = projectFolder(folder);
  await mkdir(project, { recursive: true });
  const text = 'The quick brown fox jumps. '.repeat(LENGTH).slice(0, LENGTH);
  await Promise.all(Array.from({ length: count }, (_, at) => writeFile(join(project, `note-${at}.md`), text)));
  const device = await startDevice(folder);
  try {
    const { documents } = (await (await device.get(`/api/projects/${device.projectId}/documents`)).json()) as {
      documents: { id: string }[];
    };
    if (documents.length !== count) throw new Error(`${documents.length} of ${count} documents are known`);
    const documentIds = documents.map(({ id }) => id);
    return await driver.run('returnByStream', {
      origin: device.origin,
      token: device.token,
      projectId: device.projectId,
      documentIds,
    });
  } finally {
    await device.stop();
  }
}

async function theirReturn(driver: Driver, folder: string, count: number): Promise<CameBack> {
  const running = await yWebsocket.start(folder);
  try {
    const addresses = Array.from({ length: count }, (_, at) => running.address(`note-${at}`));
    return await driver.run('returnBySockets', { addresses, length: LENGTH });
  } finally {
    await running.stop();
  }
}

export const comeBack: Stage = {
  name: 'return',
  about: '1,000 documents of 4 KB back after a dropped connection; 5,000 come back',
  async run(bench: Bench) {
    return withFolder(async (folder) =>
      withDriver(async (driver) => {
        const found = new Map<string, CameBack[]>();
        const compare = bench.peers.includes(yWebsocket);
        for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
          const add = (name: string, result: CameBack): void =>
            void found.set(name, [...(found.get(name) ?? []), result]);
          add(markco.name, await ourReturn(driver, await mkdtemp(join(folder, 'server-')), 1_000));
          if (compare) add(yWebsocket.name, await theirReturn(driver, await mkdtemp(join(folder, 'server-')), 1_000));
        }
        const many: Row[] = [];
        const count = 5_000;
        try {
          const { ms } = await ourReturn(driver, await mkdtemp(join(folder, 'server-')), count);
          many.push({
            stage: this.name,
            measure: '5,000 documents back',
            unit: 'ms',
            ours: ms,
            peers: {},
            target: { limit: 'at-most', of: 60_000 },
          });
        } catch (error) {
          bench.skip('5,000 documents back', error instanceof Error ? error.message : String(error));
        }
        const only = { ...bench, peers: compare ? [yWebsocket] : [] };
        const opened = (found.get(markco.name) ?? []).map(({ firstMs }) => firstMs);
        return [
          rowOf(only, this.name, '1,000 documents back', 'ms', found, ({ ms }) => ms, { ratio: 'at-most', of: 0.6 }),
          rowOf(only, this.name, 'bytes down and up', 'KB', found, ({ bytes }) => bytes / 1_000, {
            ratio: 'at-most',
            of: 0.1,
          }),
          {
            stage: this.name,
            measure: '1,000 documents opened the first time',
            unit: 'ms',
            ours: quantile(opened, 0.5),
            peers: {},
          },
          ...many,
        ];
      }),
    );
  },
};
