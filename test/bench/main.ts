/**
 * `npm run bench`: MarkCo beside other servers, in the same run on the same machine.
 *
 *   npm run bench -- [--only STAGE,…] [--quick] [--trace FILE] [--list]
 *
 * `--only documents`, `page`, `runs`, `containers`, `cloud` and `mesh` name their groups. A table goes to stdout,
 * everything else to stderr; the figures with the machine they were taken on go to bench-results/ as JSON. Exits 1 when
 * a bar was missed.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Stage } from './bench.ts';
import { describeMachine, disturbance } from './machine.ts';
import { judge, tableOf, type Row } from './result.ts';
import { hocuspocus, installPeers, yWebsocket } from './servers/peers.ts';
import { browser } from './stages/browser.ts';
import { cloudFar } from './stages/cloud/far.ts';
import { cloudIdle } from './stages/cloud/idle.ts';
import { cloudReturn, cloudTrace } from './stages/cloud/kept.ts';
import { cloudFanOut, cloudLatency, cloudThroughput } from './stages/cloud/live.ts';
import { cloudTwo } from './stages/cloud/two.ts';
import { kill } from './stages/kill.ts';
import { containers } from './stages/containers.ts';
import { fanOut, latency, throughput } from './stages/live.ts';
import { memory } from './stages/memory.ts';
import { publish } from './stages/publish.ts';
import { record } from './stages/record.ts';
import { comeBack } from './stages/return.ts';
import { meshFiles } from './stages/mesh/files.ts';
import { meshMany } from './stages/mesh/many.ts';
import { meshBulk, meshLatency } from './stages/mesh/pair.ts';
import { meshPhone } from './stages/mesh/phone.ts';
import { meshIdle } from './stages/mesh/quiet.ts';
import { meshReturn } from './stages/mesh/return.ts';
import { runs } from './stages/runs.ts';
import { scheduler } from './stages/scheduler.ts';
import { start } from './stages/start.ts';
import { trace } from './stages/trace.ts';

const GROUPS: Readonly<Record<string, readonly Stage[]>> = {
  documents: [latency, throughput, fanOut, trace, memory, kill, comeBack],
  page: [start, browser, publish],
  runs,
  containers: [containers],
  cloud: [cloudLatency, cloudThroughput, cloudFanOut, cloudFar, cloudTwo, cloudTrace, cloudReturn, cloudIdle],
  mesh: [meshLatency, meshBulk, meshFiles, meshMany, meshIdle, meshReturn, meshPhone, scheduler, record],
};
const ALL = Object.values(GROUPS).flat();
const ROOT = join(import.meta.dirname, '../..');
const TRACE = join(ROOT, 'test/traces/automerge-paper.json.gz');

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function chosen(only: string | undefined): readonly Stage[] {
  if (only === undefined) return ALL;
  const named = only.split(',').flatMap((name) => {
    const stages = GROUPS[name] ?? ALL.filter((stage) => stage.name === name);
    if (stages.length === 0) {
      say(
        `There is no stage ${name}. There are: ${[...Object.keys(GROUPS), ...ALL.map((stage) => stage.name)].join(', ')}.`,
      );
      process.exit(2);
    }
    return stages;
  });
  return [...new Set(named)];
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean' },
    trace: { type: 'string' },
    list: { type: 'boolean' },
  },
});
const stages = chosen(options.only);
if (options.list === true) {
  for (const { name, about } of stages) process.stdout.write(`${name.padEnd(12)}${about}\n`);
  process.exit(0);
}

const missing = installPeers(say);
const notes: string[] = [];
const tracePath = options.trace ?? TRACE;
const bench: Bench = {
  quick: options.quick === true,
  trace: existsSync(tracePath) ? tracePath : undefined,
  peers: missing === undefined ? [yWebsocket, hocuspocus] : [],
  say,
  skip(what, why) {
    notes.push(`not measured: ${what}: ${why}`);
    say(`  not measured: ${what}: ${why}`);
  },
  note(text) {
    notes.push(text);
    say(`  ${text}`);
  },
};
if (missing !== undefined) bench.skip('the other servers', missing);

const began = new Date().toISOString();
const before = describeMachine();
const rows: Row[] = [];
for (const stage of stages) {
  const trouble = disturbance();
  say(`${stage.name}: ${stage.about}`);
  if (trouble !== undefined) notes.push(`${stage.name}: ${trouble}`);
  try {
    const found = await stage.run(bench);
    rows.push(...found);
    say(`${tableOf(found)}\n`);
  } catch (error) {
    bench.skip(stage.name, error instanceof Error ? error.message : String(error));
  }
}

process.stdout.write(`\n${tableOf(rows)}\n`);
for (const note of notes) process.stdout.write(`! ${note}\n`);
const results = join(ROOT, 'bench-results');
await mkdir(results, { recursive: true });
const file = join(results, `${began.replaceAll(/[:.]/g, '-')}.json`);
const figures = rows.map((row) => ({ ...row, ...judge(row) }));
await writeFile(
  file,
  `${JSON.stringify({ began, quick: bench.quick, machine: { before, after: describeMachine() }, notes, figures }, null, 2)}\n`,
);
say(`\nWritten to ${file}`);
process.exit(figures.some(({ met }) => met === false) ? 1 : 0);
