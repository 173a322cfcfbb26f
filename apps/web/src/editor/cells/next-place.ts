/**
 * Where the next run of a cell is likely to go, without asking: where a person was last told that it would, else where
 * the newest run went that asked for the same, because its variables are there.
 */
import type { DeviceId } from '@markco/protocol';
import type { RunsView } from '../runs.ts';
import type { CellSpan } from '../scan.ts';

type Asking = Pick<CellSpan, 'id' | 'language' | 'options'>;

export type NextPlaces = {
  of(cell: Asking): DeviceId | null;
  /** It was asked, and this was the answer. It holds until a run goes somewhere. */
  note(cell: Asking, deviceId: DeviceId): void;
  /** Looks at the cells' runs as they are now. */
  learn(cells: readonly Asking[]): void;
};

/** Cells of one key are placed alike. */
const keyOf = ({ language, options }: Asking): string => JSON.stringify([language, options.needs]);

export function createNextPlaces(runs: Pick<RunsView, 'stateOf'>): NextPlaces {
  const newest = new Map<string, { readonly runId: string; readonly deviceId: DeviceId }>();
  const noted = new Map<string, { readonly after: string; readonly deviceId: DeviceId }>();

  return {
    of(cell) {
      const key = keyOf(cell);
      const [told, ran] = [noted.get(key), newest.get(key)];
      return told !== undefined && told.after === (ran?.runId ?? '') ? told.deviceId : (ran?.deviceId ?? null);
    },
    note(cell, deviceId) {
      const key = keyOf(cell);
      noted.set(key, { after: newest.get(key)?.runId ?? '', deviceId });
    },
    learn(cells) {
      newest.clear();
      for (const cell of cells) {
        const run = runs.stateOf(cell.id);
        if (run === null || run.deviceId === null) continue;
        const key = keyOf(cell);
        if ((newest.get(key)?.runId ?? '') < run.id) newest.set(key, { runId: run.id, deviceId: run.deviceId });
      }
    },
  };
}
