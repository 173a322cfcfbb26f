/** Running code for programs of the runtime protocol: ordinary durable runs without a document. */
import {
  Failure,
  runMachine,
  type MrpExecute,
  type MrpResult,
  type Run,
  type RunEvent,
  type RunId,
  type RuntimeSession,
  type SessionId,
} from '@markco/protocol';
import type { Runs } from '../runs/runs.ts';
import type { MrpAsset } from './assets.ts';
import { createCollector } from './collect.ts';
import { mrpEvents, type MrpEvent } from './events.ts';
import { createExecIds } from './exec-ids.ts';
import type { MrpSessions } from './sessions.ts';

const INPUT_TIMEOUT_MS = 10_000;
const INTERRUPT_TIMEOUT_MS = 30_000;
const RUNS_LOOKED_AT = 100;

/** A run that was submitted, under the name its program gave it. */
export type Submitted = { readonly run: Run; readonly execId: string };

export type ExecutionParts = {
  readonly runs: Pick<Runs, 'submit' | 'get' | 'follow' | 'input' | 'cancel' | 'list'>;
  readonly sessions: Pick<MrpSessions, 'ensure' | 'find'>;
  /** What a session is doing now. */
  currentRun(session: RuntimeSession): RunId | null;
  interruptSession(id: SessionId): Promise<unknown>;
  assetsOf(run: Run): Promise<MrpAsset[]>;
  executionCount(session: Run['sessionId']): Promise<number>;
  newRunId(): RunId;
};

export function createExecution(parts: ExecutionParts) {
  const { runs, sessions } = parts;
  const isOver = async (id: RunId): Promise<boolean> => {
    const run = await runs.get(id);
    return run === null || run.completedAt !== undefined;
  };
  const execIds = createExecIds({ newRunId: parts.newRunId, isOver });

  async function answerOf(id: RunId, collected: ReturnType<typeof createCollector>): Promise<MrpResult> {
    const run = await runs.get(id);
    if (run === null) throw new Failure('not_found', 'There is no such run here.');
    return collected.answer(run, {
      assets: await parts.assetsOf(run),
      executionCount: await parts.executionCount(run.sessionId),
    });
  }

  return {
    /** `assetDir`, `cellMeta`: nothing of them reaches the disk or the interpreter. */
    async submit({ code, session, execId, cellId, storeHistory, silent }: MrpExecute): Promise<Submitted> {
      const { id: sessionId } = await sessions.ensure(session);
      const id = execId === undefined ? parts.newRunId() : await execIds.claim(sessionId, execId);
      const run = await runs.submit({
        id,
        session: { sessionId },
        code,
        documentId: null,
        cellId: cellId ?? null,
        docVersion: null,
        ...(silent === true || storeHistory === false ? { unlisted: true } : {}),
      });
      return { run, execId: execId ?? id };
    },

    /** The whole answer, once the run is over. An abort ends the waiting, never the run. */
    async whole({ run }: Submitted, signal: AbortSignal): Promise<MrpResult> {
      const collected = createCollector();
      for await (const event of runs.follow(run.id, 0, signal)) collected.take(event);
      signal.throwIfAborted();
      return answerOf(run.id, collected);
    },

    events({ run, execId }: Submitted, accumulated: boolean, signal: AbortSignal): AsyncGenerator<MrpEvent> {
      return mrpEvents(
        {
          follow: (until): AsyncIterable<RunEvent> => runs.follow(run.id, 0, until),
          answer: (collected) => answerOf(run.id, collected),
        },
        run,
        { execId, accumulated },
        signal,
      );
    },

    /** What the code of a run saved. `not_found`. */
    async assets(id: RunId): Promise<MrpAsset[]> {
      const run = await runs.get(id);
      if (run === null) throw new Failure('not_found', 'There is no such run here.');
      return parts.assetsOf(run);
    },

    /** Answers what a run asks: the one named, else the one the session is busy with. */
    async input(
      session: string | undefined,
      execId: string | undefined,
      text: string,
    ): Promise<{ accepted: boolean; error?: string }> {
      const found = await sessions.find(session);
      if (found === null) return { accepted: false, error: 'There is no such session.' };
      const id = execId === undefined ? parts.currentRun(found) : execIds.find(found.id, execId);
      if (id === null) return { accepted: false, error: 'No run of this session waits for an answer.' };
      try {
        await runs.input(id, text.replace(/\r?\n$/, ''), AbortSignal.timeout(INPUT_TIMEOUT_MS));
        return { accepted: true };
      } catch (error) {
        const { code, message } = Failure.from(error);
        if (code === 'conflict' || code === 'not_found') return { accepted: false, error: message };
        throw error;
      }
    },

    /** Ends what the session is doing; what waits for it stays in the queue. Whether there was anything. */
    async interrupt(session: string | undefined): Promise<boolean> {
      const found = await sessions.find(session);
      if (found === null) return false;
      if (parts.currentRun(found) !== null) {
        await parts.interruptSession(found.id);
        return true;
      }
      // The first run whose interpreter is still starting is not on yet, and is what is meant all the same.
      const { projectId } = found;
      const recent = await runs.list({ projectId, state: null, before: null, limit: RUNS_LOOKED_AT });
      const on = recent.findLast((run) => run.sessionId === found.id && !runMachine.isTerminal(run.state));
      if (on === undefined) return false;
      await runs.cancel(on.id, AbortSignal.timeout(INTERRUPT_TIMEOUT_MS));
      return true;
    },
  };
}
