/**
 * The runs of one host: which execute, which wait, and who is next. Pure: a queue and an event in, the queue after it
 * and what is to be done out. Whoever asks a host that is not there keeps the same queue, offline, until it is.
 *
 * 1. At most `slots` runs execute, and of one session at most one; runs of a session start in the order they came in.
 * 2. What waits is bounded by `LIMITS.queuedRunsMax`; one more is refused, and nothing that waits is dropped for it.
 * 3. Nobody starves. A run's turn is the number of runs that came before it plus the handicap of its priority (and not
 *    less than the turn of a run of its session that waits before it); the smallest turn is next. A run with handicap H
 *    is thus overtaken by fewer than H runs that came after it (by none at 0), however many come: no clock is needed.
 *    Only its own session can hold it up longer.
 * 4. While a host is offline nothing starts, and everything else goes on: runs come in, are canceled, have a position.
 */
import { LIMITS, type RunId, type SessionId } from '@markco/protocol';

/** How many runs that come in later may go before one of this priority, at most. */
export const HANDICAP = {
  /** A person waits for it. */
  interactive: 0,
  /** One of many: run all. */
  batch: 16,
  /** Nobody waits for it. */
  background: 64,
} as const;
export type Priority = keyof typeof HANDICAP;

export type QueuedRun = { readonly runId: RunId; readonly sessionId: SessionId; readonly priority: Priority };
export type Waiting = QueuedRun & { readonly turn: number };

export type HostQueue = {
  readonly online: boolean;
  readonly slots: number;
  readonly running: readonly QueuedRun[];
  /** In the order of their turns. */
  readonly waiting: readonly Waiting[];
  /** How many ever came in. */
  readonly arrivals: number;
};

export type QueueEvent =
  | ({ readonly type: 'submit' } & QueuedRun)
  | { readonly type: 'cancel'; readonly runId: RunId }
  /** It executes no more, for whatever reason. */
  | { readonly type: 'ended'; readonly runId: RunId }
  /** The host came, went, or takes another number of runs at once: those beyond it are let end. */
  | { readonly type: 'host'; readonly online: boolean; readonly slots: number };

export type QueueEffect =
  | { readonly type: 'start'; readonly runId: RunId }
  /** It executes: the host is to stop it, and says `ended` when it has. */
  | { readonly type: 'stop'; readonly runId: RunId }
  /** It waited, and waits no more. */
  | { readonly type: 'cancelled'; readonly runId: RunId }
  /** Nothing has changed: the run is here already, is not here, or there is no room for it. */
  | { readonly type: 'refused'; readonly runId: RunId; readonly rule: 'known' | 'unknown' | 'full' };

export type QueueStep = { readonly queue: HostQueue; readonly effects: readonly QueueEffect[] };

export function emptyQueue({ online, slots }: Pick<HostQueue, 'online' | 'slots'>): HostQueue {
  return { online, slots, running: [], waiting: [], arrivals: 0 };
}

/** How many runs come before it, or null when it does not wait here. */
export function positionOf(queue: HostQueue, runId: RunId): number | null {
  const at = queue.waiting.findIndex((run) => run.runId === runId);
  return at < 0 ? null : at;
}

export function stepQueue(queue: HostQueue, event: QueueEvent): QueueStep {
  switch (event.type) {
    case 'submit':
      return submit(queue, event);
    case 'cancel':
      return cancel(queue, event.runId);
    case 'ended':
      return isIn(queue.running, event.runId)
        ? fill({ ...queue, running: without(queue.running, event.runId) })
        : refuse(queue, event.runId, 'unknown');
    case 'host':
      return fill({ ...queue, online: event.online, slots: event.slots });
  }
}

function submit(queue: HostQueue, { runId, sessionId, priority }: QueuedRun): QueueStep {
  if (isIn(queue.running, runId) || isIn(queue.waiting, runId)) return refuse(queue, runId, 'known');
  if (queue.waiting.length >= LIMITS.queuedRunsMax) return refuse(queue, runId, 'full');
  const before = queue.waiting.findLast((run) => run.sessionId === sessionId)?.turn ?? 0;
  const turn = Math.max(queue.arrivals + HANDICAP[priority], before);
  const at = queue.waiting.findLastIndex((run) => run.turn <= turn) + 1;
  const waiting = queue.waiting.toSpliced(at, 0, { runId, sessionId, priority, turn });
  return fill({ ...queue, waiting, arrivals: queue.arrivals + 1 });
}

function cancel(queue: HostQueue, runId: RunId): QueueStep {
  if (isIn(queue.waiting, runId))
    return { queue: { ...queue, waiting: without(queue.waiting, runId) }, effects: [{ type: 'cancelled', runId }] };
  return isIn(queue.running, runId) ? { queue, effects: [{ type: 'stop', runId }] } : refuse(queue, runId, 'unknown');
}

/** Starts what may start: in the order of turns, passing over runs whose session is busy. */
function fill(queue: HostQueue): QueueStep {
  if (!queue.online || queue.waiting.length === 0) return { queue, effects: [] };
  let { running, waiting } = queue;
  const effects: QueueEffect[] = [];
  const busy = new Set(running.map(({ sessionId }) => sessionId));
  while (running.length < queue.slots) {
    const next = waiting.find(({ sessionId }) => !busy.has(sessionId));
    if (next === undefined) break;
    const { runId, sessionId, priority } = next;
    running = [...running, { runId, sessionId, priority }];
    busy.add(sessionId);
    waiting = without(waiting, runId);
    effects.push({ type: 'start', runId });
  }
  return { queue: effects.length === 0 ? queue : { ...queue, running, waiting }, effects };
}

function refuse(queue: HostQueue, runId: RunId, rule: 'known' | 'unknown' | 'full'): QueueStep {
  return { queue, effects: [{ type: 'refused', runId, rule }] };
}

function isIn(runs: readonly QueuedRun[], runId: RunId): boolean {
  return runs.some((run) => run.runId === runId);
}

function without<Run extends QueuedRun>(runs: readonly Run[], runId: RunId): readonly Run[] {
  return runs.filter((run) => run.runId !== runId);
}
