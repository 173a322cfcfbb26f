/** A page that is left alone while its device is killed again and again: its runs end once, with all they printed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '@markco/protocol';
import { WebSocket } from 'ws';
import { chance, trials } from '../../setup/trials.ts';
import { messagesOf } from '../conformance/device.fixture.ts';
import type { Device } from './device.ts';
import { expect, testWithOwnDevice as test, type Folder } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

/** No more lines than a page keeps, however slow the machine. */
const LINES_MAX = 1_900;
const LONG_LINE = 'x'.repeat(500);
/** Two sessions at once: a worker of Python, whose output fits its fence, and a keeper, whose output becomes an asset. */
const PAGE = `\`\`\`python
import pathlib, time
for i in range(${LINES_MAX}):
    print("line", i, flush=True)
    time.sleep(0.05)
    if pathlib.Path("end").exists():
        break
print("python ends")
\`\`\`

\`\`\`bash
for ((i = 0; i < ${LINES_MAX}; i++)); do
  echo "line $i ${LONG_LINE}"
  sleep 0.05
  [ -e end ] && break
done
echo "bash ends"
\`\`\`
`;
const CELLS = [
  { ends: 'python ends', line: (index: number) => `line ${index}` },
  { ends: 'bash ends', line: (index: number) => `line ${index} ${LONG_LINE}` },
] as const;
/** Past this a killed device is back, and so is its page, whose tries are seconds apart by then. */
const BACK = { ...SOON, timeout: 40_000 };

const shown = async (notebook: Notebook, index: number): Promise<string> =>
  (await notebook.output(index).locator('.mc-stream-scroller').textContent()) ?? '';

/** The output in the file, and in its asset where the fence only has the beginning and the end. */
async function written(folder: Folder): Promise<readonly string[]> {
  const fences = [...(await folder.read('kills.md')).matchAll(/^```output\n([^]*?)^```$/gm)];
  return Promise.all(
    fences.map(async ([, text = '']) => {
      const whole = /\[whole output\]\(([^)]+)\)/.exec(text)?.[1];
      return whole === undefined ? text : folder.read(whole);
    }),
  );
}

async function eventsOf(device: Device, run: string): Promise<readonly RunEvent[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${device.port}/api/runs/${run}/events`, {
    headers: { authorization: `Bearer ${device.token}` },
  });
  return (await messagesOf(socket)).messages as RunEvent[];
}

test('RUN-5 the device is killed ten times: the page, untouched, shows every line and one end', async ({
  device,
  openFolder,
  openPage,
}) => {
  const { numRuns: kills, seed } = trials('kills of a device with a page', 10);
  const random = chance(seed);
  const folder = await openFolder({ 'kills.md': PAGE });
  const notebook = await openPage(folder, 'kills');
  for (const index of CELLS.keys()) {
    await notebook.seen.locator('.mc-run').nth(index).click();
    await expect.poll(() => shown(notebook, index), SOON).toContain('line 0');
  }

  for (let kill = 1; kill <= kills; kill++) {
    // At the last one the runs are about to end.
    if (kill === kills) await folder.write('end', '');
    await delay(random() * (kill === kills ? 150 : 1_000));
    await device.kill();
    await device.start();
  }

  for (const [index, { ends, line }] of CELLS.entries()) {
    await expect.poll(() => notebook.status(index).textContent(), BACK).toContain('✓');
    await expect.poll(() => shown(notebook, index), SOON).toContain(ends);
    const count = (await shown(notebook, index)).split('\n').length - 2;
    const whole = `${Array.from({ length: count }, (_, at) => `${line(at)}\n`).join('')}${ends}\n`;
    expect(count).toBeGreaterThan(kills);
    expect(await shown(notebook, index)).toBe(whole);
    await expect.poll(async () => (await written(folder))[index], BACK).toBe(whole);
  }
  expect(await written(folder)).toHaveLength(CELLS.length);

  const { runs } = await device.api('runs', { query: { projectId: folder.project.id } });
  expect(runs.map(({ state }) => state)).toEqual(CELLS.map(() => 'completed'));
  for (const { id } of runs) {
    const events = await eventsOf(device, id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    expect(events.filter(({ type }) => type === 'result' || type === 'error')).toEqual([events.at(-1)]);
  }
});
