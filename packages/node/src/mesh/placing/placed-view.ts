/**
 * Runs as everybody sees them, those included that this device places and that no device has yet: they are waited for,
 * and then followed where they are.
 */
import { Failure, runMachine, type Run, type RunEvent, type RunId } from '@markco/protocol';
import type { RunQuery } from '../../runs/runs.ts';
import type { RunsAnywhere } from '../runs/runs-anywhere.ts';
import type { PlaceRuns } from './place-runs.ts';

export type RunsWithPlaced = RunsAnywhere & {
  readonly submitted: {
    /** Ends it while it waits; else its host is told. Null for one that this device did not place, or that is over. */
    cancel(id: RunId): Promise<Run | null>;
  };
};

/** @param placed null while this device is alone */
export function withPlaced(anywhere: RunsAnywhere, placed: () => PlaceRuns | null): RunsWithPlaced {
  async function require(id: RunId): Promise<Run> {
    const known = placed()?.get(id) ?? null;
    if (known === null) return anywhere.require(id);
    if (known.host === null) return known.run;
    anywhere.remember(known.run, known.host);
    const there = await anywhere.require(id).catch(() => null);
    if (there === null || (known.isOver && !runMachine.isTerminal(there.state))) return known.run;
    const { unreachable, routedTo } = known.run;
    return { ...there, routedTo, ...(unreachable === undefined ? {} : { unreachable }) };
  }

  /** What was submitted here, with what only this device knows of it. */
  function withWhy(run: Run): Run {
    const known = placed()?.get(run.id) ?? null;
    if (known?.isOver === true && !runMachine.isTerminal(run.state)) return known.run;
    const { unreachable, routedTo = run.routedTo } = known?.run ?? {};
    return { ...run, routedTo, ...(unreachable === undefined ? {} : { unreachable }) };
  }

  const waiting = (query: RunQuery): readonly Run[] =>
    (placed()?.list() ?? []).filter(
      (run) =>
        (query.projectId === null || run.projectId === query.projectId) &&
        (query.state === null || run.state === query.state) &&
        (query.before === null || run.id < query.before),
    );
  const newest = (runs: readonly Run[], { limit }: RunQuery): readonly Run[] =>
    [...new Map(runs.map((run) => [run.id, run])).values()].toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);

  async function* follow(
    there: RunsAnywhere['follow'],
    waits: boolean,
    id: RunId,
    fromSeq: number,
    signal: AbortSignal,
  ): AsyncIterable<RunEvent> {
    if (waits) await placed()?.begun(id, signal);
    const known = placed()?.get(id) ?? null;
    if (known !== null && known.host === null) return;
    if (known?.host) anywhere.remember(known.run, known.host);
    yield* there(id, fromSeq, signal);
  }

  return {
    ...anywhere,
    submitted: {
      ...anywhere.submitted,
      get(id) {
        const run = anywhere.submitted.get(id);
        return run === null ? (placed()?.get(id)?.run ?? null) : withWhy(run);
      },
      list: async (query) => newest([...waiting(query), ...(await anywhere.submitted.list(query)).map(withWhy)], query),
      follow: (id, fromSeq, signal) =>
        (placed()?.get(id) ?? null) === null
          ? anywhere.submitted.follow(id, fromSeq, signal)
          : follow(anywhere.follow, true, id, fromSeq, signal),
      cancel: async (id) => ((placed()?.get(id)?.isOver ?? true) ? null : ((await placed()?.cancel(id)) ?? null)),
    },
    require,
    follow: (id, fromSeq, signal) => follow(anywhere.follow, true, id, fromSeq, signal),
    stored: (id, fromSeq, signal) => follow(anywhere.stored, false, id, fromSeq, signal),

    async cancel(id) {
      const known = placed()?.get(id) ?? null;
      if (known === null || known.isOver) return anywhere.cancel(id);
      const asked = (await placed()?.cancel(id)) ?? known.run;
      if (runMachine.isTerminal(asked.state) || known.host === null || asked.unreachable !== undefined) return asked;
      return anywhere.cancel(id);
    },

    async input(id, text) {
      const known = placed()?.get(id) ?? null;
      if (known !== null && known.host === null) throw new Failure('conflict', 'This run has asked for nothing.');
      return anywhere.input(id, text);
    },

    async list(query: RunQuery) {
      // The device that it ran on knows only that it was asked; why is known here, also of what is over.
      return newest([...waiting(query), ...(await anywhere.list(query)).map(withWhy)], query);
    },
  };
}
