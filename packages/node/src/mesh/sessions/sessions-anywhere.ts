/**
 * Sessions wherever they are: of this device from its host, of another one by asking it. Whoever completes, looks at
 * variables, restarts or stops need not know where the session is.
 *
 * 1. A session that this device has is its own; nobody is asked.
 * 2. Where another one is, is remembered once heard of; else every connected device is asked for its list, at once.
 * 3. No device takes the place of another that is connected, by telling of its sessions as its own.
 * 4. What is passed on is a route of the table and the id of a session: no name, path or address that another device
 *    gave is ever used to reach one.
 */
import {
  Failure,
  LIMITS,
  UUID_PATTERN,
  type DeviceId,
  type MrpSession,
  type SessionHere,
  type SessionId,
} from '@markco/protocol';
import type { CallAnswer, CallInput } from '@markco/client/api';
import type { Runs } from '../../runs/runs.ts';
import type { Mesh } from '../mesh.ts';
import type { Peer } from '@markco/client/mesh/peers';
import { isHost } from '@markco/protocol/identity/caps';

/** Sessions of other devices whose place is remembered; of more, the newest heard of. */
const KNOWN_MAX = 10_000;
/** How long a list waits for another device. */
const LIST_MS = 1_500;
/** What the way there and back may take besides what the host itself allows for a question, and for a restart. */
const WAY_MS = 2_000;
const ACT_MS = 30_000;

/** What is asked of the device that has a session. */
const QUESTIONS = [
  'mrpSession',
  'mrpComplete',
  'mrpInspect',
  'mrpHover',
  'mrpVariables',
  'mrpVariable',
  'mrpIsComplete',
  'mrpFormat',
  'mrpHistory',
] as const;
/** What changes one. Never code to run: that goes the way of runs, by a grant. */
const ACTS = [
  'mrpInterrupt',
  'mrpResetSession',
  'mrpDeleteSession',
  'restartSession',
  'deleteSession',
  'interruptSession',
] as const;
export const PASSED_ON = [...QUESTIONS, ...ACTS];
export type PassedOn = (typeof PASSED_ON)[number];

export type SessionsAnywhereParts = {
  readonly sessions: Pick<Runs['sessions'], 'get' | 'interrupt'>;
  /** Null while this device is alone. */
  readonly mesh: () => Pick<Mesh, 'peers' | 'client'> | null;
};

type Named = Pick<Peer, 'deviceId' | 'name'>;
/** What the devices that answered said, and those that did not in time. */
type Heard<T> = { readonly answers: readonly (readonly [Named, T])[]; readonly silent: readonly Named[] };

export type SessionsAnywhere = ReturnType<typeof createSessionsAnywhere>;

