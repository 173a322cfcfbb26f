/** A file that is saved on one machine and is on another one, beside Syncthing. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder, type Stage } from '../../bench.ts';
import { quantile } from '../../quantile.ts';
import type { Row, Target } from '../../result.ts';
import { withMesh } from '../../servers/mesh.ts';
import { whyNoSyncthing, withSyncthing } from '../../servers/syncthing.ts';
import { delay, eventually } from '../../wait.ts';

const FILES = 'mesh-files';
const PEER = 'Syncthing';
const LIMIT_MS = 60_000;
const POLL_MS = 2;
const WARM_UP = 3;

/** Milliseconds from a file being saved, as an editor does it, to the other folder having it. */
async function saves(from: string, to: string, count: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let at = -WARM_UP; at < count; at++) {
    const text = `# Page\n\nsaved ${at} times\n`;
    // Not in step with whatever either of them does from time to time.
    await delay(300 + (((at + WARM_UP) * 137) % 400));
    await writeFile(join(from, '.page.md.tmp'), text);
    await rename(join(from, '.page.md.tmp'), join(from, 'page.md'));
    const began = performance.now();
    await eventually('the file on the other side', LIMIT_MS, async () => {
      await delay(POLL_MS);
      return (await readFile(join(to, 'page.md'), 'utf8').catch(() => '')) === text ? true : undefined;
    });
    if (at >= 0) found.push(performance.now() - began);
  }
  return found;
}

export const meshFiles: Stage = {
  name: FILES,
  about: 'a file saved on one device until it is on the other one, beside Syncthing with its shortest delay',
  run: (bench) =>
    withFolder(async (folder) => {
      const count = bench.quick ? 10 : 40;
      const ours = await withMesh(folder, ['one', 'two'], { 'page.md': '# Page\n' }, ([one, two]) =>
        saves(one.folder, two.folder, count),
      );
      const why = whyNoSyncthing();
      if (why !== undefined) bench.skip(PEER, why);
      const theirs = why === undefined ? await withSyncthing(folder, (one, two) => saves(one, two, count)) : null;
      const row = (measure: string, part: number, target?: Target): Row => ({
        ...{ stage: FILES, measure, unit: 'ms', ours: quantile(ours, part) },
        peers: theirs === null ? {} : { [PEER]: quantile(theirs, part) },
        ...(target === undefined ? {} : { target }),
      });
      return [
        row('a file saved here is there, p50', 0.5),
        row('… p95, beside Syncthing', 0.95, { ratio: 'at-most', of: 0.25 }),
        row('… p95', 0.95, { limit: 'at-most', of: 500 }),
      ];
    }),
};
