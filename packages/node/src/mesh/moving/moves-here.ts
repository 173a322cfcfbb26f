/** The sessions of this device as they leave and come, whoever moves them. */
import type { SessionId } from '@markco/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import type { Runs } from '../../runs/runs.ts';
import type { Coming, Leaving, SessionMoves } from '../../runtimes/session-moves.ts';
import type { Arrive } from '../placing/arrive.ts';

const LOOK_MS = 100;

export type MovesHere = {
  /** @param wait for its runs to end; without it, `conflict` while there are any */
  leave(session: SessionId, wait: boolean, signal: AbortSignal): Promise<Leaving>;
  come(...input: Parameters<SessionMoves['come']>): Promise<Coming>;
};

export function createMovesHere({
  sessions,
  arrive,
}: {
  readonly sessions: Pick<Runs['sessions'], 'moves' | 'isBusy'>;
  readonly arrive: Arrive;
}): MovesHere {
  return {
    async leave(session, wait, signal) {
      for (;;) {
        while (wait && sessions.isBusy(session)) await delay(LOOK_MS, undefined, { signal });
        try {
          return await sessions.moves.leave(session, signal);
        } catch (error) {
          // A run was quicker.
          if (!wait || !sessions.isBusy(session)) throw error;
        }
      }
    },
    async come(packed, parts, options) {
      await arrive({ projectId: packed.projectId });
      return sessions.moves.come(packed, parts, options);
    },
  };
}
