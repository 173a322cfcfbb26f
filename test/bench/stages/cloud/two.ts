/**
 * Two processes of one cloud beside one.
 *
 * On a machine of two cores the clients, Postgres and NATS leave too little for two processes to show anything. So where
 * control groups can be made each process is held to a share of a core, so small that the others have what they need.
 */
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { availableParallelism } from 'node:os';
import { withDriver, withFolder, type Bench, type Stage } from '../../bench.ts';
import type { Driver } from '../../drive.ts';
import { cpuMs } from '../../machine.ts';
import { median } from '../../quantile.ts';
import { CORES_ENOUGH, openQuotas, type Held } from '../../quota.ts';
import type { Row, Target } from '../../result.ts';
import type { CloudRunning } from '../../servers/cloud.ts';
import { delay, eventually } from '../../wait.ts';
import { withClouds } from './with-clouds.ts';

/** So many that a process which has half of them has enough to do for its whole share. */
const DOCUMENTS = 80;
/** More than arrive in any document while it is measured. */
const EDITS = 20_000;
const SHARE = 0.2;
/**
 * It has put away what the last round left when it needs less than this of a core for so long: documents are made shorter
 * some at a time, once a second.
 */
const REST_SHARE = 0.04;
const REST_LOOK_MS = 2_500;
const REST_LIMIT_MS = 90_000;
const MAKE_LIMIT_MS = 30_000;
const TARGET: Target = { ratio: 'at-least', of: 1.7 };

export const cloudTwo: Stage = {
  name: 'cloud-two',
  about: 'updates a second with one process, and with two, on one Postgres and NATS',
  async run(bench) {
    if (NO_NATS !== undefined) {
      bench.skip(this.name, NO_NATS);
      return [];
    }
    await using quotas = availableParallelism() < CORES_ENOUGH ? await openQuotas() : undefined;
    await using nats = await startNats();
    return await withClouds(bench, this.name, (clouds) =>
      withFolder((folder) =>
        withDriver(async (driver) => {
          const one = await clouds.start(folder, { variables: { NATS_URL: nats.url } });
          const two = await clouds.beside(folder);
          const both = [
            [one, one],
            [two, two],
          ] as const;
          const across = [
            [one, two],
            [two, one],
          ] as const;
          // What a program is that has just been started says little of what it is an hour later.
          await measure({ bench, driver, held: undefined }, { documents: DOCUMENTS, ends: across }, 'warm');
          const held = quotas && (await Promise.all([one, two].map(({ pid }) => quotas.hold(pid, SHARE))));
          const ways = {
            one: { documents: DOCUMENTS, ends: [[one, one]] },
            each: { documents: 2 * DOCUMENTS, ends: both },
            shared: { documents: DOCUMENTS, ends: both },
            across: { documents: DOCUMENTS, ends: across },
          } as const;
          const found: Record<keyof typeof ways, Measured[]> = { one: [], each: [], shared: [], across: [] };
          for (let round = 0; round < (bench.quick ? 2 : 5); round++)
            for (const way of ['one', 'each', 'shared', 'across'] as const)
              found[way].push(await measure({ bench, driver, held }, ways[way], `${way}-${round}`));
          say(bench, quotas?.kind, found);
          return [
            ...rowsOf('two processes, each as many documents as the one', found.each, found.one, TARGET),
            ...rowsOf('two processes, as many documents in all', found.shared, found.one, TARGET),
            ...rowsOf('the same, writers at one, readers at the other', found.across, found.one),
          ];
        }),
      ),
    );
  },
};

type Measured = {
  readonly perSecond: number;
  readonly p95Ms: number;
  /** Cores that the clients used. */
  readonly driverCores: number;
  /** In what part of its time the process that had least to wait for its share had to. */
  readonly waited: number;
};
type Means = { readonly bench: Bench; readonly driver: Driver; readonly held: readonly Held[] | undefined };

type Way = {
  readonly documents: number;
  /** Where the writer of a document comes to and where its reader does, in turn. */
  readonly ends: readonly (readonly [CloudRunning, CloudRunning])[];
};

