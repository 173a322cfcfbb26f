/** R12: a run starts at most once, whatever the wire does and whoever crashes; and it ends, once. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { trials } from '../../../../../setup/trials.ts';
import { isOver, smallMesh, type SmallMesh, type Wire } from './small-mesh.fixture.ts';

/** Of each trial TRIAL_RUNS runs. Half a minute to a minute. */
const TRIALS = 1_250;
const TRIAL_RUNS = 16;
/** By the word of its host it was canceled while it ran. */
const NEVER = '9999-12-31';
const CALM_MS = 15 * 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }));
afterEach(() => void vi.useRealTimers());

type Weather = {
  readonly seed: number;
  readonly lossPercent: number;
  readonly doublePercent: number;
  readonly slowMs: number;
  readonly storms: readonly {
    readonly what: 'cut' | 'one-way' | 'crash-host' | 'crash-submitter' | 'heal' | 'cancel' | 'finish';
    readonly who: number;
    readonly afterMs: number;
  }[];
};

/** A small generator of chance (mulberry32): the same seed gives the same trial. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const weathers = fc.record<Weather>({
  seed: fc.nat(),
  lossPercent: fc.constantFrom(0, 5, 30),
  doublePercent: fc.constantFrom(0, 10, 50),
  slowMs: fc.constantFrom(5, 300, 4_000),
  storms: fc.array(
    fc.record({
      what: fc.constantFrom('cut', 'one-way', 'crash-host', 'crash-submitter', 'heal', 'cancel', 'finish'),
      who: fc.nat(2),
      afterMs: fc.constantFrom(0, 1, 40, 700, 5_200, 12_000, 70_000),
    }),
    { minLength: 4, maxLength: 16 },
  ),
});

type Ended = { readonly runs: number; readonly starts: number; readonly unreachable: number };

async function live(weather: Weather): Promise<Ended> {
  const chance = chanceOf(weather.seed);
  const cut = new Set<string>();
  let isCalm = true;
  const ids = {
    now: () => Date.now(),
    randomBytes: (length: number) => Uint8Array.from({ length }, () => Math.floor(chance() * 256)),
  };
  const wire: Wire = {
    carry(from, to) {
      if (cut.has(`${from}>${to}`) || (!isCalm && chance() * 100 < weather.lossPercent)) return [];
      const delay = (): number => 1 + Math.floor(chance() * weather.slowMs);
      return !isCalm && chance() * 100 < weather.doublePercent ? [delay(), delay()] : [delay()];
    },
    isUp: (one, other) => !(cut.has(`${one}>${other}`) && cut.has(`${other}>${one}`)),
  };
  const mesh = await smallMesh(3, wire, ids);
  const [laptop] = mesh.devices;
  if (laptop === undefined) throw new Error('there is no device');
  mesh.beat();
  isCalm = false;
  const submitted = [];
  let unreachable = 0;
  for (let at = 0; at < TRIAL_RUNS; at++) {
    const named = chance() < 0.3 ? mesh.devices[1 + Math.floor(chance() * 2)]?.id : undefined;
    submitted.push((await laptop.submit(`${chance() < 0.3 ? 'held' : 'run'} ${at}`, named)).id);
  }
  for (const { what, who, afterMs } of weather.storms) {
    await vi.advanceTimersByTimeAsync(afterMs);
    await strike(mesh, cut, what, who, chance);
    mesh.rewired();
    mesh.beat();
    for (const id of submitted) if (laptop.placed.get(id)?.run.unreachable !== undefined) unreachable++;
  }
  cut.clear();
  isCalm = true;
  mesh.rewired();
  // Whatever waits is done, and whoever was asked answers: nothing may be left without an end.
  for (let passed = 0; passed < CALM_MS; passed += 30_000) {
    mesh.beat();
    await vi.advanceTimersByTimeAsync(30_000);
    for (const device of mesh.devices) for (const id of device.journal.keys()) device.finish(id);
    if (submitted.every((id) => laptop.placed.get(id)?.isOver === true)) break;
  }
  await vi.advanceTimersByTimeAsync(120_000);
  for (const id of submitted) {
    const known = laptop.placed.get(id);
    const there = mesh.devices.flatMap(({ journal }) => journal.get(id) ?? []);
    const starts = mesh.starts.get(id) ?? [];
    expect(starts.length).toBeLessThanOrEqual(1);
    expect(there.length).toBeLessThanOrEqual(1);
    expect(known?.isOver).toBe(true);
    expect(known !== null && known !== undefined && isOver(known.run)).toBe(true);
    // What a person was told is what happened, but for what was canceled while its host was silent: that is final, and
    // nothing starts after it.
    if (there[0] === undefined || known?.run.state === 'cancelled') expect(known?.run.state).toBe('cancelled');
    else expect(known?.run.state).toBe(there[0].state);
    const over = Date.parse(known?.run.completedAt ?? NEVER);
    if (known?.run.state === 'cancelled') for (const start of starts) expect(start).toBeLessThanOrEqual(over);
    // And a host that was silent then is told so when it is back.
    expect(there.every(isOver)).toBe(true);
  }
  for (const device of mesh.devices) await device.close();
  expect(mesh.troubles).toEqual([]);
  return {
    runs: submitted.length,
    starts: [...mesh.starts.values()].flat().length,
    unreachable,
  };
}

async function strike(
  { devices }: SmallMesh,
  cut: Set<string>,
  what: Weather['storms'][number]['what'],
  who: number,
  chance: () => number,
): Promise<void> {
  const other = (who + 1 + Math.floor(chance() * 2)) % 3;
  const host = devices[1 + (who % 2)];
  if (what === 'cut') for (const way of [`${who}>${other}`, `${other}>${who}`]) cut.add(way);
  else if (what === 'one-way') cut.add(`${who}>${other}`);
  else if (what === 'heal') cut.clear();
  else if (what === 'crash-submitter') await devices[0]?.crash();
  else if (what === 'crash-host') await host?.crash();
  else if (what === 'finish') for (const id of [...(host?.journal.keys() ?? [])]) host?.finish(id);
  else for (const run of (devices[0]?.placed.list() ?? []).slice(0, 2)) await devices[0]?.placed.cancel(run.id);
}

test(`R12 ${TRIALS * TRIAL_RUNS} runs among three devices: none starts twice, each ends once, as its person was told`, async () => {
  const all = { runs: 0, starts: 0, unreachable: 0 };
  const { numRuns, seed } = trials(`R12 ${TRIAL_RUNS} runs each`, TRIALS);
  await fc.assert(
    fc.asyncProperty(weathers, async (weather) => {
      const { runs, starts, unreachable } = await live(weather);
      all.runs += runs;
      all.starts += starts;
      all.unreachable += unreachable;
    }),
    { numRuns, seed, endOnFailure: true },
  );
  process.stderr.write(`R12: ${all.runs} runs, ${all.starts} started, shown as unreachable ${all.unreachable} times\n`);
  expect(all.starts).toBeGreaterThan(all.runs / 2);
  expect(all.unreachable).toBeGreaterThan(0);
}, 300_000);
