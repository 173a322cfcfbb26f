/** A run that was placed on an agent. */
import {
  newId,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import { randomBytes } from 'node:crypto';

export const ids = { now: () => Date.UTC(2026, 0, 1), randomBytes };
export const agent = newId<DeviceId>(ids);
export const userId = newId<UserId>(ids);
export const sessionId = newId<SessionId>(ids);
const projectId = newId<ProjectId>(ids);

export const runOf = (state: Run['state']): Run => ({
  ...{ id: newId<RunId>(ids), userId, projectId, sessionId, language: 'python', code: '1', state },
  createdAt: new Date(ids.now()).toISOString(),
  routedTo: { hostType: 'device', deviceId: agent, reason: 'availability', why: '' },
});
