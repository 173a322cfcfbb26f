/**
 * R3: the disk fails one fdatasync (strace injects EIO into the running device), as Linux does: once, after which it
 * says that all is well though what was to be written may be gone. From then on nothing is acknowledged until the
 * store was opened anew; whoever watches is told within a second; and what was acknowledged is there after a kill.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { eventually, startDevice, type Device } from '../../conformance/device.fixture.ts';
import { markersIn, sitDown } from './typist.fixture.ts';

const TOLD_WITHIN_MS = 1_000;
const RECOVERED_WITHIN_MS = 10_000;
/** Devices beside each other: most of the time one waits until it may open its store again. */
const LANES = 2;

/** Why it cannot be done here, or undefined. */
function lacking(): string | undefined {
  if (process.platform !== 'linux') return 'strace is a program of Linux';
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore', timeout: 10_000 });
    return undefined;
  } catch {
    return 'strace is not installed, or may not trace here (apt-get install strace)';
  }
}

type Traced = {
  /** Unix milliseconds: when a sync of the log failed, and when the store's lock was taken. */
  failures(): Promise<number[]>;
  openings(): Promise<number[]>;
  detach(): Promise<void>;
};

/** Lets the `nth` fdatasync from now on fail. Resolves once the device is traced. */
async function failSync(device: Device, nth: number, number: number): Promise<Traced> {
  const { pid } = JSON.parse(await readFile(join(device.home, 'device.json'), 'utf8')) as { pid: number };
  const path = join(device.root, `trace-${number}`);
  const strace = spawn(
    'strace',
    [
      '-f',
      '-y',
      '-ttt',
      '-e',
      'trace=fdatasync,openat',
      '-e',
      `inject=fdatasync:error=EIO:when=${nth}`,
      '-o',
      path,
      '-p',
      String(pid),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  strace.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await eventually(() => said.includes('attached'), 'strace to be attached');
  const lines = async (pattern: RegExp): Promise<number[]> =>
    (await readFile(path, 'utf8'))
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => Number(/^\d+\s+(\d+\.\d+)/.exec(line)?.[1]) * 1_000);
  return {
    // A call that another thread interrupts is written in two lines; the second one names no file.
    failures: () => lines(/fdatasync.*INJECTED/),
    openings: () => lines(/openat\(.*\/store\/LOCK"/),
    async detach() {
      const gone = once(strace, 'exit');
      strace.kill('SIGINT');
      await gone;
    },
  };
}

test('R3 after a failed fdatasync nothing is acknowledged until the store was opened anew, and whoever watches is told within a second', async (context) => {
  const reason = lacking();
  if (reason !== undefined) return context.skip(reason);
  const { numRuns, seed } = trials('R3 failed syncs of a running device', 50);
  const lanes = await Promise.all(
    Array.from({ length: LANES }, (_, lane) => failAgainAndAgain(seed + lane, Math.ceil((numRuns - lane) / LANES))),
  );
  const slowest = Math.max(...lanes.map((lane) => lane.slowest));
  const acknowledged = lanes.reduce((sum, lane) => sum + lane.acknowledged, 0);
  console.log(`  ${acknowledged} edits acknowledged, 0 lost; told after ${Math.round(slowest)} ms at most`);
  expect(slowest).toBeLessThan(TOLD_WITHIN_MS);
  expect(lanes.reduce((sum, lane) => sum + lane.trials, 0)).toBe(numRuns);
}, 1_800_000);

/** Answers how many trials there were, how many edits were acknowledged, and after how long trouble was told at most. */
async function failAgainAndAgain(
  seed: number,
  count: number,
): Promise<{ readonly trials: number; readonly acknowledged: number; readonly slowest: number }> {
  const next = chance(seed);
  // strace counts in each thread; with one thread for files, seldom more than one sync of a trial fails.
  await using device = await startDevice({
    files: { 'page.md': '# Page\n' },
    env: { LOG_LEVEL: 'warn', PATH: '', UV_THREADPOOL_SIZE: '1' },
  });
  const troubles: { at: number; recovered: boolean; code: string }[] = [];
  const watcher = device.client();
  watcher.watchProject(device.project.id, ({ trouble }) => {
    if (trouble?.path === '') troubles.push({ at: Date.now(), recovered: trouble.recovered, code: trouble.code });
  });
  const owed = new Set<string>();
  let slowest = 0;
  let writer = await sitDown(device, 'page');
  let trial = 0;
  for (; trial < count; trial++) {
    const trace = await failSync(device, 1 + Math.floor(next() * 6), trial);
    const from = troubles.length;
    const acknowledged: { at: number; count: number }[] = [];
    let number = 0;
    const typing = setInterval(() => {
      writer.type(`⟦${trial}-${number++}⟧`);
      acknowledged.push({ at: performance.timeOrigin + writer.savedAt(), count: writer.saved().size });
    }, 10);
    await eventually(() => troubles[from], `the trouble of trial ${trial} to be told`);
    await eventually(
      () => troubles[from + 1],
      `the end of the trouble of trial ${trial} to be told`,
      RECOVERED_WITHIN_MS,
    );
    clearInterval(typing);
    await trace.detach();
    // strace counts in each thread, so another sync may have failed since; its trouble belongs to this trial.
    writer.type(`⟦${trial}-last⟧`);
    await eventually(() => writer.saved().has(`⟦${trial}-last⟧`), 'everything to be acknowledged');
    await eventually(() => (troubles.length - from) % 2 === 0, 'the end of every trouble to be told');
    const failures = await trace.failures();
    const openings = await trace.openings();
    const told = troubles.slice(from);
    expect(told.map(({ recovered }) => recovered)).toEqual(told.map((_, index) => index % 2 === 1));
    expect(told[0]?.code).toBe('storage_failed');
    slowest = Math.max(slowest, (told[0]?.at ?? Number.NaN) - (failures[0] ?? Number.NaN));
    // What was on its way when the sync failed may arrive a little later.
    const early = acknowledged.filter(({ at }) =>
      failures.some((failed) => at > failed + 20 && !openings.some((opened) => opened > failed && opened < at)),
    );
    const which = `trial ${trial}, MARKCO_SEED=${seed}`;
    expect(failures.length, which).toBeGreaterThan(0);
    expect(
      openings.some((at) => at > (failures[0] ?? Number.NaN)),
      which,
    ).toBe(true);
    expect(early, which).toEqual([]);
    for (const marker of writer.saved()) owed.add(marker);
    if (trial % 10 !== 9 && trial !== count - 1) continue;
    await device.kill();
    writer.close();
    await device.start();
    watcher.reconnect();
    await eventually(() => watcher.connection.get().state === 'online', 'the watcher to be back');
    writer = await sitDown(device, 'page');
    const found = markersIn(writer.text());
    expect([...owed].filter((marker) => found.get(marker) !== 1)).toEqual([]);
  }
  writer.close();
  return { trials: trial, acknowledged: owed.size, slowest };
}
