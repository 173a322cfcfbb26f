/**
 * What a device serves its user's other devices: its own runs, to read for all of them, to act on for who may submit; and
 * to read what it knows of those that it submitted to others, for who does not reach them.
 */
import { Failure, LIMITS, type Run, type RunId } from '@markco/protocol';
import { outputHere, type RunOutputParts } from '../listen/routes/run-output.ts';
import { runQuery } from '../listen/routes/runs.ts';
import { serveStream, type StreamParts } from '@markco/replica/listen/stream';
import type { Runs } from '../runs/runs.ts';
import type { MrpAsset } from '../mrp/assets.ts';
import type { OpenMeshParts } from './open-mesh.ts';
import type { RunsWithPlaced } from './placing/placed-view.ts';

const CANCEL_MS = 30_000;

export type ServedParts = {
  readonly runs: Runs;
  readonly submitted: RunsWithPlaced['submitted'];
  /** Resolves once a run that is on its way from another device is here, or will not be. */
  readonly arrived: (id: RunId) => Promise<void>;
  readonly assetsOf: (run: Run) => Promise<MrpAsset[]>;
  readonly documents: RunOutputParts['documents'];
  /** Tells of a project, whether it is open here or not: runs of it may wait here. */
  readonly watch: StreamParts['watch'];
  readonly streamParts: (
    of: Pick<StreamParts, 'submit' | 'follow' | 'run' | 'answer' | 'cancel' | 'interrupt'>,
  ) => StreamParts;
};

export function servedToDevices({
  runs,
  submitted,
  arrived,
  assetsOf,
  documents,
  watch,
  streamParts,
}: ServedParts): Pick<OpenMeshParts, 'serve' | 'routes'> {
  async function requireRun(id: RunId): Promise<Run> {
    const run = (await runs.get(id)) ?? submitted.get(id);
    if (run === null) throw new Failure('not_found', 'There is no such run here.');
    return run;
  }

  return {
    serve(connection, submitByGrant, requireSubmitter) {
      const parts = streamParts({
        submit: submitByGrant,
        async *follow(id, fromSeq, signal) {
          const isHere = (await runs.get(id)) !== null;
          yield* isHere ? runs.follow(id, fromSeq, signal) : submitted.follow(id, fromSeq, signal);
        },
        async run(id) {
          await arrived(id);
          return requireRun(id);
        },
        async answer(id, text) {
          requireSubmitter();
          return runs.input(id, text, AbortSignal.timeout(LIMITS.barrierTimeoutMs));
        },
        async cancel(id) {
          requireSubmitter();
          return (await submitted.cancel(id)) ?? runs.cancel(id, AbortSignal.timeout(CANCEL_MS));
        },
        async interrupt(id) {
          requireSubmitter();
          return runs.sessions.interrupt(id);
        },
      });
      // As a client's, edits would pass for such as are made here.
      const refusal = (): Failure => new Failure('forbidden', 'Devices exchange documents by themselves.');
      serveStream(connection, {
        ...{ ...parts, refusal },
        watch(projectId, tell) {
          try {
            return parts.watch(projectId, tell);
          } catch {
            return watch(projectId, tell);
          }
        },
      });
    },
    routes: () => ({
      health: () => ({ status: 'ok' }),
      async run({ params }) {
        const run = await requireRun(params['id'] as RunId);
        const of = (await runs.get(run.id)) === null ? submitted : runs;
        return { ...run, storedEvents: await of.storedCount(run.id) };
      },
      runOutput: async ({ params }) => outputHere({ runs, documents }, await requireRun(params['id'] as RunId)),
      mrpRunAssets: async ({ params }) => ({ assets: await assetsOf(await requireRun(params['id'] as RunId)) }),
      async runs({ query: asked }) {
        const query = runQuery(asked);
        const [own, others] = await Promise.all([runs.list(query), submitted.list(query)]);
        return { runs: [...own, ...others].toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit) };
      },
    }),
  };
}
