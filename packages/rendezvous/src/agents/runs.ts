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
import { createActives, runKeyOf, type Active, type ActivesParts } from './active.ts';
import type { AgentConnection } from './connection.ts';
import { createLanes } from './lanes.ts';
import { append, ended, progressOf, type Incoming } from './progress.ts';
import { cameElsewhere, type RunRow, type RunRows } from './run-rows.ts';

const INTERRUPT_MS = 5_000;

export type RunsParts = Omit<ActivesParts, 'onKept' | 'onLost' | 'rows'> & {
  readonly rows: RunRows;
  readonly ids: IdSource;
  /** Whether it was told that it is registered. */
  readonly isReady: (agent: DeviceId) => boolean;
  /** Whether another process has it. */
  readonly isElsewhere: (agent: DeviceId) => boolean;
  /** Nobody else writes about its runs from now on: it is nowhere. Answers the version to write at. */
  readonly fence: (user: UserId, agent: DeviceId) => Promise<number>;
  /** Since when it is not connected, Unix milliseconds. */
  readonly awaySince: (agent: DeviceId) => number;
  /** Which session of the program that is there now a run is for. */
  readonly sessionOf: (agent: DeviceId, run: Run) => SessionId;
  /** What the agent is told of where the code stands. */
  readonly placeOf: (run: Run) => { readonly project?: string; readonly doc_path?: string };
  /** A run has changed. */
  readonly tell: (run: Run, agent: DeviceId) => void;
  /** There is more of it to read, or it is over. */
  readonly poke: (user: UserId, run: RunId) => void;
  readonly onEnd: (row: RunRow, version: number) => void;
};

export type AgentRuns = ReturnType<typeof createAgentRuns>;

