/** The projects that other devices of the user have, by what they say now and by what the record says of those away. */
import { Failure, type AttachmentState, type DeviceId, type Project, type ProjectId } from '@markco/protocol';
import type { RecordView } from './view.ts';

/** A device that has a project, and whether it is connected to this one now. */
export type Holder = {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly state: Exclude<AttachmentState, 'detached'>;
  readonly connected: boolean;
};
export type ProjectElsewhere = { readonly project: Project; readonly on: readonly Holder[] };

export type ElsewhereParts = {
  readonly view: RecordView;
  /** The other devices of the user. */
  readonly peers: readonly { readonly deviceId: DeviceId; readonly name: string; readonly state: string }[];
  /** What those that are connected have told since this device started. */
  readonly live: ReadonlyMap<ProjectId, { readonly project: Project; readonly devices: readonly DeviceId[] }>;
};

/** Sorted by name. Devices that are connected come first in each. */
export function projectsElsewhere({ view, peers, live }: ElsewhereParts): readonly ProjectElsewhere[] {
  const found = new Map<ProjectId, { project: Project; on: Holder[] }>();
  const add = (project: Project, holder: Holder): void => {
    const known = found.get(project.id) ?? { project, on: [] };
    found.set(project.id, known);
    if (!known.on.some(({ deviceId }) => deviceId === holder.deviceId)) known.on.push(holder);
  };
  for (const { deviceId, name, state: connection } of peers) {
    const connected = connection === 'connected';
    for (const [id, state] of view.attachments.get(deviceId) ?? []) {
      const project = view.projects.get(id);
      if (project !== undefined && state !== 'detached') add(project, { deviceId, name, state, connected });
    }
    // One that speaks to this device but keeps no record, or whose word in it is still on its way.
    if (connected)
      for (const { project, devices } of live.values())
        if (devices.includes(deviceId)) add(project, { deviceId, name, state: 'attached', connected });
  }
  return [...found.values()]
    .map(({ project, on }) => ({ project, on: on.toSorted((a, b) => Number(b.connected) - Number(a.connected)) }))
    .toSorted((a, b) => a.project.displayName.localeCompare(b.project.displayName));
}

/** @throws Failure `not_found`; `not_ready` while no device that has it is connected: it would come as an empty folder */
export function requireElsewhere(all: readonly ProjectElsewhere[], id: ProjectId): ProjectElsewhere {
  const found = all.find(({ project }) => project.id === id);
  if (found === undefined) throw new Failure('not_found', 'None of your other devices has this project.');
  if (found.on.every(({ connected }) => !connected)) {
    const names = found.on.map(({ name }) => name).join(' and ');
    throw new Failure(
      'not_ready',
      `${found.project.displayName} is on ${names}, and ${found.on.length === 1 ? 'it is' : 'they are'} not connected now. Start MarkCo there, then open it again.`,
      { retryable: true },
    );
  }
  return found;
}
