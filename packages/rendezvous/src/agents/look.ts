/**
 * What other processes of this cloud did about agents and their runs, read from the store: told to whoever looks on here,
 * and done where it is for an agent that is here. One look at an agent at a time; what is said meanwhile makes one more.
 */
import { runMachine, type DeviceId, type RunId, type UserId } from '@markco/protocol';
import type { HeldAgents } from './held.ts';
import type { RunRow, RunRows } from './run-rows.ts';

export type LookParts = {
  readonly rows: Pick<RunRows, 'open' | 'read'>;
  readonly held: Pick<HeldAgents, 'read'>;
  readonly isHere: (agent: DeviceId) => boolean;
  /** It came elsewhere at this count. */
  readonly cameElsewhere: (agent: DeviceId, count: number) => void;
  /** Somebody wants it to run here. */
  readonly adopt: (row: RunRow) => Promise<void>;
  /** A run of an agent that is not here has changed. */
  readonly tell: (row: RunRow) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export function createLook(parts: LookParts) {
  const { rows, held } = parts;
  const looking = new Map<DeviceId, { again: boolean }>();
  /** Runs of agents that are not here, as they were told last; those that did not end. */
  const told = new Map<DeviceId, Map<RunId, { readonly user: UserId; readonly text: string }>>();

  async function lookNow(agent: DeviceId): Promise<void> {
    const now = await held.read(agent);
    if (now !== undefined) parts.cameElsewhere(agent, now.count);
    if (parts.isHere(agent)) {
      told.delete(agent);
      for (const row of await rows.open(agent)) await parts.adopt(row);
      return;
    }
    const before = told.get(agent) ?? new Map<RunId, { user: UserId; text: string }>();
    const after: typeof before = new Map();
    const say = (row: RunRow): void => {
      const { id, userId: user, state } = row.run;
      const text = JSON.stringify([now?.count, now?.isConnected, row.run]);
      if (before.get(id)?.text !== text) parts.tell(row);
      if (!runMachine.isTerminal(state)) after.set(id, { user, text });
      before.delete(id);
    };
    for (const row of await rows.open(agent))
      if (before.has(row.run.id) || !runMachine.isTerminal(row.run.state)) say(row);
    for (const [id, { user }] of [...before]) {
      const row = await rows.read(user, id);
      if (row !== undefined) say(row);
    }
    if (after.size === 0) told.delete(agent);
    else told.set(agent, after);
  }

  return (agent: DeviceId): void => {
    const running = looking.get(agent);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const mine = { again: true };
    looking.set(agent, mine);
    void (async () => {
      try {
        while (mine.again) {
          mine.again = false;
          await lookNow(agent);
        }
      } catch (cause) {
        parts.onTrouble('reading what another process did about an agent', cause);
      } finally {
        looking.delete(agent);
      }
    })();
  };
}
