/**
 * When a session that nobody uses ends, so that what it holds of the machine comes back.
 *
 * 1. Nothing busy ever ends: neither a session with a run, on or waiting, however silent, nor one whose processes use
 *    the processor beside its runs.
 * 2. A session is told first: for NOTICE_MS its list says when it will end, and any use of it takes that back.
 */
export type IdleFacts = {
  /** When a run of it last began or ended, Unix milliseconds. */
  readonly usedAt: number;
  /** A run is on or waits. */
  readonly busy: boolean;
  /** What its processes have used so far, in milliseconds; null when it has none. */
  readonly cpuMs: number | null;
};

/** What was seen when a session was told; null while it has not been. */
export type IdleNotice = { readonly endsAt: number; readonly usedAt: number; readonly cpuMs: number };

export const NOTICE_MS = 10 * 60_000;
/** Of the processor's time since the notice: below this share is the bookkeeping of an interpreter that waits. */
const WORKING_SHARE = 0.01;

export type IdleDecision = { readonly end: boolean; readonly notice: IdleNotice | null };

/** Whether it is time to look closer. */
export function mayBeIdle(usedAt: number, now: number, idleMs: number | null): boolean {
  return idleMs !== null && now - usedAt >= idleMs - NOTICE_MS;
}

/** @param idleMs how long a session may be idle; null for as long as it likes */
export function decideIdle(
  facts: IdleFacts,
  notice: IdleNotice | null,
  now: number,
  idleMs: number | null,
): IdleDecision {
  const { usedAt, busy, cpuMs } = facts;
  if (idleMs === null || busy || cpuMs === null) return { end: false, notice: null };
  if (notice === null || notice.usedAt !== usedAt) {
    return { end: false, notice: mayBeIdle(usedAt, now, idleMs) ? { endsAt: now + NOTICE_MS, usedAt, cpuMs } : null };
  }
  if (now < notice.endsAt) return { end: false, notice };
  const isWorking = cpuMs - notice.cpuMs > NOTICE_MS * WORKING_SHARE;
  return isWorking ? { end: false, notice: { endsAt: now + NOTICE_MS, usedAt, cpuMs } } : { end: true, notice };
}