export function createSessionsAnywhere({ sessions, mesh }: SessionsAnywhereParts) {
  const known = new Map<SessionId, DeviceId>();

  function remember(id: SessionId, device: DeviceId): void {
    known.delete(id);
    known.set(id, device);
    const [oldest] = known.keys();
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
  }

  /** Whether a device is the one to ask about a session: the first that told of it, for as long as it is connected. */
  function isPlaceOf(device: DeviceId, id: SessionId): boolean {
    if (sessions.get(id) !== null) return false;
    const before = known.get(id) ?? device;
    if (before !== device && isConnected(before)) return false;
    remember(id, device);
    return true;
  }

  const isConnected = (device: DeviceId): boolean =>
    mesh()
      ?.peers.list()
      .find(({ deviceId }) => deviceId === device)?.state === 'connected';

  async function askAll<N extends 'sessions' | 'mrpSessions'>(name: N): Promise<Heard<CallAnswer<N>>> {
    const open = mesh();
    const connected = (open?.peers.list() ?? []).filter(({ state, kind }) => state === 'connected' && isHost(kind));
    const asked = connected.map(async ({ deviceId, name: called }) => {
      const peer = { deviceId, name: called };
      const answer = await open
        ?.client(deviceId)
        .api(name, { signal: AbortSignal.timeout(LIST_MS) } as CallInput<N>)
        .catch(() => undefined);
      return [peer, answer] as const;
    });
    const all = await Promise.all(asked);
    return {
      answers: all.flatMap(([peer, answer]) => (answer === undefined ? [] : [[peer, answer] as const])),
      silent: all.flatMap(([peer, answer]) => (answer === undefined ? [peer] : [])),
    };
  }

  async function list(): Promise<{ readonly sessions: readonly SessionHere[]; readonly silent: readonly Named[] }> {
    const { answers, silent } = await askAll('sessions');
    const found = answers.flatMap(([{ deviceId, name }, answer]) =>
      answer.sessions
        .filter(({ id }) => isPlaceOf(deviceId, id))
        .map((session) => ({ ...session, hostDeviceId: deviceId, deviceName: name })),
    );
    return { sessions: found, silent };
  }

  /** The other device that has a session. Null when it is this one's own, when its name is no id, or nobody has it. */
  async function placeOf(session: string | undefined): Promise<DeviceId | null> {
    if (session === undefined || !UUID_PATTERN.test(session)) return null;
    const id = session as SessionId;
    if (sessions.get(id) !== null) return null;
    const remembered = known.get(id);
    if (remembered !== undefined) return remembered;
    if (mesh() === null) return null;
    await list();
    return known.get(id) ?? null;
  }

  /** Asks one device. Fails as that one does, and with `not_ready` where it does not answer. */
  async function call<N extends PassedOn | 'sessions'>(
    device: DeviceId,
    name: N,
    input: Omit<CallInput<N>, 'signal'>,
    signal: AbortSignal,
  ): Promise<CallAnswer<N>> {
    const open = mesh();
    if (open === null) throw new Failure('not_ready', 'The other devices are not connected yet.');
    const isAct = (ACTS as readonly string[]).includes(name);
    const late = AbortSignal.timeout(isAct ? ACT_MS : LIMITS.questionTimeoutMs + WAY_MS);
    try {
      return await open.client(device).api(name, { ...input, signal: AbortSignal.any([signal, late]) } as CallInput<N>);
    } catch (error) {
      // What the other device itself said has no cause here.
      if (error instanceof Failure && error.cause === undefined) throw error;
      const peer = open.peers.list().find(({ deviceId }) => deviceId === device);
      const what = `${peer?.name ?? 'The device that has this session'} does not answer now.`;
      const why = peer === undefined || peer.state === 'connected' ? 'Try again in a moment.' : (peer.why ?? '');
      throw new Failure('not_ready', `${what} ${why}`.trim(), { cause: error });
    }
  }

  return {
    remember,
    placeOf,
    passOn: <N extends PassedOn>(
      device: DeviceId,
      name: N,
      input: Omit<CallInput<N>, 'signal'>,
      signal: AbortSignal,
    ): Promise<CallAnswer<N>> => call(device, name, input, signal),
    async interrupt(id: SessionId): Promise<unknown> {
      const device = await placeOf(id);
      return device === null
        ? sessions.interrupt(id)
        : call(device, 'interruptSession', { params: { id } }, AbortSignal.timeout(ACT_MS));
    },
    /** Those of the other devices, and which of these did not answer in time. */
    list,

    /** The same as the runtime protocol tells them; `id` is one that means them on this device. */
    async describe(): Promise<readonly MrpSession[]> {
      const { answers } = await askAll('mrpSessions');
      return answers.flatMap(([{ deviceId, name }, { sessions: theirs }]) =>
        theirs
          .filter(({ sessionId }) => isPlaceOf(deviceId, sessionId))
          .map((session) => ({ ...session, id: session.sessionId, device: name })),
      );
    },

    /** A session of another device as that one tells it now; null when nobody has it. `not_ready` when it does not answer. */
    async find(session: string | undefined): Promise<SessionHere | null> {
      const device = await placeOf(session);
      if (device === null) return null;
      const { sessions: theirs } = await call(device, 'sessions', {}, AbortSignal.timeout(LIST_MS));
      const found = theirs.find(({ id }) => id === session);
      return found === undefined ? null : { ...found, hostDeviceId: device };
    },
  };
}
