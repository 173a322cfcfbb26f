/** Which plain agent a run goes to: the same decision that devices make, over the agents of its person. */
import { LANGUAGES, type AgentRuntime } from '@markco/protocol';
import type { Decision, Device, DeviceHere, DeviceId, Language, NodeCapability, RunId } from '@markco/protocol';
import { decisionOf, place, recordOf, wishOf, type DeviceFacts } from '@markco/scheduler';
import type { AgentRow } from '../accounts/agent-tokens.ts';
import type { AgentConnection } from './connection.ts';

export type AgentFacts = {
  readonly row: AgentRow;
  readonly userId: Device['userId'];
  /** Absent while it is away. */
  readonly connection: Pick<AgentConnection, 'about' | 'heardAt' | 'runtimes'> | undefined;
  /** What it runs, or ran when it was here; undefined while nobody knows. */
  readonly runtimes: readonly AgentRuntime[] | undefined;
  /** Since when it is connected, or is not, Unix milliseconds. */
  readonly since: number;
  readonly running: number;
  readonly queued: number;
};

const time = (at: number): string => new Date(at).toISOString();
const RUNS_AT_ONCE = 100;
/** Of one that is away, and was not here since the cloud was started: that it is away is what can be said. */
const ANY = LANGUAGES.map((language) => ({ language }));

export function deviceOf({ row, userId, connection, runtimes, since }: AgentFacts): DeviceHere {
  const { os, version } = connection?.about ?? {};
  return {
    ...{ id: row.id, userId, kind: 'server-agent', name: row.name, plainAgent: true },
    ...(os === undefined ? {} : { os: os.slice(0, 100) }),
    ...(version === undefined ? {} : { appVersion: version }),
    lastSeenAt: time(connection?.heardAt ?? since),
    status: connection === undefined ? 'offline' : 'online',
    createdAt: time(row.createdAt),
    capability: capabilityOf({ row, connection, since, runtimes: runtimes ?? [] }),
    connection: {
      state: connection === undefined ? 'offline' : 'connected',
      since: time(since),
      ...(connection === undefined ? { why: 'Its program is not connected to this cloud.' } : {}),
      paths: [],
    },
  };
}

function capabilityOf({
  row,
  connection,
  since,
  runtimes,
}: Pick<AgentFacts, 'row' | 'connection' | 'since'> & {
  readonly runtimes: readonly Pick<AgentRuntime, 'language' | 'version'>[];
}): NodeCapability {
  return {
    ...{ deviceId: row.id, online: connection !== undefined, heartbeatAt: time(connection?.heardAt ?? since) },
    runtimes: runtimes.map(({ language, version }) => ({
      ...{ language, available: true },
      ...(version === undefined ? {} : { version }),
    })),
    resources: { network: 'ethernet' },
    policy: {
      ...{ allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true },
      maxConcurrentRuns: RUNS_AT_ONCE,
    },
  };
}

export type Wanted = {
  readonly language: Language;
  /** By a person or the cell: a name or an id. */
  readonly runOn: string | undefined;
  readonly sessionOn: DeviceId | null;
  /** Who this cloud is. */
  readonly self: DeviceId;
  readonly now: number;
  readonly runId: RunId;
};

export type Placed = { readonly decision: Decision } | { readonly problem: string };

export function placeOnAgents(
  agents: readonly AgentFacts[],
  { language, runOn, sessionOn, self, now, runId }: Wanted,
): Placed {
  const devices = agents.map(({ row, connection, runtimes = ANY, since, running, queued }): DeviceFacts => ({
    ...{ deviceId: row.id, name: row.name, host: 'device' },
    capability: capabilityOf({ row, connection, since, runtimes }),
    ...{ heardAtMs: connection?.heardAt ?? since, runningRuns: running, queuedRuns: queued },
    ...{ latencyMs: null, heartbeatsMissed: 0, runsLost: 0 },
  }));
  const wish = wishOf({ on: runOn ?? null, needs: [] }, devices, null);
  if (!wish.ok) return { problem: wish.problem };
  const request = { language, from: self, needsGpu: false, sessionOn, runOn: wish.runOn };
  const placement = place({ atMs: now, devices }, request);
  return { decision: decisionOf(recordOf({ runId, at: time(now) }, request, placement)) };
}
