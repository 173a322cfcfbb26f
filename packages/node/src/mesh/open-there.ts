/** Projects that other devices have open, and which of them. */
import type { DeviceId, Project, ProjectId } from '@markco/protocol';

type OpenThere = { readonly project: Project; readonly devices: DeviceId[] };

/** @param told by each device what it has open, those that are devices no more among them */
export function openThere(
  told: ReadonlyMap<DeviceId, readonly Project[]>,
  isDevice: (id: DeviceId) => boolean,
): ReadonlyMap<ProjectId, OpenThere> {
  const found = new Map<ProjectId, OpenThere>();
  for (const [device, projects] of told)
    for (const project of isDevice(device) ? projects : []) {
      const known = found.get(project.id);
      if (known === undefined) found.set(project.id, { project, devices: [device] });
      else known.devices.push(device);
    }
  return found;
}
