/**
 * How far a run of a plain agent is: what the agent says, taken in. Pure.
 *
 * 1. The agent's messages are taken in the order of their numbers, each once.
 * 2. `result` or `error` is the last event; what comes after it is passed over.
 * 3. How far it was heard is kept with each batch, also when no event comes of it: it is acknowledged as kept, and not
 *    said again.
 * 4. At LIMITS.runOutputBytesMax one event says so, and further output is passed over.
 */
import {
  LIMITS,
  newId,
  runMachine,
  type AgentEvent,
  type IdSource,
  type Run,
  type RunEvent,
  type RunEventId,
  type RunStep,
} from '@markco/protocol';
import type { EventRow, RunRow } from './run-rows.ts';

export type Progress = {
  readonly row: RunRow;
  /** Of the event that comes next. */
  readonly nextSeq: number;
  /** Of the agent's message that comes next. */
  readonly received: number;
  readonly bytes: number;
  /** What it waits for its person to type. */
  readonly asks: { readonly password: boolean } | null;
};

export type Incoming = { readonly seq: number; readonly event: AgentEvent };
/** What this side notes between what the agent says. */
export type Noted = { readonly part: Part };
export type Said = { readonly at: Progress; readonly said: readonly EventRow[] };
type Part = { [T in RunEvent['type']]: Pick<Extract<RunEvent, { type: T }>, 'type' | 'payload'> }[RunEvent['type']];
/** `name`: of the agent, for the run's label. */
export type Clock = { readonly ids: IdSource; readonly name: string };

/** As it was left by the last event that is kept. */
export function progressOf(row: RunRow, last: EventRow | undefined): Progress {
  const { received: kept = 0 } = row;
  if (last === undefined) return { row, nextSeq: 0, received: kept, bytes: 0, asks: null };
  const { event, bytes } = last;
  const received = Math.max(kept, last.received);
  return { row, nextSeq: event.seq + 1, received, bytes, asks: event.type === 'stdin-request' ? event.payload : null };
}

export function takeIn(from: Progress, incoming: readonly (Incoming | Noted)[], clock: Clock): Said {
  let at = from;
  const said: EventRow[] = [];
  for (const one of incoming) {
    if ('seq' in one) {
      if (one.seq !== at.received) continue;
      at = { ...begun(at, clock), received: one.seq + 1 };
    }
    if (runMachine.isTerminal(at.row.run.state)) continue;
    for (const part of 'part' in one ? [one.part] : partsOf(one.event, at)) {
      const next = append(at, part, clock);
      at = next.at;
      said.push(...next.said);
    }
  }
  const isKept = at.received === (said.at(-1)?.received ?? from.received);
  return { at: isKept ? at : { ...at, row: { ...at.row, received: at.received } }, said };
}

/** One more event; `result` and `error` end the run. */
export function append(at: Progress, part: Part, { ids, name }: Clock): Said {
  const { run } = at.row;
  const bytes = at.bytes + (isOutput(part) ? JSON.stringify(part.payload).length : 0);
  if (isOutput(part) && at.bytes > LIMITS.runOutputBytesMax) return { at, said: [] };
  const isFull = bytes > LIMITS.runOutputBytesMax;
  const kept: Part = isFull && isOutput(part) ? { type: 'stderr', payload: { text: TRUNCATED } } : part;
  const event = {
    ...{ id: newId<RunEventId>(ids), runId: run.id, seq: at.nextSeq },
    ...{ createdAt: new Date(ids.now()).toISOString(), ...kept },
  } as RunEvent;
  const next: Progress = {
    ...{ ...at, nextSeq: at.nextSeq + 1, bytes },
    asks: part.type === 'stdin-request' ? part.payload : part.type === 'stdin-response' ? null : at.asks,
  };
  const said = [{ event, received: at.received, bytes }];
  if (part.type === 'result') return { at: ended(next, 'complete', { ids, name }), said };
  if (part.type !== 'error') return { at: next, said };
  const { type, message } = part.payload;
  const step = at.row.cancelRequested ? 'cancel' : 'fail';
  const error = step === 'cancel' ? {} : { error: { type: type.slice(0, 200), message: message.slice(0, 10_000) } };
  return { at: ended(next, step, { ids, name }, error), said };
}

/** Its terminal state, once. */
export function ended(at: Progress, step: RunStep, { ids, name }: Clock, more: Partial<Run> = {}): Progress {
  const next = runMachine.step(at.row.run.state, step);
  if (!next.ok) return at;
  const ran = at.row.sent ? { ranOn: name } : {};
  const completedAt = new Date(ids.now()).toISOString();
  // One that never began leaves its cell as it was.
  const outputWritten = at.row.run.documentId === undefined || !at.row.sent;
  return {
    ...at,
    row: { ...at.row, outputWritten, run: { ...at.row.run, ...ran, ...more, completedAt, state: next.state } },
    asks: null,
  };
}

function begun(at: Progress, { ids }: Clock): Progress {
  const next = runMachine.step(at.row.run.state, 'start');
  if (!next.ok) return at;
  const startedAt = new Date(ids.now()).toISOString();
  return { ...at, row: { ...at.row, run: { ...at.row.run, state: next.state, startedAt } } };
}

const TRUNCATED = '\n… This run has printed 64 MiB. What it prints from here on is not kept.\n';
const isOutput = ({ type }: Part): boolean => type === 'stdout' || type === 'stderr' || type === 'display';

function partsOf(event: AgentEvent, { row }: Progress): readonly Part[] {
  switch (event.event) {
    case 'start':
      return [];
    case 'stdout':
    case 'stderr':
      return [{ type: event.event, payload: { text: event.data.content } }];
    case 'stdin_request': {
      const { prompt, password = false } = event.data;
      return [{ type: 'stdin-request', payload: { prompt, password } }];
    }
    case 'display':
      return [{ type: 'display', payload: { data: event.data.data, metadata: event.data.metadata ?? {} } }];
    case 'result': {
      const { result = null, executionCount = 0, duration = 0 } = event.data;
      const data = result === null ? null : { 'text/plain': result };
      return [{ type: 'result', payload: { data, executionCount, durationMs: duration } }];
    }
    case 'error':
      return [{ type: 'error', payload: { ...event.data, traceback: event.data.traceback ?? [] } }];
    case 'done':
      // One that says no result has none.
      return !runMachine.isTerminal(row.run.state)
        ? [{ type: 'result', payload: { data: null, executionCount: 0, durationMs: 0 } }]
        : [];
  }
}
