/**
 * The clients, in a process of their own: they must not take time from the server, nor from who measures.
 * A message is one job; its answer is one message.
 */
import { idle } from './idle.ts';
import { fanOut, latencies, latency, throughput } from './live.ts';
import { bareBulk, bareMeeting } from './bare-libp2p.ts';
import { burst, meshBulk, meshEdits, meshRuns } from './mesh.ts';
import { returnBySockets, returnByStream } from './return.ts';
import {
  areKernels,
  bulkOutput,
  coldRuns,
  firstBytes,
  flushedPrints,
  idleSessions,
  interrupts,
  warmEnds,
  warmRuns,
} from './runs/measures.ts';
import { ingest, killWhenSeen, killWhileTyping, lengthOf, memory, openCold } from './stored.ts';

const jobs = {
  latency,
  latencies,
  throughput,
  fanOut,
  ingest,
  openCold,
  memory,
  idle,
  killWhenSeen,
  killWhileTyping,
  lengthOf,
  returnBySockets,
  returnByStream,
  areKernels,
  coldRuns,
  warmEnds,
  warmRuns,
  firstBytes,
  flushedPrints,
  bulkOutput,
  interrupts,
  idleSessions,
  bareBulk,
  bareMeeting,
  meshBulk,
  meshEdits,
  meshRuns,
  burst,
};
export type Jobs = typeof jobs;

process.on('message', ({ job, input }: { job: keyof Jobs; input: never }) => {
  jobs[job](input).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
