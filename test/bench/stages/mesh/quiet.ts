/** What devices cost that have nothing to say, and what it takes to find out that there is little after a time apart. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder, type Bench, type Stage } from '../../bench.ts';
import { cpuMs } from '../../machine.ts';
import { median } from '../../quantile.ts';
import type { Row, Target } from '../../result.ts';
import { withMesh, type MeshDevice } from '../../servers/mesh.ts';
import { bytesBetween, whyNoBytes } from '../../servers/wire-bytes.ts';
import { delay, eventually } from '../../wait.ts';

const IDLE = 'mesh-idle';
const RETURN = 'mesh-return';
const ALL_MS = 600_000;
const APART_MS = 60_000;
/** What follows a reconnect on purpose, as who is where, has been said by then. */
const SETTLED_MS = 3_000;

const row = (stage: string, measure: string, unit: string, ours: number, target?: Target): Row => ({
  ...{ stage, measure, unit, ours, peers: {} },
  ...(target === undefined ? {} : { target }),
});
const atMost = (of: number): Target => ({ limit: 'at-most', of });

const pages = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `folder-${at % 20}/page-${at}.md`,
      `# Page ${at}\n\nWords of page ${at}.\n`,
    ]),
  );

/** Resolves when a device has a file with this text; when it was written there, Unix milliseconds. */
const arrived = (device: MeshDevice, path: string, text: string): Promise<number> =>
  eventually(`${path} on ${device.name}`, ALL_MS, async () => {
    const file = join(device.folder, path);
    if ((await readFile(file, 'utf8').catch(() => '')) !== text) return undefined;
    return (await stat(file)).mtimeMs;
  });

async function allArrived(device: MeshDevice, count: number): Promise<void> {
  await eventually(`${count} pages on ${device.name}`, ALL_MS, async () => {
    await delay(500);
    const { documents } = await device.api<{ documents: unknown[] }>(`/api/projects/${device.projectId}/documents`);
    return documents.length === count ? true : undefined;
  });
  for (const [path, text] of Object.entries(pages(count)).filter((_, at) => at % 97 === 0))
    await arrived(device, path, text);
}

export const meshIdle: Stage = {
  name: IDLE,
  about: 'two devices that are connected and have nothing to do, over more than a minute',
  run: (bench) =>
    withFolder((folder) =>
      withMesh(folder, ['one', 'two'], pages(100), async ([one, two]) => {
        await allArrived(two, 100);
        await delay(10_000);
        const seconds = bench.quick ? 20 : 90;
        const pids = [one.device.pid, two.device.pid] as const;
        const [cpu, bytes] = [await Promise.all(pids.map(cpuMs)), counted(bench, pids)];
        await delay(seconds * 1_000);
        const after = await Promise.all(pids.map(cpuMs));
        const percent = after.map((ms, at) => (ms - (cpu[at] ?? 0)) / (10 * seconds));
        const sent = counted(bench, pids) - bytes;
        return [
          row(IDLE, 'processor, of a core', '%', Math.max(...percent), atMost(1)),
          row(IDLE, 'between the two', 'KB/min', (sent / 1_000 / seconds) * 60, atMost(20)),
        ];
      }),
    ),
};

/** NaN where it cannot be counted. */
function counted(bench: Bench, [pid, other]: readonly [number, number]): number {
  const why = whyNoBytes();
  if (why === undefined) return bytesBetween(pid, [other]);
  bench.skip('bytes between devices', why);
  return Number.NaN;
}

export const meshReturn: Stage = {
  name: RETURN,
  about: 'a device that was away for a while, with three pages of 10,000 changed meanwhile, and with none',
  run: (bench) => {
    const count = bench.quick ? 500 : 10_000;
    return withFolder((folder) =>
      withMesh(folder, ['one', 'two'], pages(count), async ([one, two]) => {
        const began = performance.now();
        await allArrived(two, count);
        const first = (performance.now() - began) / 1_000;
        await delay(5_000);
        const pids = [one.device.pid, two.device.pid] as const;
        const found: Record<'three' | 'none', { bytes: number[]; ms: number[] }> = {
          three: { bytes: [], ms: [] },
          none: { bytes: [], ms: [] },
        };
        for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
          for (const [kind, changed] of [
            ['three', [3, 77, 401]],
            ['none', []],
          ] as const) {
            await apart(one, two);
            const texts = changed.map(
              (at) => [`folder-${at % 20}/page-${at}.md`, `# Page ${at}\n\nround ${round}\n`] as const,
            );
            for (const [path, text] of texts) await writeFile(join(one.folder, path), text);
            await delay(1_000);
            process.kill(two.device.pid, 'SIGCONT');
            const since = await together(one);
            const written = await Promise.all(texts.map(([path, text]) => arrived(two, path, text)));
            await delay(SETTLED_MS);
            found[kind].bytes.push(counted(bench, pids) / 1_000);
            if (written.length > 0) found[kind].ms.push(Math.max(...written) - since);
          }
        }
        return [
          row(RETURN, `the first time, ${count.toLocaleString('en-US')} pages`, 's', first),
          row(RETURN, 'three changed, from being connected to the files', 'ms', median(found.three.ms), atMost(300)),
          row(RETURN, '… between the two, connecting included', 'KB', median(found.three.bytes), atMost(64)),
          row(RETURN, 'none changed, connecting included', 'KB', median(found.none.bytes)),
        ];
      }),
    );
  },
};

/** The second one stops in its tracks, until the first one has noticed. */
async function apart(one: MeshDevice, two: MeshDevice): Promise<void> {
  process.kill(two.device.pid, 'SIGSTOP');
  await eventually('the other device being missed', APART_MS, async () =>
    (await one.connectedTo()).length === 0 ? true : undefined,
  );
}

/** Since when the two are connected, Unix milliseconds. */
async function together(one: MeshDevice): Promise<number> {
  return eventually('being connected again', APART_MS, async () => {
    const { devices } = await one.api<{ devices: { connection?: { state: string; since: string } }[] }>('/api/devices');
    const found = devices.find(({ connection }) => connection?.state === 'connected');
    return found?.connection === undefined ? undefined : Date.parse(found.connection.since);
  });
}
