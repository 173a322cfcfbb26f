/** What is told of who came in, what was shared and who takes runs: a line in the log, and one in the audit. */
import type { DeviceId, UserId } from '@markco/protocol';
import type { Audit, AuditFields } from '@markco/replica/observe/audit';
import type { LogFields } from '../rendezvous-parts.ts';

/** In the names that an audit has for them. What is none of these is an id of something that it is about. */
const NAMES: Readonly<Record<string, keyof AuditFields>> = {
  ...{ userId: 'user_id', device: 'device_id', project: 'project_id', path: 'doc_path' },
  ...{ with: 'reason', role: 'reason', reason: 'reason' },
};

export function auditFields(fields: LogFields): AuditFields {
  const found: Partial<Record<keyof AuditFields, string>> = {};
  const about: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const known = NAMES[name];
    if (known === undefined) about.push(String(value));
    else found[known] = String(value);
  }
  return { ...found, ...(about.length === 0 ? {} : { about: about.join(' ') }) };
}

export type Notes = {
  note(event: string, fields: LogFields): void;
  /** A device came or went; `agent`: a plain one. */
  device(device: DeviceId, userId: UserId, isOnline: boolean, reason: string, kind: 'device' | 'agent'): void;
};

export function createNotes(log: { info(event: string, fields: LogFields): void }, audit: Pick<Audit, 'note'>): Notes {
  return {
    note(event, fields) {
      log.info(event, fields);
      audit.note(event, auditFields(fields));
    },
    device(device, userId, isOnline, reason, kind) {
      const fields = { device_id: device, user_id: userId, reason };
      log.info(`device.${isOnline ? 'online' : 'offline'}`, fields);
      const [came, went] =
        kind === 'agent' ? ['agent.connected', 'agent.disconnected'] : ['device.online', 'device.offline'];
      audit.note(String(isOnline ? came : went), fields);
    },
  };
}
