/**
 * What another device may ask of the sessions of this one.
 *
 * 1. Who has no `submit` is refused before its request is read. The list of sessions alone is for every device of the
 *    user: it holds neither code nor values, as that of runs does.
 * 2. A session is named by its id, and is one of this device: nothing is passed on any further.
 * 3. To clear, restart or stop one needs no grant, for nobody's code is started by it; but it takes something away from
 *    whoever works here, so the owner's leave to run things here is needed too. Interrupting is everybody's who may
 *    submit, as cancelling is.
 */
import { Failure, UUID_PATTERN, type DeviceId, type DevicePolicy, type RouteName } from '@markco/protocol';
import { checkCertificate } from '@markco/protocol/identity';
import type { Handler, SomeHandlers } from '@markco/replica/listen/handlers';
import type { Peers } from '@markco/client/mesh/peers';
import type { Trust } from '../trust.ts';
import { sessionOf } from './pass-on.ts';
import { PASSED_ON, type PassedOn } from './sessions-anywhere.ts';

const NEEDS_LEAVE: readonly PassedOn[] = ['mrpResetSession', 'mrpDeleteSession', 'restartSession', 'deleteSession'];
/** Where a run would go is for them too: to be told takes code to be read. */
const FOR_SUBMITTERS: ReadonlySet<RouteName> = new Set([...PASSED_ON, 'placement']);

export type ServeSessionsParts = {
  readonly here: SomeHandlers<PassedOn | 'sessions' | 'mrpSessions'>;
  readonly policy: () => Promise<DevicePolicy>;
  readonly deviceName: string;
};

/** The handlers for other devices. */
export function sessionsForDevices({
  here,
  policy,
  deviceName,
}: ServeSessionsParts): SomeHandlers<PassedOn | 'sessions' | 'mrpSessions'> {
  function serving<N extends PassedOn>(name: N): Handler<N> {
    const answer = here[name] as Handler<N>;
    return async (input) => {
      const session = sessionOf(input);
      if (session === undefined || !UUID_PATTERN.test(session))
        throw new Failure('bad_request', 'Another device names a session by its id.');
      if (NEEDS_LEAVE.includes(name) && !(await policy()).allowRemoteExecution)
        throw new Failure(
          'forbidden',
          `${deviceName} is set to run nothing for other devices, and lets none end its sessions. Its owner can change that there.`,
        );
      return answer(input);
    };
  }
  const { sessions, mrpSessions } = here;
  return {
    ...(Object.fromEntries(PASSED_ON.map((name) => [name, serving(name)])) as SomeHandlers<PassedOn>),
    sessions,
    mrpSessions,
  };
}

/** Throws for a device that may not submit, or whose certificate is not good now. */
export function requireSubmitter(
  { trust, peers }: { readonly trust: Pick<Trust, 'members' | 'now'>; readonly peers: Pick<Peers, 'certificateOf'> },
  from: DeviceId,
): void {
  const certificate = peers.certificateOf(from);
  if (certificate === undefined) throw new Failure('forbidden', 'This device has not said who it is.');
  const checked = checkCertificate(certificate, trust.members, trust.now());
  if (checked.state !== 'ok') throw checked.failure;
  if (!checked.member.caps.includes('submit'))
    throw new Failure('forbidden', `${checked.member.name} may not use the sessions of your other devices.`);
}

/** As `requireSubmitter`, for the routes that need it. */
export function authorizeRoute(name: RouteName, require: () => void): null {
  if (FOR_SUBMITTERS.has(name)) require();
  return null;
}
