/** A device on its second start: how soon it is there, and how much memory it takes with much known and little open. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder, type Stage } from '../bench.ts';
import { median } from '../quantile.ts';
import { residentMb } from '../machine.ts';
import type { Row } from '../result.ts';
import { projectFolder, startDevice, timeNpmStart } from '../servers/markco.ts';
import { connect } from '../driver/wire.ts';
import { delay } from '../wait.ts';

const DOCUMENTS = 1_000;
const OPEN = 10;

export const start: Stage = {
  name: 'start',
  about: 'second start and memory of a device that knows 1,000 documents',
  async run(bench) {
    return withFolder(async (folder) => {
      const project = projectFolder(folder);
      await mkdir(project, { recursive: true });
      for (let at = 0; at < DOCUMENTS; at++) {
        await writeFile(join(project, `note-${at}.md`), `# Note ${at}\n\n${'Some words of a note. '.repeat(450)}\n`);
      }
      await (await startDevice(folder)).stop();
      const ready: number[] = [];
      const resident: number[] = [];
      for (let round = 0; round < (bench.quick ? 2 : 5); round++) {
        ready.push(await timeNpmStart(folder));
        const device = await startDevice(folder);
        const wires = Array.from({ length: OPEN }, (_, at) => connect(device.address(`note-${at}`)));
        await Promise.all(wires.map(({ answered }) => answered));
        await delay(3_000);
        resident.push(await residentMb(device.pid));
        await Promise.all(wires.map((wire) => wire.cut()));
        await device.stop();
      }
      const row = (measure: string, unit: string, ours: number, of: number): Row => ({
        stage: this.name,
        measure,
        unit,
        ours,
        peers: {},
        target: { limit: 'at-most', of },
      });
      return [
        row('`npm start` to ready, second start', 'ms', median(ready), 3_000),
        row('resident, 1,000 documents known, 10 open', 'MB', median(resident), 150),
      ];
    });
  },
};
