/** What every stage is given, and how servers are measured in turn. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDriver, type Driver } from './drive.ts';
import { median } from './quantile.ts';
import type { Row, Target } from './result.ts';
import { markco } from './servers/markco.ts';
import type { Running, SyncServer } from './servers/server.ts';

export type Bench = {
  /** Fewer rounds and smaller loads: to see that it works, not to quote. */
  readonly quick: boolean;
  /** The trace of real edits, or undefined where the file is missing. */
  readonly trace: string | undefined;
  readonly peers: readonly SyncServer[];
  say(text: string): void;
  /** Something that could not be measured, and why; it ends up beside the figures. */
  skip(what: string, why: string): void;
  /** How something was measured, where that is not the same everywhere; it ends up beside the figures too. */
  note(text: string): void;
};

export type Stage = {
  readonly name: string;
  readonly about: string;
  run(bench: Bench): Promise<readonly Row[]>;
};

/** Gives `work` an empty folder and takes it away afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'markco-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function withDriver<T>(work: (driver: Driver) => Promise<T>): Promise<T> {
  const driver = startDriver();
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}

/** What was measured, by server; a server that could not do it has no entry. */
export type Measured<T> = ReadonlyMap<string, readonly T[]>;

/** Runs `measure` on each server in turn, `rounds` times; only one of them is under load at any time. */
export async function inTurn<T>(
  bench: Bench,
  what: string,
  rounds: number,
  measure: (running: Running, driver: Driver, round: number) => Promise<T>,
  ours: SyncServer = markco,
): Promise<Measured<T>> {
  return withFolder(async (folder) =>
    withDriver(async (driver) => {
      const servers = [ours, ...bench.peers];
      const running = new Map<string, Running>();
      const results = new Map<string, T[]>();
      try {
        for (const server of servers)
          running.set(server.name, await server.start(await mkdtemp(join(folder, 'server-'))));
        for (let round = 0; round < rounds; round++) {
          for (const [name, its] of running) {
            try {
              const found = await measure(its, driver, round);
              results.set(name, [...(results.get(name) ?? []), found]);
            } catch (error) {
              bench.skip(`${what}, ${name}`, error instanceof Error ? error.message : String(error));
            }
          }
        }
      } finally {
        await Promise.all([...running.values()].map((its) => its.stop()));
      }
      return results;
    }),
  );
}

/** The row of one figure: medians over the rounds. */
export function rowOf<T>(
  bench: Bench,
  stage: string,
  measure: string,
  unit: string,
  measured: Measured<T>,
  pick: (result: T) => number,
  target?: Target,
): Row {
  const figure = (name: string): number | null => {
    const results = measured.get(name);
    return results === undefined ? null : median(results.map(pick));
  };
  return {
    stage,
    measure,
    unit,
    ours: figure(markco.name) ?? Number.NaN,
    peers: Object.fromEntries(bench.peers.map(({ name }) => [name, figure(name)])),
    ...(target === undefined ? {} : { target }),
  };
}
