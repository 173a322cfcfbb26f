/**
 * What other processes of this cloud did about agents and their runs, read from the store: told to whoever looks on here,
 * and done where it is for an agent that is here. One look at an agent at a time; what is said meanwhile makes one more,
 * and so does one that failed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { runMachine, type DeviceId, type Run, type RunId, type UserId } from '@markco/protocol';
import type { HeldAgents } from './held.ts';
import type { RunRow, RunRows } from './run-rows.ts';

/** After a look that failed. */
const [AGAIN_MS, AGAIN_MAX_MS] = [100, 5_000];

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

type Told = { readonly user: UserId; readonly text: string };

export type Look = {
  look(agent: DeviceId): void;
  /** A run of an agent that is not here was begun here: it may be over before it is looked for the first time. */
  begun(agent: DeviceId, run: Run): void;
  /** Nothing is asked for again from now on. */
  end(): void;
};

export function createLook(parts: LookParts): Look {
  const { rows, held } = parts;
  const looking = new Map<DeviceId, { again: boolean }>();
  let isOver = false;
  /** Runs of agents that are not here, as they were told last; those that did not end. */
  const told = new Map<DeviceId, Map<RunId, Told>>();

  async function lookNow(agent: DeviceId): Promise<void> {
    const now = await held.read(agent);
    if (now !== undefined) parts.cameElsewhere(agent, now.count);
    if (parts.isHere(agent)) {
      told.delete(agent);
      for (const row of await rows.open(agent)) await parts.adopt(row);
      return;
    }
    const known = told.get(agent) ?? new Map<RunId, Told>();
    told.set(agent, known);
    const before = new Map(known);
    const say = (row: RunRow): void => {
      const { id, userId: user, state } = row.run;
      const text = JSON.stringify([now?.count, now?.isConnected, row.run]);
      if (known.get(id)?.text !== text) parts.tell(row);
      if (runMachine.isTerminal(state)) known.delete(id);
      else known.set(id, { user, text });
      before.delete(id);
    };
    for (const row of await rows.open(agent))
      if (before.has(row.run.id) || !runMachine.isTerminal(row.run.state)) say(row);
    for (const [id, { user }] of [...before]) {
      const row = await rows.read(user, id);
      if (row === undefined) known.delete(id);
      else say(row);
    }
    if (known.size === 0) told.delete(agent);
  }

  function look(agent: DeviceId): void {
    const running = looking.get(agent);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const mine = { again: true };
    looking.set(agent, mine);
    void lookUntilRead(agent, mine);
  }

  /** Nobody says again what was said: while the store is away it is asked again, however long that takes. */
  async function lookUntilRead(agent: DeviceId, mine: { again: boolean }): Promise<void> {
    let failed = 0;
    while (mine.again && !isOver) {
      mine.again = false;
      try {
        await lookNow(agent);
        failed = 0;
      } catch (cause) {
        if (failed++ === 0) parts.onTrouble('reading what another process did about an agent', cause);
        mine.again = true;
        await delay(Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** failed), undefined, { ref: false });
      }
    }
    looking.delete(agent);
  }

  return {
    look,
    end: () => void (isOver = true),
    begun(agent: DeviceId, { id, userId: user }: Run): void {
      const known = told.get(agent) ?? new Map<RunId, Told>();
      told.set(agent, known);
      known.set(id, { user, text: '' });
    },
  };
}