export function createAgentRuns(parts: RunsParts) {
  const { rows } = parts;
  const lanes = createLanes();
  /** Runs that are being noted or taken up. */
  const claimed = new Set<string>();
  const isOver = ({ run }: RunRow): boolean => runMachine.isTerminal(run.state);
  /** Runs that did not end, of agents that are connected. */
  const actives = createActives({
    ...parts,
    onKept(active, before) {
      const { row } = active.at;
      const { run, agent } = row;
      parts.poke(run.userId, run.id);
      if (row.run === before.run) return;
      parts.tell(present(row), agent);
      if (!isOver(row) || isOver(before)) return;
      actives.forget(active);
      lanes.leave(run.sessionId, runKeyOf(run));
      advance(run.sessionId);
      parts.onEnd(row, active.version);
    },
    // It may go on elsewhere: those of its session that come here after that are not to wait for it.
    onLost: ({ run }) => lanes.leave(run.sessionId, runKeyOf(run)),
  });
  const { inTurn, keep, fail, clockOf } = actives;

  /** Hands out the next run of a session, once the one before is over. */
  function advance(session: SessionId): void {
    const active = actives.byKey(lanes.first(session) ?? '');
    if (active === undefined || active.at.row.sent || !parts.isReady(active.at.row.agent)) return;
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
    const isThere = parts.connected(agent) !== undefined || parts.isElsewhere(agent);
    if (!sent) {
      const at = lanes.before(run.sessionId, runKeyOf(run));
      return {
        ...run,
        ...(at > 0 ? { queuePosition: at } : {}),
        ...(isThere ? {} : { waitsFor: parts.nameOf(run.userId, agent) }),
      };
    }
    return isThere ? run : { ...run, unreachable: new Date(parts.awaySince(agent)).toISOString() };
  }

  async function find(user: UserId, id: RunId): Promise<RunRow | undefined> {
    return actives.get({ userId: user, id })?.at.row ?? rows.read(user, id);
  }

  async function require(user: UserId, id: RunId): Promise<RunRow> {
    const row = await find(user, id);
    if (row === undefined) throw new Failure('not_found', 'There is no such run here.');
    return row;
  }

  /** As it is kept, from now on. */
  async function load({ run }: RunRow, version: number): Promise<Active> {
    const row = await require(run.userId, run.id);
    return actives.add(progressOf(row, await rows.last(run)), version);
  }

  /** It goes on here; of an agent that is connected elsewhere it may not. */
  async function take(row: RunRow): Promise<Active> {
    await adopt(row);
    const known = actives.get(row.run);
    if (known !== undefined) return known;
    if (parts.connected(row.agent) !== undefined || parts.isElsewhere(row.agent)) throw cameElsewhere();
    return load(row, await parts.fence(row.run.userId, row.agent));
  }

  /** A run that was asked for at another process, or of which it was not heard here that it is noted. */
  async function adopt({ run, agent, sent }: RunRow): Promise<void> {
    const key = runKeyOf(run);
    if (sent || runMachine.isTerminal(run.state) || actives.get(run) !== undefined || claimed.has(key)) return;
    if (!parts.isReady(agent)) return;
    const version = parts.versionOf(agent);
    claimed.add(key);
    try {
      const row = await rows.read(run.userId, run.id);
      if (row === undefined || row.sent || isOver(row) || actives.get(run) !== undefined) return;
      if (!parts.isReady(agent) || parts.versionOf(agent) !== version) return;
      const active = actives.add(progressOf(row, undefined), version);
      await line(active);
      parts.tell(present(active.at.row), agent);
      advance(active.at.row.run.sessionId);
    } finally {
      claimed.delete(key);
    }
  }

  /** Behind those before it. The session that it was for may have ended with the program that had it. */
  async function line(active: Active): Promise<void> {
    const { at } = active;
    const { run, agent } = at.row;
    const sessionId = parts.sessionOf(agent, run);
    const moved = { ...at, row: { ...at.row, run: { ...run, sessionId } } };
    if (sessionId !== run.sessionId) await inTurn(active, () => keep(active, { at: moved, said: [] }));
    lanes.join(sessionId, runKeyOf(run));
  }

  async function drop(agent: DeviceId, version?: number): Promise<readonly Active[]> {
    const dropped = await actives.drop(agent, version);
    for (const { at } of dropped) lanes.drop(at.row.run.sessionId);
    return dropped;
  }

  return {
    ...{ present, require, find, adopt },
    /** Those that wait or run at an agent. */
    load(agent: DeviceId): { readonly running: number; readonly queued: number } {
      const its = actives.all().filter(({ at }) => at.row.agent === agent);
      const running = its.filter(({ at }) => at.row.sent).length;
      return { running, queued: its.length - running };
    },
    currentOf: (session: SessionId): Run | undefined => actives.byKey(lanes.first(session) ?? '')?.at.row.run,
    queuedOf: (session: SessionId): number => lanes.waiting(session),

    /** Notes a new run, on disk, and hands it out when its turn comes, here or where its agent is. */
    async begin(run: Run, agent: DeviceId): Promise<Run> {
      const row: RunRow = { run, agent, sent: false, cancelRequested: false, outputWritten: false };
      const key = runKeyOf(run);
      const version = parts.versionOf(agent);
      claimed.add(key);
      try {
        if (!(await rows.begin(row))) return present(await require(run.userId, run.id));
        if (parts.isReady(agent) && parts.versionOf(agent) === version) {
          actives.add(progressOf(row, undefined), version);
          lanes.join(run.sessionId, key);
        }
      } finally {
        claimed.delete(key);
      }
      const shown = present(row);
      parts.tell(shown, agent);
      advance(run.sessionId);
      // Its agent may have come or gone meanwhile.
      await adopt(row);
      return shown;
    },

    /** What a run said. Answers the bytes that wait to be written down. */
    receive(connection: AgentConnection, id: RunId, incoming: Incoming): number {
      const active = actives.get({ userId: connection.userId, id });
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
      actives.note(active, incoming);
      return active.pendingBytes;
    },

    /** It will not run it. */
    refused(connection: AgentConnection, id: RunId, why: string): void {
      const active = actives.get({ userId: connection.userId, id });
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

    /** @throws Failure `conflict` for one that asks nothing or is over, `not_ready` while its agent is away */
    async answer(user: UserId, id: RunId, typed: string): Promise<Run> {
      const row = await require(user, id);
      if (isOver(row)) throw new Failure('conflict', 'This run is over. It does not wait for anything to be typed.');
      const active = actives.get(row.run);
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
        if (isAccepted(answer)) actives.note(active, { part });
      });
      if (!isAccepted(said)) throw new Failure('conflict', 'This run does not wait for anything to be typed any more.');
      await active.turn;
      return present(active.at.row);
    },

    async interrupt(session: SessionId): Promise<void> {
      const active = actives.byKey(lanes.first(session) ?? '');
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
      { agent, name }: AgentConnection,
      running: readonly RunId[],
      version: number,
    ): Promise<{ readonly resume: readonly Received[]; readonly forget: readonly RunId[] }> {
      await drop(agent);
      const resume: Received[] = [];
      for (const row of await rows.open(agent)) {
        if (isOver(row)) {
          parts.onEnd(row, version);
          continue;
        }
        const active = await load(row, version);
        const { run, sent } = active.at.row;
        if (isOver(active.at.row)) actives.forget(active);
        else if (!sent) await line(active);
        else if (running.includes(run.id)) {
          resume.push({ request_id: run.id, next_seq: active.at.received });
          lanes.join(run.sessionId, runKeyOf(run));
        } else {
          const message = `${name} was started anew while this ran, or never got it. It is not started again by itself.`;
          await inTurn(active, () => fail(active, 'lost', message));
        }
      }
      const forget = running.filter((id) => !resume.some(({ request_id: its }) => its === id));
      return { resume, forget };
    },

    /** It has been told; now what waits may go out. */
    ready(agent: DeviceId): void {
      for (const session of lanes.all()) {
        const active = actives.byKey(lanes.first(session) ?? '');
        if (active?.at.row.agent !== agent) continue;
        parts.tell(present(active.at.row), agent);
        advance(session);
      }
    },

    /** An agent is gone: what is known of its runs is on disk, and read from there when it is back. */
    async gone(agent: DeviceId, version: number): Promise<void> {
      for (const { at } of await drop(agent, version)) if (!isOver(at.row)) parts.tell(present(at.row), agent);
    },

    /** It was removed by its owner, and comes back no more. */
    async abandon(user: UserId, agent: DeviceId, name: string): Promise<void> {
      const version = await parts.fence(user, agent);
      await drop(agent);
      for (const row of await rows.open(agent)) {
        if (isOver(row) || row.run.userId !== user) continue;
        const active = await load(row, version);
        await inTurn(active, async () => {
          if (isOver(active.at.row)) return;
          if (active.at.row.sent) await fail(active, 'lost', `${name} was removed while this ran.`);
          else await keep(active, { at: ended(active.at, 'cancel', { ids: parts.ids, name }), said: [] });
        });
      }
    },
  };
}
