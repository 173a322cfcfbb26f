/**
 * Runs as everybody sees them, those included that this device places and that no device has yet: they are waited for,
 * and then followed where they are.
 */
import { Failure, runMachine, type Run, type RunEvent, type RunId } from '@markco/protocol';
import type { RunQuery } from '../../runs/runs.ts';
import type { RunsAnywhere } from '../runs/runs-anywhere.ts';
import type { PlaceRuns } from './place-runs.ts';

/** @param placed null while this device is alone */
export function withPlaced(anywhere: RunsAnywhere, placed: () => PlaceRuns | null): RunsAnywhere {
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
    const { unreachable, routedTo = run.routedTo } = placed()?.get(run.id)?.run ?? {};
    return { ...run, routedTo, ...(unreachable === undefined ? {} : { unreachable }) };
  }

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
        return run === null ? null : withWhy(run);
      },
      list: async (query) => (await anywhere.submitted.list(query)).map(withWhy),
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
      const waiting = (placed()?.list() ?? []).filter(
        (run) =>
          (query.projectId === null || run.projectId === query.projectId) &&
          (query.state === null || run.state === query.state) &&
          (query.before === null || run.id < query.before),
      );
      const known = new Map(waiting.map((run) => [run.id, run]));
      for (const run of await anywhere.list(query)) {
        // The device that it ran on knows only that it was asked; why is known here, also of what is over.
        known.set(run.id, withWhy(run));
      }
      return [...known.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit);
    },
  };
}
