/** Runs of each session, in the order in which they were asked for: the first one runs, the others wait. */
import type { SessionId } from '@markco/protocol';

export type Lanes = ReturnType<typeof createLanes>;

export function createLanes() {
  const lanes = new Map<SessionId, string[]>();
  return {
    join(session: SessionId, run: string): void {
      const lane = lanes.get(session) ?? [];
      if (!lane.includes(run)) lanes.set(session, [...lane, run]);
    },
    leave(session: SessionId, run: string): void {
      const left = lanes.get(session)?.filter((each) => each !== run) ?? [];
      if (left.length === 0) lanes.delete(session);
      else lanes.set(session, left);
    },
    drop: (session: SessionId): boolean => lanes.delete(session),
    first: (session: SessionId): string | undefined => lanes.get(session)?.[0],
    /** Of one that is there: how many come before it. */
    before: (session: SessionId, run: string): number => lanes.get(session)?.indexOf(run) ?? 0,
    waiting: (session: SessionId): number => Math.max(0, (lanes.get(session)?.length ?? 0) - 1),
    all: (): readonly SessionId[] => [...lanes.keys()],
  };
}
