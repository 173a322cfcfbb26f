/** A run for a session of another device, which whoever submits it names by the session's id. */
import { Failure, sessionName, type DeviceId, type Run, type SessionHere } from '@markco/protocol';
import type { Placeable } from '../placing/start-messages.ts';
import type { SessionPlace } from '../placing/survey.ts';

export type SubmitInto = (session: SessionPlace, host: DeviceId, request: Placeable) => Promise<Run>;

/** Fails with `not_found` where the session has no device any more, and as `submit` does. */
export async function submitThere(
  submit: SubmitInto,
  session: SessionHere,
  request: Omit<Placeable, 'projectId' | 'language' | 'sessionId' | 'runOn'>,
): Promise<Run> {
  const { id: sessionId, projectId, language, hostDeviceId: runOn } = session;
  if (runOn === undefined) throw new Failure('not_found', 'No device has this session any more.');
  const place = { projectId, language, name: sessionName(session) };
  return submit(place, runOn, { ...request, projectId, language, sessionId, runOn });
}
