/** What another device of the user asks to be run here: only by its grant, and only as this device's owner lets it. */
import {
  Failure,
  sessionName,
  type Device,
  type DeviceId,
  type DevicePolicy,
  type Run,
  type RunRequest,
} from '@markco/protocol';
import { checkGrant, type RunGrant } from '@markco/protocol/identity';
import type { Runs } from '../../runs/runs.ts';
import { runtimeFor } from '../../runtimes/descriptor.ts';
import type { Peers } from '@markco/client/mesh/peers';
import type { Arrive } from '../placing/arrive.ts';
import { sessionInGrant } from '../placing/survey.ts';
import { waitingGrantOf } from './waiting-grant.ts';
import { systemCodeHash, systemVerify } from '../system-signature.ts';
import type { Trust } from '../trust.ts';

export type ServeSubmitParts = {
  readonly trust: Trust;
  readonly peers: Peers;
  readonly device: Device;
  readonly runs: Runs;
  readonly policy: () => Promise<DevicePolicy>;
  readonly submitHere: (request: RunRequest) => Promise<Run>;
  readonly arrive: Arrive;
};

export function createServeSubmit(parts: ServeSubmitParts): (from: DeviceId, request: RunRequest) => Promise<Run> {
  const { trust, peers, device, runs } = parts;

  /** A session that the pages of the project do not use is named twice: by its id, and by what it is in the grant. */
  function isSessionOf(granted: string, { sessionId }: RunRequest): boolean {
    if (sessionId === undefined) return true;
    const session = runs.sessions.get(sessionId);
    if (session === null)
      throw new Failure('not_found', `${device.name} has no such session any more. Nothing was run.`);
    return granted === sessionInGrant({ ...session, name: sessionName(session) });
  }

  function grantOf(from: DeviceId, request: RunRequest): RunGrant | Failure {
    if (request.certificate !== undefined) return waitingGrantOf(trust, request, device.id);
    const certificate = peers.certificateOf(from);
    if (request.grant === undefined || request.id === undefined || certificate === undefined)
      return new Failure('forbidden', 'Another device runs code here only with a grant.');
    const grant = checkGrant(new Uint8Array(Buffer.from(request.grant, 'base64')), {
      host: device.id,
      code: request.code,
      certificate,
      members: trust.members,
      now: trust.now(),
      verify: systemVerify,
      hash: systemCodeHash,
    });
    if (grant instanceof Failure) return grant;
    const language = runtimeFor(request.language ?? '')?.language;
    const isOfIt =
      grant.run === request.id &&
      grant.project === request.projectId &&
      grant.language === language &&
      grant.submitter === from &&
      isSessionOf(grant.session, request);
    return isOfIt ? grant : new Failure('forbidden', 'The grant is for another run.');
  }

  return async (from, request) => {
    const known = request.id === undefined ? null : await runs.get(request.id);
    if (known !== null) return known;
    const grant = grantOf(from, request);
    if (grant instanceof Failure) throw grant;
    const { allowRemoteExecution, maxConcurrentRuns } = await parts.policy();
    if (!allowRemoteExecution || maxConcurrentRuns === 0)
      throw new Failure(
        'forbidden',
        `${device.name} is set to run nothing for other devices. Its owner can change that there.`,
      );
    await parts.arrive(request);
    const { grant: _, certificate: __, ...own } = request;
    return parts.submitHere({ ...own, runOn: device.id });
  };
}
