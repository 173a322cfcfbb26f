/**
 * Runs on plain agents, from the click to the end. What they say is kept here as it comes; who runs them is only told what
 * to do.
 *
 * 1. A run is handed to one agent, once: that it is, is on disk before the message goes out. Nothing hands it out again.
 * 2. Runs of one session come one after another, in the order in which they were asked for.
 * 3. What an agent sent is acknowledged once it is on disk, so whoever comes back goes on where that ends.
 * 4. One whose agent is gone is said to be out of reach; one that its agent knows nothing of when it is back has failed.
 */
import {
  Failure,
  LIMITS,
  runMachine,
  type DeviceId,
  type IdSource,
  type Received,
  type Run,
  type RunId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import type { AgentConnection } from './connection.ts';
import { append, ended, progressOf, takeIn, type Incoming, type Noted, type Progress, type Said } from './progress.ts';
import type { RunRow, RunRows } from './run-rows.ts';

const INTERRUPT_MS = 5_000;
/** Beside the text of a message. */
const MESSAGE_BYTES = 256;
const AT_ONCE = 200;

type Active = {
  at: Progress;
  pending: (Incoming | Noted)[];
  pendingBytes: number;
  /** Of the agent's message that comes next, behind those that wait. */
  expected: number;
  turn: Promise<unknown>;
};

export type RunsParts = {
  readonly rows: RunRows;
  readonly ids: IdSource;
  readonly connected: (agent: DeviceId) => AgentConnection | undefined;
  /** Of one that was removed too, as far as it is remembered. */
  readonly nameOf: (user: UserId, agent: DeviceId) => string;
  /** Since when it is not connected, Unix milliseconds. */
  readonly awaySince: (agent: DeviceId) => number;
  /** What the agent is told of where the code stands. */
  readonly placeOf: (run: Run) => { readonly project?: string; readonly doc_path?: string };
  /** Whether other processes may have its agent. */
  readonly isShared: boolean;
  /** A run has changed. */
  readonly tell: (run: Run) => void;
  /** There is more of it to read, or it is over. */
  readonly poke: (user: UserId, run: RunId) => void;
  readonly onEnd: (row: RunRow) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type AgentRuns = ReturnType<typeof createAgentRuns>;

export function createAgentRuns(parts: RunsParts) {
  const { rows, ids } = parts;
  /** Runs that did not end, of agents that are connected. */
  const actives = new Map<string, Active>();
  const lanes = new Map<SessionId, string[]>();
  const keyOf = ({ userId, id }: Pick<Run, 'userId' | 'id'>): string => `${userId} ${id}`;
  const clockOf = ({ agent, run }: RunRow) => ({ ids, name: parts.nameOf(run.userId, agent) });
  const isOver = ({ run }: RunRow): boolean => runMachine.isTerminal(run.state);

  function activate(at: Progress): Active {
    const active: Active = { at, pending: [], pendingBytes: 0, expected: at.received, turn: Promise.resolve() };
    actives.set(keyOf(at.row.run), active);
    return active;
  }

  /** One change of a run after another. */
  function inTurn<T>(active: Active, work: () => Promise<T>): Promise<T> {
    const done = active.turn.then(work);
    active.turn = done.catch(() => undefined);
    return done;
  }

  /** Writes down what has become of it; only then is it so. */
  async function keep(active: Active, { at, said }: Said): Promise<void> {
    const before = active.at;
    const hasChanged = at.row !== before.row;
    await rows.write(at.row, said, hasChanged ? 'changed' : 'same');
    active.at = at;
    const { run } = at.row;
    parts.poke(run.userId, run.id);
    if (!hasChanged) return;
    parts.tell(present(at.row));
    if (!isOver(at.row) || isOver(before.row)) return;
    actives.delete(keyOf(run));
    leave(run);
    parts.onEnd(at.row);
  }

  function leave({ sessionId, ...run }: Run): void {
    const lane = lanes.get(sessionId)?.filter((key) => key !== keyOf(run)) ?? [];
    if (lane.length === 0) lanes.delete(sessionId);
    else lanes.set(sessionId, lane);
    advance(sessionId);
  }

  /** Hands out the next run of a session, once the one before is over. */
  function advance(session: SessionId): void {
    const [first] = lanes.get(session) ?? [];
    const active = actives.get(first ?? '');
    if (active === undefined || active.at.row.sent) return;
    inTurn(active, async () => {
      const { at } = active;
      const { run, agent } = at.row;
      const agentNow = parts.connected(agent);
      const next = runMachine.step(run.state, 'schedule');
      if (at.row.sent || agentNow === undefined || !next.ok) return;
      await keep(active, {
        at: { ...at, row: { ...at.row, sent: true, run: { ...run, state: next.state } } },
        said: [],
      });
      agentNow.send(
        {
          ...{ type: 'MRP_REQUEST', method: 'POST', path: '/mrp/v1/execute/stream', project_id: run.projectId },
          ...parts.placeOf(run),
          body: {
            ...{ code: run.code, session: run.sessionId, language: run.language, execId: run.id, storeHistory: true },
            ...(run.cellId === undefined ? {} : { cellId: run.cellId }),
          },
        },
        run.id,
      );
    }).catch((cause: unknown) => parts.onTrouble('handing out a run', cause));
  }

  /** As a person is told of it. */
  function present({ run, agent, sent }: RunRow): Run {
    if (runMachine.isTerminal(run.state)) return run;
    const isThere = parts.connected(agent) !== undefined;
    if (!sent) {
      const at = lanes.get(run.sessionId)?.indexOf(keyOf(run)) ?? 0;
      return {
        ...run,
        ...(at > 0 ? { queuePosition: at } : {}),
        ...(isThere ? {} : { waitsFor: parts.nameOf(run.userId, agent) }),
      };
    }
    return isThere ? run : { ...run, unreachable: new Date(parts.awaySince(agent)).toISOString() };
  }

  async function find(user: UserId, id: RunId): Promise<RunRow | undefined> {
    return actives.get(keyOf({ userId: user, id }))?.at.row ?? rows.read(user, id);
  }

  async function require(user: UserId, id: RunId): Promise<RunRow> {
    const row = await find(user, id);
    if (row === undefined) throw new Failure('not_found', 'There is no such run here.');
    return row;
  }

  /** It goes on here; of an agent that is connected elsewhere it may not. */
  async function take(row: RunRow): Promise<Active> {
    const known = actives.get(keyOf(row.run));
    if (known !== undefined) return known;
    if (parts.isShared && parts.connected(row.agent) === undefined)
      throw new Failure('not_ready', 'Its agent is not connected to this process of the cloud. Try again in a moment.');
    const last = await rows.last(row.run);
    return actives.get(keyOf(row.run)) ?? activate(progressOf(row, last));
  }

  async function fail(active: Active, type: string, message: string): Promise<void> {
    const said = append(
      active.at,
      { type: 'error', payload: { type, message, traceback: [] } },
      clockOf(active.at.row),
    );
    await keep(active, said);
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

  function note(active: Active, connection: AgentConnection, one: Incoming | Noted): void {
    active.pending.push(one);
    active.pendingBytes += sizeOf(one);
    if (active.pending.length > 1) return;
    inTurn(active, () => flush(active)).catch((cause: unknown) => {
      active.pending.splice(0);
      active.pendingBytes = 0;
      parts.onTrouble('keeping what a run said', cause);
      // What was not acknowledged it sends again when it is back.
      connection.refuse(new Failure('not_ready', 'What this run says cannot be kept now. Come again in a moment.'));
    });
  }

  function laneOf(run: Run): void {
    const lane = lanes.get(run.sessionId) ?? [];
    if (!lane.includes(keyOf(run))) lanes.set(run.sessionId, [...lane, keyOf(run)]);
  }

  return {
    present,
    require,
    find,
    /** Those that wait or run at an agent. */
    load(agent: DeviceId): { readonly running: number; readonly queued: number } {
      const its = [...actives.values()].filter(({ at }) => at.row.agent === agent);
      const running = its.filter(({ at }) => at.row.sent).length;
      return { running, queued: its.length - running };
    },
    currentOf: (session: SessionId): Run | undefined => actives.get(lanes.get(session)?.[0] ?? '')?.at.row.run,
    queuedOf: (session: SessionId): number => Math.max(0, (lanes.get(session)?.length ?? 0) - 1),

    /** Notes a new run, on disk, and hands it out when its turn comes. */
    async begin(run: Run, agent: DeviceId): Promise<Run> {
      const row: RunRow = { run, agent, sent: false, cancelRequested: false, outputWritten: false };
      await rows.write(row, [], 'new');
      activate(progressOf(row, undefined));
      laneOf(run);
      const shown = present(row);
      parts.tell(shown);
      advance(run.sessionId);
      return shown;
    },

    /** What a run said. Answers the bytes that wait to be written down. */
    receive(connection: AgentConnection, id: RunId, incoming: Incoming): number {
      const active = actives.get(keyOf({ userId: connection.userId, id }));
      if (active === undefined || active.at.row.agent !== connection.agent || !active.at.row.sent) {
        // It is over, or never was: there is nothing to keep.
        connection.acknowledge([{ request_id: id, next_seq: incoming.seq + 1 }]);
        return 0;
      }
      if (incoming.seq > active.expected)
        throw new Failure('bad_request', `Message ${incoming.seq} of this run came, and not ${active.expected}.`);
      // It was sent again, and is on its way to the disk or there.
      if (incoming.seq < active.expected) return active.pendingBytes;
      active.expected++;
      note(active, connection, incoming);
      return active.pendingBytes;
    },

    /** It will not run it. */
    refused(connection: AgentConnection, id: RunId, why: string): void {
      const active = actives.get(keyOf({ userId: connection.userId, id }));
      if (active === undefined || active.at.row.agent !== connection.agent) return;
      inTurn(active, () => fail(active, 'refused', `${connection.name} did not run it: ${why}`)).catch(
        (cause: unknown) => parts.onTrouble('keeping that a run was refused', cause),
      );
    },

    async cancel(user: UserId, id: RunId): Promise<Run> {
      const row = await require(user, id);
      if (isOver(row)) return row.run;
      const active = await take(row);
      return inTurn(active, async () => {
        const { at } = active;
        if (isOver(at.row)) return at.row.run;
        const agentNow = parts.connected(at.row.agent);
        const clock = clockOf(at.row);
        if (!at.row.sent) await keep(active, { at: ended(at, 'cancel', clock), said: [] });
        else if (agentNow === undefined || at.row.cancelRequested) {
          const message = `It was canceled while ${clock.name} did not stop it: there it may have gone on.`;
          const asked = { ...at, row: { ...at.row, cancelRequested: true } };
          await keep(
            active,
            append(asked, { type: 'error', payload: { type: 'canceled', message, traceback: [] } }, clock),
          );
        } else {
          await keep(active, { at: { ...at, row: { ...at.row, cancelRequested: true } }, said: [] });
          const body = { session: at.row.run.sessionId, execId: id };
          agentNow.ask('/mrp/v1/interrupt', body, INTERRUPT_MS).catch(() => undefined);
        }
        return present(active.at.row);
      });
    },

    /** @throws Failure `conflict` for one that asks nothing, `not_ready` while its agent is away */
    async answer(user: UserId, id: RunId, typed: string): Promise<Run> {
      const row = await require(user, id);
      const active = actives.get(keyOf(row.run));
      const agentNow = parts.connected(row.agent);
      if (active === undefined || agentNow === undefined)
        throw new Failure(
          'not_ready',
          `${parts.nameOf(user, row.agent)} does not answer now. Try again when it is back.`,
        );
      const { asks } = active.at;
      if (asks === null) throw new Failure('conflict', 'This run does not wait for anything to be typed.');
      const text = typed.replace(/\n$/, '');
      const body = { session: row.run.sessionId, exec_id: id, text: `${text}\n` };
      const isAccepted = (said: unknown): boolean =>
        !(typeof said === 'object' && said !== null && 'accepted' in said && said.accepted === false);
      const said = await agentNow.ask('/mrp/v1/input', body, LIMITS.questionTimeoutMs, (answer) => {
        // In the turn it comes: what is printed then comes after it.
        const part = { type: 'stdin-response', payload: asks.password ? {} : { text } } as const;
        if (isAccepted(answer)) note(active, agentNow, { part });
      });
      if (!isAccepted(said)) throw new Failure('conflict', 'This run does not wait for anything to be typed any more.');
      await active.turn;
      return present(active.at.row);
    },

    async interrupt(session: SessionId): Promise<void> {
      const active = actives.get(lanes.get(session)?.[0] ?? '');
      if (active === undefined) return;
      const { run, agent, sent } = active.at.row;
      if (!sent) return;
      const agentNow = parts.connected(agent);
      if (agentNow === undefined)
        throw new Failure('not_ready', 'Its agent does not answer now. Cancel the run instead.');
      await agentNow.ask('/mrp/v1/interrupt', { session, execId: run.id }, INTERRUPT_MS);
    },

    /** An agent is here: what of its runs goes on, and what it is to forget. */
    async reconcile(
      connection: AgentConnection,
      running: readonly RunId[],
      sessionOf: (run: Run) => SessionId,
    ): Promise<{ readonly resume: readonly Received[]; readonly forget: readonly RunId[] }> {
      const resume: Received[] = [];
      for (const row of await rows.open(connection.agent)) {
        if (isOver(row)) {
          parts.onEnd(row);
          continue;
        }
        const active = await take(row);
        await active.turn;
        const { at } = active;
        if (isOver(at.row)) continue;
        if (!at.row.sent) {
          // The session that it was for ended with the program that had it.
          const run = { ...at.row.run, sessionId: sessionOf(at.row.run) };
          await inTurn(active, () => keep(active, { at: { ...at, row: { ...at.row, run } }, said: [] }));
          laneOf(run);
        } else if (running.includes(at.row.run.id)) {
          active.expected = at.received;
          resume.push({ request_id: at.row.run.id, next_seq: at.received });
          laneOf(at.row.run);
        } else {
          const message = `${connection.name} was started anew while this ran, or never got it. It is not started again by itself.`;
          await inTurn(active, () => fail(active, 'lost', message));
        }
      }
      const forget = running.filter((id) => !resume.some(({ request_id: its }) => its === id));
      return { resume, forget };
    },

    /** It has been told; now what waits may go out. */
    ready(agent: DeviceId): void {
      for (const [session, [first]] of lanes) {
        const active = actives.get(first ?? '');
        if (active?.at.row.agent !== agent) continue;
        parts.tell(present(active.at.row));
        advance(session);
      }
    },

    /** An agent is gone: what is known of its runs is on disk, and read from there when it is back. */
    async gone(agent: DeviceId): Promise<void> {
      for (const [key, active] of [...actives]) {
        const { row } = active.at;
        if (row.agent !== agent) continue;
        await active.turn;
        if (parts.connected(agent) !== undefined) return;
        actives.delete(key);
        lanes.delete(row.run.sessionId);
        if (!isOver(active.at.row)) parts.tell(present(active.at.row));
      }
    },

    /** It was removed by its owner, and comes back no more. */
    async abandon(user: UserId, agent: DeviceId, name: string): Promise<void> {
      for (const row of await rows.open(agent)) {
        if (isOver(row) || row.run.userId !== user) continue;
        const active = actives.get(keyOf(row.run)) ?? activate(progressOf(row, await rows.last(row.run)));
        await inTurn(active, async () => {
          if (isOver(active.at.row)) return;
          if (active.at.row.sent) await fail(active, 'lost', `${name} was removed while this ran.`);
          else await keep(active, { at: ended(active.at, 'cancel', { ids, name }), said: [] });
        });
      }
    },
  };
}

const sizeOf = (one: Incoming | Noted): number => JSON.stringify(one).length + MESSAGE_BYTES;
