/**
 * Which run an `execId` means. A UUID is the run's own id, so that sending it twice is one run; any other text is a
 * name that its program may use again, and means the newest run of that session it was sent for.
 */
import { LIMITS, UUID_PATTERN, type RunId, type SessionId } from '@markco/protocol';

export type ExecIds = ReturnType<typeof createExecIds>;

export function createExecIds(parts: {
  newRunId(): RunId;
  /** Whether the run has ended, or never was. */
  isOver(id: RunId): Promise<boolean>;
}) {
  /** The newest ones; what was forgotten is only not found by `/input` any more. */
  const known = new Map<string, RunId>();
  const keyOf = (session: SessionId, execId: string): string => `${session} ${execId}`;

  return {
    /** The run to submit: the one that is on under this id, or a new one. */
    async claim(session: SessionId, execId: string): Promise<RunId> {
      const own = uuidOf(execId);
      if (own !== null) return own;
      const key = keyOf(session, execId);
      const before = known.get(key);
      if (before !== undefined && !(await parts.isOver(before))) return before;
      // Somebody else may have asked meanwhile.
      const now = known.get(key);
      if (now !== undefined && now !== before) return now;
      const id = parts.newRunId();
      known.delete(key);
      known.set(key, id);
      for (const oldest of known.keys()) {
        if (known.size <= LIMITS.mrpExecIdsMax) break;
        known.delete(oldest);
      }
      return id;
    },

    /** The run an id was sent for, if it is remembered. */
    find: (session: SessionId, execId: string): RunId | null =>
      uuidOf(execId) ?? known.get(keyOf(session, execId)) ?? null,
  };
}

function uuidOf(text: string): RunId | null {
  const lower = text.toLowerCase();
  return UUID_PATTERN.test(lower) ? (lower as RunId) : null;
}
