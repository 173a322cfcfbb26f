/** What devices cost that have nothing to say. */
import { withFolder, type Bench, type Stage } from '../../bench.ts';
import { cpuMs } from '../../machine.ts';
import type { Row, Target } from '../../result.ts';
import { withMesh } from '../../servers/mesh.ts';
import { bytesBetween, whyNoBytes } from '../../servers/wire-bytes.ts';
import { delay } from '../../wait.ts';
import { allArrived, pages } from './pages.ts';

const IDLE = 'mesh-idle';

const row = (stage: string, measure: string, unit: string, ours: number, target?: Target): Row => ({
  ...{ stage, measure, unit, ours, peers: {} },
  ...(target === undefined ? {} : { target }),
});
const atMost = (of: number): Target => ({ limit: 'at-most', of });

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
  if (why === undefined) {
    const { sent, received } = bytesBetween(pid, [other]);
    return sent + received;
  }
  bench.skip('bytes between devices', why);
  return Number.NaN;
}
