/** The leave of this device to bring values to another one: a grant to run, given for their hash in the place of code. */
import { newId, type DeviceId, type IdSource, type RunId } from '@markco/protocol';
import { codeHashOf, RUN_GRANT_LIFETIME_MS, sealGrant } from '@markco/protocol/identity';
import type { Packed } from '../../runtimes/session-moves.ts';
import { sessionInGrant } from '../placing/survey.ts';
import type { Trust } from '../trust.ts';
import { codeOfValues } from './messages.ts';

export function grantValues({
  packed,
  host,
  ids,
  trust,
}: {
  packed: Packed;
  host: DeviceId;
  ids: IdSource;
  trust: Pick<Trust, 'deviceId' | 'members' | 'signer'>;
}): string {
  const grant = {
    ...{ submitter: trust.deviceId, host, run: newId<RunId>(ids), project: packed.projectId },
    ...{ session: sessionInGrant(packed), code: codeHashOf(codeOfValues(packed.hash)), language: packed.language },
    ...{ expiresAt: ids.now() + RUN_GRANT_LIFETIME_MS, nonce: new Uint8Array(ids.randomBytes(16)) },
    ...{ epoch: trust.members.epoch, fence: 0 },
  };
  return Buffer.from(sealGrant(grant, trust.signer)).toString('base64');
}
