/** Rows of the journal compared: with a request for the same run, and with one another. */
import { Failure } from '@markco/protocol';
import type { RunRow } from './journal.ts';
import type { RunRequest } from './runs.ts';

/** The run that is there, if it is the one that is asked for; else `conflict`: ids are not used twice. */
export function sameOr(row: RunRow, request: RunRequest): RunRow {
  const { run } = row;
  if (
    run.code === request.code &&
    (run.documentId ?? null) === request.documentId &&
    (run.cellId ?? null) === request.cellId
  )
    return row;
  throw new Failure('conflict', 'Another run has this id already. Submit this one under an id of its own.');
}

/** As they were accepted; what was running comes before what waited for it. */
export function inOrder(a: RunRow, b: RunRow): number {
  return Number(b.run.state === 'running') - Number(a.run.state === 'running') || a.turn - b.turn;
}
