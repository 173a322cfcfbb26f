/** Over HTTP: when the output of a run is where people look for it, in its document and in the file of that. */
import { Failure, LIMITS, runMachine, type Run, type RunId } from '@markco/protocol';
import * as Y from 'yjs';
import type { Documents } from '@markco/replica/documents/documents';
import type { RunsAnywhere } from '../../mesh/runs/runs-anywhere.ts';
import type { Projects } from '../../projects/projects.ts';
import type { Runs } from '../../runs/runs.ts';
import type { CallAnswer } from '@markco/client/api';
import type { SomeHandlers } from '@markco/replica/listen/handlers';

export type RunOutputParts = {
  readonly runs: Pick<Runs, 'outputWritten'>;
  readonly documents: Pick<Documents, 'inspect' | 'reached'>;
  readonly projects: Pick<Projects, 'flush'>;
  readonly anywhere: Pick<RunsAnywhere, 'require' | 'outputElsewhere'>;
};

export function runOutputRoutes(parts: RunOutputParts): SomeHandlers<'runOutput'> {
  return {
    async runOutput({ params }) {
      const id = params['id'] as RunId;
      const signal = AbortSignal.timeout(LIMITS.barrierTimeoutMs);
      const run = await parts.anywhere.require(id);
      const written = (await parts.anywhere.outputElsewhere(id, signal)) ?? (await outputHere(parts, run));
      if (run.documentId !== undefined && written.docVersion !== undefined) {
        await parts.documents.reached(run.documentId, Buffer.from(written.docVersion, 'base64'), signal);
        await parts.projects.flush(run.projectId, signal);
      }
      return written;
    },
  };
}

/** Of a run of this device: the version of its document that has its output. `conflict` for one that is not over. */
export async function outputHere(
  { runs, documents }: Pick<RunOutputParts, 'runs' | 'documents'>,
  run: Run,
): Promise<CallAnswer<'runOutput'>> {
  if (!runMachine.isTerminal(run.state))
    throw new Failure('conflict', 'This run goes on. Its output comes into its document when it is over.');
  await runs.outputWritten(run);
  if (run.documentId === undefined) return {};
  const version = await documents.inspect(run.documentId, (doc) => Y.encodeStateVector(doc));
  return { docVersion: Buffer.from(version).toString('base64') };
}
