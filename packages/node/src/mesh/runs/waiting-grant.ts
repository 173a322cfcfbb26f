/** What a run that was asked for while its host was away brings along: whose it is, and that this very run may start. */
import { Failure, type DeviceId, type RunRequest } from '@markco/protocol';
import { checkWaitingGrant, openCertificate, type WaitingGrant } from '@markco/protocol/identity';
import { runtimeFor } from '../../runtimes/descriptor.ts';
import { systemVerify } from '../system-signature.ts';
import type { Trust } from '../trust.ts';

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/**
 * The grant of a run, or why it lets nothing start.
 * @param host where it shall start; left out by who only keeps it for another device
 */
export function waitingGrantOf(
  { members, now }: Pick<Trust, 'members' | 'now'>,
  request: RunRequest,
  host?: DeviceId,
): WaitingGrant | Failure {
  const { id, projectId, sessionId, language = '', code, grant: sealed, certificate: shown } = request;
  if (sealed === undefined || shown === undefined)
    return new Failure('forbidden', 'A run that waits for a device brings the leave of the one that asked for it.');
  const certificate = openCertificate(bytesOf(shown));
  if (certificate instanceof Failure) return certificate;
  const grant = checkWaitingGrant(bytesOf(sealed), {
    ...{ code, certificate, members, now: now(), rest: request, verify: systemVerify },
    ...(host === undefined ? {} : { host }),
  });
  if (grant instanceof Failure) return grant;
  const isOfIt =
    sessionId === undefined &&
    grant.run === id &&
    grant.project === projectId &&
    grant.language === runtimeFor(language)?.language;
  return isOfIt ? grant : new Failure('forbidden', 'The grant is for another run.');
}
