/**
 * The values of a session that goes to sleep, kept on disk, and brought back when it begins again.
 *
 * 1. They are kept when a session ends because nobody used it, and only then: who stops or restarts one wants it empty.
 * 2. They are brought back once. A worker that dies later begins with nothing, as always.
 * 3. What cannot be kept does not keep a session awake: the next cell is told what is missing.
 * 4. For another device they are kept the same way, and brought into a session of there, or not at all.
 */
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Failure, type SessionId } from '@markco/protocol';
import * as z from 'zod/mini';
import type { Questions } from './questions.ts';
import type { SessionLog } from './session-parts.ts';
import type { WorkerLink } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

const WORK_MS = 30_000;
const SavedSchema = z.object({ kept: z.int(), lost: z.array(z.string()), lostCount: z.int() });
const RestoredSchema = z.object({ problem: z.nullable(z.string()) });

/** Names whose values were kept, and the first of those that could not be, each with why. */
export type Saved = z.infer<typeof SavedSchema> & { readonly file: string };

export type CheckpointParts = {
  readonly session: SessionId;
  /** Of the session, on this machine. */
  readonly folder: string;
  readonly place: Workplace;
  readonly questions: Questions;
  readonly log: SessionLog;
};

export function createCheckpoint({ session, folder, place, questions, log }: CheckpointParts) {
  const file = path.join(folder, 'values');
  const name = `values-${session}`;
  const { pathFor, collect, give } = place;

  async function tell(link: WorkerLink, op: 'save' | 'restore', at: string, from: object = {}): Promise<unknown> {
    const busy = 'The session is busy and does not answer.';
    const until = AbortSignal.timeout(WORK_MS);
    const told = await questions.order(link, (ref) => ({ op, path: at, ref, ...from }), busy, until);
    if (told.problem !== undefined) throw new Failure('unsupported', told.problem);
    return told.answer;
  }

  /** Never rejects: what went wrong is in the log. */
  async function quietly(event: string, work: () => Promise<object>): Promise<void> {
    try {
      log.info(event, { sessionId: session, ...(await work()) });
    } catch (error) {
      log.warn(event, { sessionId: session, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  const forget = (): Promise<void> => rm(file, { force: true });

  async function write(link: WorkerLink): Promise<Saved> {
    await forget();
    const saved = SavedSchema.parse(await tell(link, 'save', pathFor(name, file)));
    collect(name, file);
    return { ...saved, file };
  }

  return {
    forget,
    isThere: (): Promise<boolean> => stat(file).then(Boolean, () => false),

    /** Fails where `save` says nothing. */
    write,

    /** Brings values of the device `source` into a worker that has just begun. `unsupported` says why they do not fit. */
    async bring(link: WorkerLink, from: string, source: string): Promise<void> {
      const told = RestoredSchema.parse(await tell(link, 'restore', await give(name, from), { source }));
      if (told.problem !== null) throw new Failure('unsupported', told.problem);
    },

    /** Of a session without a run. Only Python's own worker can. */
    async save(link: WorkerLink): Promise<void> {
      if (link.hello.python === undefined) return;
      await quietly('session.checkpoint', async () => {
        const { kept, lost } = await write(link);
        return { kept, lost: lost.join(', ') };
      });
    },

    /** Into a worker that has just begun, where there is something to bring back. */
    async restore(link: WorkerLink): Promise<void> {
      const found = await stat(file).catch(() => null);
      if (found === null) return;
      if (link.hello.python !== undefined)
        await quietly('session.restore', async () => {
          await tell(link, 'restore', await give(name, file));
          return { what: 'idle-wake', did: 'brought its values back', bytes: found.size };
        });
      await forget();
    },
  };
}
