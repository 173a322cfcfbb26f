/**
 * What runs printed while nobody could see it: the page was closed, or its device could not be reached.
 *
 * 1. Of each run that goes on, the last event that was seen is remembered, also over a reload; `RUNS_MAX` of them.
 * 2. The clocks of page and device need not agree: an event was missed when it came, by the device's clock, no later
 *    after the last seen one than the page was away by its own.
 */
import type { Client } from '@markco/client';
import { RunIdSchema, type DocumentId, type Run, type RunEvent, type RunId } from '@markco/protocol';
import { signal, type ReadonlySignal } from '@preact/signals';
import * as z from 'zod/mini';

export type Missed = {
  readonly runId: RunId;
  readonly documentId: DocumentId | undefined;
  /** The first event that was not seen. */
  readonly from: number;
  readonly lines: number;
  /** Counting stopped: there are more. */
  readonly more: boolean;
};

export type Away = {
  readonly missed: ReadonlySignal<readonly Missed[]>;
  /** An event of a run that goes on reached the page. */
  note(run: Pick<Run, 'id' | 'documentId'>, event: RunEvent): void;
  /** A run that had ended before the page heard of it. */
  recall(run: Pick<Run, 'id' | 'documentId'>): void;
  dismiss(runId: RunId): void;
};

export type AwayParts = {
  readonly client: Pick<Client, 'followRun' | 'connection'>;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Does this soon, once: a timer in a page. */
  readonly later: (work: () => void) => void;
};

const RecordSchema = z.object({ seq: z.number(), deviceAt: z.number(), pageAt: z.number() });
const RecordsSchema = z.array(z.tuple([RunIdSchema, RecordSchema]));
type Seen = z.infer<typeof RecordSchema>;

const KEY = 'seen-runs';
const RUNS_MAX = 50;
/** A reload or a hiccup of the network is no absence. */
const AWAY_MS = 3_000;
const COUNTED_CHARS_MAX = 8_000_000;
/** Bars at once; the oldest goes for another. */
const MISSED_MAX = 3;

export function createAway({ client, storage, now, later }: AwayParts): Away {
  const seen = new Map<RunId, Seen>(read());
  /** Until when, by the device's clock, what comes was missed. */
  const absence = new Map<RunId, number>();
  const missed = signal<readonly Missed[]>([]);
  let saving = false;

  function read(): readonly (readonly [RunId, Seen])[] {
    try {
      const parsed = RecordsSchema.safeParse(JSON.parse(storage.getItem(KEY) ?? '[]'));
      return parsed.success ? parsed.data.slice(-RUNS_MAX) : [];
    } catch {
      return [];
    }
  }

  function save(): void {
    if (saving) return;
    saving = true;
    later(() => {
      saving = false;
      try {
        storage.setItem(KEY, JSON.stringify([...seen].slice(-RUNS_MAX)));
      } catch {
        // Without room nothing is remembered, and nothing else depends on it.
      }
    });
  }

  function beAwayUntil(at: number): void {
    for (const [id, { deviceAt, pageAt }] of seen) absence.set(id, deviceAt + (at - pageAt));
  }

  function add({ id, documentId }: Pick<Run, 'id' | 'documentId'>, from: number, lines: number, more: boolean): void {
    if (lines === 0 && !more) return;
    const known = missed.peek().find((one) => one.runId === id);
    const next: Missed = {
      runId: id,
      documentId,
      from: known?.from ?? from,
      lines: (known?.lines ?? 0) + lines,
      more: more || known?.more === true,
    };
    missed.value = [...missed.peek().filter((one) => one.runId !== id), next].slice(-MISSED_MAX);
  }

  for (const [id, { pageAt, deviceAt }] of seen)
    if (now() - pageAt >= AWAY_MS) absence.set(id, deviceAt + (now() - pageAt));
  let offlineSince: number | undefined;
  client.connection.subscribe((connection) => {
    if (connection.state === 'offline') offlineSince ??= now();
    if (connection.state !== 'online') return;
    if (offlineSince !== undefined && now() - offlineSince >= AWAY_MS) beAwayUntil(now());
    offlineSince = undefined;
  });

  return {
    missed,
    note(run, event) {
      const known = seen.get(run.id);
      if (known !== undefined && event.seq <= known.seq) return;
      const deviceAt = Date.parse(event.createdAt);
      if (deviceAt <= (absence.get(run.id) ?? 0)) add(run, event.seq, linesOf(event), false);
      else absence.delete(run.id);
      seen.delete(run.id);
      if (event.type !== 'result' && event.type !== 'error')
        seen.set(run.id, { seq: event.seq, deviceAt, pageAt: now() });
      const oldest = seen.size > RUNS_MAX ? seen.keys().next().value : undefined;
      if (oldest !== undefined) seen.delete(oldest);
      save();
    },
    recall(run) {
      const known = seen.get(run.id);
      if (known === undefined) return;
      seen.delete(run.id);
      save();
      let chars = 0;
      let lines = 0;
      const stop = client.followRun(run.id, known.seq + 1, {
        onEvent(event) {
          lines += linesOf(event);
          chars += event.type === 'stdout' || event.type === 'stderr' ? event.payload.text.length : 0;
          if (chars <= COUNTED_CHARS_MAX) return;
          stop();
          add(run, known.seq + 1, lines, true);
        },
        onEnd: () => add(run, known.seq + 1, lines, false),
      });
    },
    dismiss(runId) {
      missed.value = missed.peek().filter((one) => one.runId !== runId);
    },
  };
}

function linesOf(event: RunEvent): number {
  return event.type === 'stdout' || event.type === 'stderr' ? event.payload.text.split('\n').length - 1 : 0;
}
