/**
 * The way of a run's output into its document, after the run is over.
 *
 * 1. Outputs of one session arrive in the order in which its runs ended.
 * 2. A failure is logged and tried again at the next start; the run's state never changes by it.
 * 3. At OUTPUTS_WAITING_MAX no further run starts until documents have caught up.
 */
import type { Run, RunEvent, RunId, SessionId } from '@markco/protocol';
import type { SaveAsset } from '@markco/replica/outputs/excerpt';
import { foldEvents } from '@markco/replica/outputs/fold';
import type { Journal, RunLog } from './journal.ts';

const OUTPUTS_WAITING_MAX = 16;

export type OutputsParts = {
  readonly journal: Pick<Journal, 'require' | 'note'>;
  readonly log: RunLog;
  runFolder(run: RunId): string;
  events(run: RunId, signal: AbortSignal): AsyncIterable<RunEvent>;
  writeOutput(run: Run, text: string): Promise<void>;
  saveAsset(run: Run, ...content: Parameters<SaveAsset>): ReturnType<SaveAsset>;
};

export function createOutputs(parts: OutputsParts, closing: AbortSignal) {
  const tails = new Map<SessionId, Promise<void>>();
  let waiting = 0;

  async function write(id: RunId): Promise<void> {
    try {
      const { run, outputWritten } = await parts.journal.require(id);
      if (outputWritten || closing.aborted) return;
      const save: SaveAsset = (...content) => parts.saveAsset(run, ...content);
      const text = await foldEvents(parts.events(id, closing), { save, scratchFolder: parts.runFolder(id) });
      if (closing.aborted) return;
      await parts.writeOutput(run, text);
      await parts.journal.note(id, { outputWritten: true });
    } catch (error) {
      parts.log.warn('run.output-not-written', { runId: id, reason: String(error) });
    }
  }

  return {
    /** Takes a run that is over. One without a document, or that never began, leaves its cell as it was. */
    add(run: Run): void {
      const neverBegan = run.state === 'cancelled' && run.startedAt === undefined;
      if (run.documentId === undefined || neverBegan) return;
      waiting++;
      const mine: Promise<void> = (tails.get(run.sessionId) ?? Promise.resolve())
        .then(() => write(run.id))
        .finally(() => {
          waiting--;
          if (tails.get(run.sessionId) === mine) tails.delete(run.sessionId);
        });
      tails.set(run.sessionId, mine);
    },

    /** Resolves when the output of a run that is over is in its document, or will not come there. */
    written: async ({ sessionId }: Run): Promise<void> => tails.get(sessionId),

    /** Resolves when there is room for another one. */
    async room(): Promise<void> {
      while (waiting >= OUTPUTS_WAITING_MAX) await Promise.race(tails.values());
    },

    /** Resolves when nothing is on its way. */
    async idle(): Promise<void> {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
