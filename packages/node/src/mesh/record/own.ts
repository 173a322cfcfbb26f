/**
 * What a device says of itself in the mesh record. It writes only what differs, and only its own rows; of a project and
 * of a device that it added or removed, what nobody has said yet or what is newer.
 */
import { ImmutableString } from '@automerge/automerge';
import type { AttachmentState, DeviceId, DevicePolicy, Project, ProjectId, SessionId } from '@markco/protocol';
import type { RawRecord, Row, Table } from './beginning.ts';
import { plain, PROJECTS_MAX, sessionRow, type RecordedDevice, type RecordedSession } from './view.ts';

export type Own = {
  readonly deviceId: DeviceId;
  readonly device: RecordedDevice;
  readonly projects: readonly Project[];
  /** Those that were ever here and are known. */
  readonly attachments: ReadonlyMap<ProjectId, AttachmentState>;
  /** Those that are running. */
  readonly sessions: ReadonlyMap<SessionId, RecordedSession>;
  /** By this device, as the signed log has it. */
  readonly added: readonly DeviceId[];
  readonly removed: readonly DeviceId[];
};

/** Edits a draft of the record; one that says it all already is left as it is. */
export function writeOwn(draft: RawRecord, own: Own): void {
  const { name, kind, os, version, policy, opensAll } = own.device;
  put(rowOf(draft.devices, own.deviceId), { name, kind, os, version, ...flat(policy), opensAll });

  for (const project of own.projects) {
    const known = draft.projects[project.id];
    if (known === undefined && Object.keys(draft.projects).length >= PROJECTS_MAX) continue;
    if (known !== undefined && String(plain(known['updatedAt'])) >= project.updatedAt) continue;
    const { displayName, slug, source, createdAt, updatedAt } = project;
    put(rowOf(draft.projects, project.id), { displayName, slug, source, createdAt, updatedAt });
  }

  if (own.attachments.size > 0) {
    const row = rowOf(draft.attachments, own.deviceId);
    for (const [id, state] of own.attachments)
      // That a project was never here is not worth a row.
      if (draft.projects[id] !== undefined && (row[id] !== undefined || state !== 'detached'))
        put(row, { [id]: state });
  }

  if (own.sessions.size > 0 || draft.sessions[own.deviceId] !== undefined) {
    const row = rowOf(draft.sessions, own.deviceId);
    for (const [id, session] of own.sessions) put(row, { [id]: sessionRow(session) });
    for (const id of Object.keys(row)) if (!own.sessions.has(id as SessionId)) delete row[id];
  }

  for (const id of own.added) put(rowOf(draft.members, id), { addedBy: own.deviceId });
  for (const id of own.removed) put(rowOf(draft.members, id), { removedBy: own.deviceId });
}

const flat = (policy: DevicePolicy): Row => ({ ...policy });

function rowOf(table: Table, id: string): Row {
  table[id] ??= {};
  return table[id];
}

/** Text is set whole: nobody types in it, and letter by letter it would take ten times the room. */
function put(row: Row, wanted: Row): void {
  for (const [field, value] of Object.entries(wanted))
    if (value !== undefined && plain(row[field]) !== value)
      row[field] = typeof value === 'string' ? new ImmutableString(value) : value;
}
