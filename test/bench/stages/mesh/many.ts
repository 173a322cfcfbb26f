/** Twenty devices of one person on one machine: how soon all have what many wrote, and what that costs. */
import { withDriver, withFolder, type Stage } from '../../bench.ts';
import { cpuMs } from '../../machine.ts';
import type { Row } from '../../result.ts';
import { withMesh, type MeshDevice } from '../../servers/mesh.ts';
import { bytesBetween, whyNoBytes } from '../../servers/wire-bytes.ts';
import { delay, eventually } from '../../wait.ts';

const MANY = 'mesh-many';
const ALL_MS = 900_000;

async function hasAll(device: MeshDevice, pages: number): Promise<void> {
  await eventually(`${pages} pages on ${device.name}`, ALL_MS, async () => {
    const { documents } = await device.api<{ documents: { contentHash: string }[] }>(
      `/api/projects/${device.projectId}/documents`,
    );
    if (documents.length === pages) return true;
    await delay(500);
    return undefined;
  });
}

export const meshMany: Stage = {
  name: MANY,
  about: 'many edits on 1,000 documents of 20 devices at once, until all have all of them',
  run: (bench) => {
    const [count, pages, edits] = bench.quick ? [4, 100, 1_000] : [20, 1_000, 10_000];
    const names = Array.from({ length: count }, (_, at) => `device-${at}`);
    const files = Object.fromEntries(Array.from({ length: pages }, (_, at) => [`page-${at}.md`, `# Page ${at}\n`]));
    return withFolder((folder) =>
      withMesh(
        folder,
        names,
        files,
        async (devices) =>
          withDriver(async (driver) => {
            await delay(5_000);
            const pids = devices.map(({ device }) => device.pid);
            const cpuBefore = await sum(pids);
            const bytesBefore = bytesOf(pids);
            const addresses = await Promise.all(
              Array.from({ length: pages }, async (_, at) => ({
                writer: await (devices[at % count] ?? devices[0]).address(`page-${at}`),
                files: devices.map((device) => `${device.folder}/page-${at}.md`),
              })),
            );
            const seconds = await driver.run('burst', { pages: addresses, each: edits / pages });
            await delay(2_000);
            const cpu = (await sum(pids)) - cpuBefore;
            const why = whyNoBytes();
            if (why !== undefined) bench.skip('bytes between devices', why);
            const bytes = why === undefined ? bytesOf(pids) - bytesBefore : Number.NaN;
            const row = (measure: string, unit: string, ours: number): Row => ({
              ...{ stage: MANY, measure, unit, ours, peers: {} },
            });
            const what = `${edits.toLocaleString('en-US')} edits, ${pages.toLocaleString('en-US')} pages, ${count} devices`;
            return [
              row(`${what}: in every file of every device after`, 's', seconds),
              row('… processor, of all devices', 's', cpu / 1_000),
              row('… processor, an edit and device', 'ms', cpu / edits / count),
              row('… between them', 'MB', bytes / 1e6),
              row('… an edit and device', 'bytes', bytes / edits / count),
            ];
          }),
        async (device) => {
          const began = performance.now();
          await hasAll(device, pages);
          bench.say(`  ${pages} pages on ${device.name} after ${((performance.now() - began) / 1_000).toFixed(1)} s`);
        },
      ),
    );
  },
};

const sum = async (pids: readonly number[]): Promise<number> =>
  (await Promise.all(pids.map(cpuMs))).reduce((all, each) => all + each, 0);
/** Each connection is counted once. */
const bytesOf = (pids: readonly number[]): number =>
  pids.reduce((all, pid, at) => {
    const { sent, received } = bytesBetween(pid, pids.slice(at + 1));
    return all + sent + received;
  }, 0);