async function measure({ bench, driver, held = [] }: Means, way: Way, name: string): Promise<Measured> {
  const processes = [...new Set(way.ends.flat())];
  const names = Array.from({ length: way.documents }, (_, at) => `${name}-${at}`);
  await make(names, processes);
  const [addresses = [], readAt = []] = [0, 1].map((end) =>
    names.flatMap((document, at) => way.ends[at % way.ends.length]?.[end]?.address(document) ?? []),
  );
  const seconds = bench.quick ? 4 : 10;
  await Promise.all(processes.map(({ pid }) => rest(pid)));
  const periods = await Promise.all(held.map((each) => each.periods()));
  const before = await cpuMs(driver.pid);
  const pid = processes[0]?.pid ?? 0;
  const { perSecond, p95Ms } = await driver.run('throughput', {
    addresses,
    readAt,
    edits: EDITS,
    seconds,
    window: 32,
    pid,
  });
  const driverCores = ((await cpuMs(driver.pid)) - before) / (seconds * 1_000);
  const waits = await Promise.all(
    held.map(async (each, at) => {
      const { all, waited } = await each.periods();
      return (waited - (periods[at]?.waited ?? 0)) / Math.max(1, all - (periods[at]?.all ?? 0));
    }),
  );
  return { perSecond, p95Ms, driverCores, waited: Math.min(...waits.slice(0, processes.length)) };
}

/** Who opens a page that is not there yet at two processes has two, until the second one is told of the first. */
async function make(names: readonly string[], [first, ...others]: readonly CloudRunning[]): Promise<void> {
  if (first === undefined) return;
  const { projectId } = first;
  const ask = async ({ origin, token }: CloudRunning, init: RequestInit = {}): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/api/projects/${projectId}/documents`, { ...init, headers });
    if (!answer.ok) throw new Error(`documents could not be made: ${await answer.text()}`);
    return answer;
  };
  for (const path of names) await ask(first, { method: 'POST', body: JSON.stringify({ path }) });
  for (const other of others)
    await eventually('the documents at the other process', MAKE_LIMIT_MS, async () => {
      const { documents } = (await (await ask(other)).json()) as { documents: readonly { readonly path: string }[] };
      const there = new Set(documents.map(({ path }) => path));
      return names.every((path) => there.has(path)) || undefined;
    });
}

/** Documents that have just been written are made shorter afterwards, which is work of the round before. */
async function rest(pid: number): Promise<void> {
  for (const until = performance.now() + REST_LIMIT_MS; performance.now() < until;) {
    const before = await cpuMs(pid);
    await delay(REST_LOOK_MS);
    if ((await cpuMs(pid)) - before <= REST_SHARE * REST_LOOK_MS) return;
  }
  throw new Error('the cloud did not come to rest');
}

function rowsOf(
  measure: string,
  found: readonly Measured[],
  one: readonly Measured[],
  target?: Target,
): readonly Row[] {
  const row = (what: string, unit: string, pick: (each: Measured) => number): Row => ({
    ...{ stage: cloudTwo.name, measure: what, unit },
    ours: median(found.map(pick)),
    peers: { 'one process': median(one.map(pick)) },
  });
  const perSecond = row(measure, 'updates/s', (each) => each.perSecond);
  return [
    target === undefined ? perSecond : { ...perSecond, target },
    row('p95 at that rate', 'ms', (each) => each.p95Ms),
  ];
}

function say(
  bench: Bench,
  kind: string | undefined,
  found: Readonly<Record<'one' | 'each' | 'shared', readonly Measured[]>>,
): void {
  const all = [...found.one, ...found.each, ...found.shared];
  const cores = `${Math.max(...all.map(({ driverCores }) => driverCores)).toFixed(1)} of ${availableParallelism()} cores`;
  if (kind !== undefined)
    bench.note(
      `${cloudTwo.name}: each process was held to ${SHARE} of a core (${kind}), so that clients, Postgres and NATS have the rest: ` +
        `each had to wait for its share in at least ${Math.round(100 * Math.min(...all.map(({ waited }) => waited)))} % of its time, ` +
        `and the clients used up to ${cores}`,
    );
  else if (availableParallelism() < CORES_ENOUGH)
    bench.skip(
      `${cloudTwo.name} with cores to spare`,
      `no control group can be made here that holds a process to a share of a core (that takes root), and the clients ` +
        `alone used ${cores}: what is shown is how far two processes share what is left`,
    );
}
