/**
 * Runs that go on at agents that are here: what becomes of them is written down first, and is so then.
 *
 * 1. One change of a run after another.
 * 2. What an agent sent is acknowledged once it is on disk.
 * 3. What could not be written may have been, or may be yet: the run is known no more, and is read again when its agent,
 *    which is sent away, has come again.
 */
import { Failure, type DeviceId, type IdSource, type Run } from '@markco/protocol';
import type { AgentConnection } from './connection.ts';
import { append, takeIn, type Clock, type Incoming, type Noted, type Progress, type Said } from './progress.ts';
import { cameElsewhere, type RunRow, type RunRows } from './run-rows.ts';

/** Beside the text of a message. */
const MESSAGE_BYTES = 256;
const AT_ONCE = 200;

export type Active = {
  at: Progress;
  /** Of its agent here, to write at (`held.ts`). */
  readonly version: number;
  pending: (Incoming | Noted)[];
  pendingBytes: number;
  /** Of the agent's message that comes next, behind those that wait. */
  expected: number;
  turn: Promise<unknown>;
};

export type ActivesParts = {
  readonly rows: Pick<RunRows, 'write'>;
  readonly ids: IdSource;
  readonly connected: (agent: DeviceId) => AgentConnection | undefined;
  /** At which version it came here. */
  readonly versionOf: (agent: DeviceId) => number;
  /** Of one that was removed too, as far as it is remembered. */
  readonly nameOf: (user: Run['userId'], agent: DeviceId) => string;
  readonly onKept: (active: Active, before: RunRow) => void;
  /** It could not be written, and is known here no more. */
  readonly onLost: (row: RunRow) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export const runKeyOf = ({ userId, id }: Pick<Run, 'userId' | 'id'>): string => `${userId} ${id}`;

export type Actives = ReturnType<typeof createActives>;

export function createActives(parts: ActivesParts) {
  const { rows, ids } = parts;
  const actives = new Map<string, Active>();
  const clockOf = ({ agent, run }: RunRow): Clock => ({ ids, name: parts.nameOf(run.userId, agent) });

  function inTurn<T>(active: Active, work: () => Promise<T>): Promise<T> {
    const done = active.turn.then(work);
    active.turn = done.catch(() => undefined);
    return done;
  }

  async function keep(active: Active, { at, said }: Said): Promise<void> {
    const before = active.at.row;
    const { run, agent } = at.row;
    if (actives.get(runKeyOf(run)) !== active) throw cameElsewhere();
    try {
      await rows.write(at.row, active.version, said, at.row !== before);
    } catch (cause) {
      actives.delete(runKeyOf(run));
      parts.onLost(before);
      if (parts.versionOf(agent) === active.version)
        parts
          .connected(agent)
          ?.refuse(new Failure('not_ready', 'What this run says cannot be kept now. Come again in a moment.'));
      throw cause;
    }
    active.at = at;
    parts.onKept(active, before);
  }

  async function flush(active: Active): Promise<void> {
    while (active.pending.length > 0) {
      const batch = active.pending.splice(0, AT_ONCE);
      const { row } = active.at;
      const next = takeIn(active.at, batch, clockOf(row));
      await keep(active, next);
      active.pendingBytes = active.pending.reduce((sum, one) => sum + sizeOf(one), 0);
      parts.connected(row.agent)?.acknowledge([{ request_id: row.run.id, next_seq: next.at.received }]);
    }
  }

  return {
    ...{ inTurn, keep, clockOf },
    get: (run: Pick<Run, 'userId' | 'id'>): Active | undefined => actives.get(runKeyOf(run)),
    byKey: (key: string): Active | undefined => actives.get(key),
    all: (): readonly Active[] => [...actives.values()],
    forget: ({ at }: Active): boolean => actives.delete(runKeyOf(at.row.run)),

    add(at: Progress, version: number): Active {
      const known = actives.get(runKeyOf(at.row.run));
      if (known !== undefined) return known;
      const active: Active = {
        ...{ at, version, pending: [], pendingBytes: 0 },
        ...{ expected: at.received, turn: Promise.resolve() },
      };
      actives.set(runKeyOf(at.row.run), active);
      return active;
    },

    fail(active: Active, type: string, message: string): Promise<void> {
      const said = append(
        active.at,
        { type: 'error', payload: { type, message, traceback: [] } },
        clockOf(active.at.row),
      );
      return keep(active, said);
    },

    /** Writes it down soon, with what else is said meanwhile. */
    note(active: Active, one: Incoming | Noted): void {
      active.pending.push(one);
      active.pendingBytes += sizeOf(one);
      if (active.pending.length > 1) return;
      inTurn(active, () => flush(active)).catch((cause: unknown) => {
        // What was not acknowledged the agent sends again when it is back.
        active.pending.splice(0);
        active.pendingBytes = 0;
        parts.onTrouble('keeping what a run said', cause);
      });
    },

    /** What is known of the runs of an agent is kept, and read again when it is back. Answers how far they were. */
    async drop(agent: DeviceId, version?: number): Promise<readonly Active[]> {
      const dropped = [...actives.values()].filter(
        (each) => each.at.row.agent === agent && (version ?? each.version) === each.version,
      );
      for (const active of dropped) {
        await active.turn;
        const key = runKeyOf(active.at.row.run);
        if (actives.get(key) === active) actives.delete(key);
      }
      return dropped;
    },
  };
}

const sizeOf = (one: Incoming | Noted): number => JSON.stringify(one).length + MESSAGE_BYTES;
