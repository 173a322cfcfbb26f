/** A run as it is shown from the moment it was accepted for another device, until that one says more of it. */
import {
  newId,
  runMachine,
  type DeviceId,
  type IdSource,
  type Run,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import type { Wanted } from './decide.ts';
import type { Placeable } from './start-messages.ts';

export type AcceptedRunParts = {
  readonly request: Placeable;
  readonly wanted: Wanted;
  readonly userId: UserId;
  readonly where: { readonly deviceId: DeviceId } & Pick<Run['routedTo'], 'reason' | 'why'>;
  readonly ids: IdSource;
};

export function acceptedRun({ request, wanted, userId, where, ids }: AcceptedRunParts): Run {
  return {
    id: request.id,
    userId,
    projectId: request.projectId,
    ...(request.documentId === undefined ? {} : { documentId: request.documentId }),
    ...(request.cellId === undefined ? {} : { cellId: request.cellId }),
    // Its host's session takes its place once it has started.
    sessionId: newId<SessionId>(ids),
    language: wanted.session.language,
    code: request.code,
    state: runMachine.initial,
    routedTo: { hostType: 'device', ...where },
    createdAt: new Date(ids.now()).toISOString(),
  };
}
