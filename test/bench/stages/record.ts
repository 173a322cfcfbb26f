/**
 * What the user's devices know of each other: 50 devices with 500 projects, each open on some of them, as a device finds
 * it on its disk when it starts. Once as each of them says it in one go, and once with each opening as a step of its own.
 */
import { readHistory } from '@markco/node/mesh/record/history';
import { writeOwn } from '@markco/node/mesh/record/own';
import { openRecord, type MeshRecord } from '@markco/node/mesh/record/record';
import { bring, DEVICES, ownOf, PROJECTS, synthetic, type Synthetic } from '@markco/node/mesh/record/synthetic.fixture';
import { tableRange } from '@markco/replica/store/key';
import { openLevelStore } from '@markco/replica/store/level';
import type { LocalStore } from '@markco/replica/store/store';
import { join } from 'node:path';
import { withFolder, type Bench, type Stage } from '../bench.ts';
import { median } from '../quantile.ts';
import type { Row, Target } from '../result.ts';

const STORED_KB_MAX = 2 * 1024;
const LOAD_MS_MAX = 50;
const FURTHER = 2_000;

export const record: Stage = {
  name: 'record',
  about: `what ${DEVICES} devices with ${PROJECTS} projects know of each other: size, and the time to load it`,
  async run(bench) {
    const row = (measure: string, unit: string, ours: number, target?: Target): Row => ({
      ...{ stage: this.name, measure, unit, ours, peers: {} },
      ...(target === undefined ? {} : { target }),
    });
    const once = await measure(bench, synthetic('in one go'));
    const steps = await measure(bench, synthetic('step by step'));
    const atMost = (of: number): Target => ({ limit: 'at-most', of });
    return [
      row('stored', 'KB', once.storedKb, atMost(STORED_KB_MAX)),
      row('read from disk until it is there', 'ms', once.loadMs, atMost(LOAD_MS_MAX)),
      row('as facts, once after each change', 'ms', once.viewMs),
      row(
        `with a history of ${steps.changes.toLocaleString('en-US')} changes: stored`,
        'KB',
        steps.storedKb,
        atMost(STORED_KB_MAX),
      ),
      row('… read from disk until it is there', 'ms', steps.loadMs),
      row('… the last 50 changes in words', 'ms', steps.historyMs),
      row('… all of it taken over from another device', 'ms', steps.takenMs),
      row('… stored at most within further changes', 'KB', steps.mostKb, atMost(STORED_KB_MAX)),
      row('… in so many chunks at most', '', steps.chunks),
    ];
  },
};

/** Of one record: its sizes, and medians over several starts. */
async function measure(bench: Bench, mesh: Synthetic) {
  return withFolder(async (folder) => {
    let store = await openLevelStore(join(folder, 'store'));
    const device = mesh.devices[0] ?? expected();
    const open = (): Promise<MeshRecord> =>
      openRecord({
        ...{ store, ids: mesh.ids, deviceId: device, userId: mesh.user, isMember: () => true },
        onTrouble: (doing, cause) => bench.say(`  ${doing}: ${String(cause)}`),
      });
    let record = await open();
    const takenMs = await timed(() => bring(record, mesh));
    await record.close();
    const stored = await sizeOf(store);

    const [loads, views, histories]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < (bench.quick ? 3 : 15); round++) {
      await record.close();
      await store.close();
      store = await openLevelStore(join(folder, 'store'));
      loads.push(await timed(async () => void (record = await open())));
      views.push(await timed(async () => void record.view()));
      histories.push(await timed(async () => void readHistory(record.raw(), 50)));
      const { devices, projects } = record.view();
      if (devices.size !== DEVICES || projects.size !== PROJECTS) expected();
    }

    const most = { bytes: 0, chunks: 0 };
    for (let at = 0; at < (bench.quick ? FURTHER / 10 : FURTHER); at++) {
      await record.change((draft) => writeOwn(draft, ownOf(device, `name ${at}`, [], new Map())));
      if (at % 20 !== 0) continue;
      const size = await sizeOf(store);
      most.bytes = Math.max(most.bytes, size.bytes);
      most.chunks = Math.max(most.chunks, size.chunks);
    }
    await record.close();
    await store.close();
    return {
      ...{ changes: mesh.changes.length, storedKb: stored.bytes / 1024, takenMs },
      ...{ loadMs: median(loads), viewMs: median(views), historyMs: median(histories) },
      ...{ mostKb: most.bytes / 1024, chunks: most.chunks },
    };
  });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function sizeOf(store: LocalStore): Promise<{ bytes: number; chunks: number }> {
  let bytes = 0;
  let chunks = 0;
  for await (const [, value] of store.range(tableRange('g'))) {
    bytes += value.length;
    chunks += 1;
  }
  return { bytes, chunks };
}

function expected(): never {
  throw new Error('this record is not the one that was made');
}
