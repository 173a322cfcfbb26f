/** What a device writes into its audit: where runs were sent and why, its other devices, and who of them came and went. */
import type { DeviceId } from '@markco/protocol';
import type { Audit } from '@markco/replica/observe/audit';
import type { DecisionRecord } from '@markco/scheduler';
import type { OpenMesh } from '../mesh/open-mesh.ts';

/** @param isAsked by a device that hosts nothing, and places the run itself */
export function noteDecision(audit: Audit, record: DecisionRecord, isAsked: boolean): void {
  const { chosen, waitsFor, reason, why } = record;
  const route_target = chosen === null ? (waitsFor === null ? 'none' : 'waits') : targetOf(reason);
  const about = chosen ?? waitsFor ?? undefined;
  audit.note(isAsked ? 'run.advised' : 'run.routed', {
    ...(isAsked ? {} : { run_id: record.runId }),
    ...{ route_target, reason: why, about },
  });
}

const targetOf = (reason: DecisionRecord['reason']): string => (reason === 'fallback' ? 'cloud' : 'device');

/** Added, removed, connected, gone: from now on. */
export function noteDevices(audit: Audit, { trust, mesh }: Pick<OpenMesh, 'trust' | 'mesh'>): void {
  let before: ReadonlySet<DeviceId> = new Set(trust.members.members.keys());
  trust.onChange(() => {
    const now = new Set(trust.members.members.keys());
    const nameOf = (id: DeviceId): string | undefined => trust.members.members.get(id)?.name;
    for (const id of now) if (!before.has(id)) audit.note('device.added', { about: id, reason: nameOf(id) });
    for (const id of before)
      if (!now.has(id)) audit.note('device.removed', { about: id, reason: trust.members.revoked.get(id)?.reason });
    before = now;
  });
  mesh.peers.onPeer(({ deviceId }, isThere) =>
    audit.note(isThere ? 'device.online' : 'device.offline', { about: deviceId }),
  );
}
