/**
 * For tests and the bench: 50 devices with 500 projects, each open on some of them, as those devices would have written
 * it. The same each time.
 */
import { change, clone, encodeSyncMessage, getChanges, getHeads, type Doc } from '@automerge/automerge';
import { newId, parseUuid, type AttachmentState, type DeviceId, type ProjectId, type UserId } from '@markco/protocol';
import { createChance } from '@markco/scheduler/simulate/chance';
import { beginRecord, type RawRecord } from './beginning.ts';
import { writeOwn, type Own } from './own.ts';
import type { MeshRecord } from './record.ts';
import { streamPair } from './stream.fixture.ts';

const SEED = 20_261_121;
export const DEVICES = 50;
export const PROJECTS = 500;
/** Projects that a device has beside those that began there. */
const MORE_OF_100 = 10;

export function ownOf(
  deviceId: DeviceId,
  name: string,
  projects: Own['projects'],
  attachments: ReadonlyMap<ProjectId, AttachmentState>,
): Own {
  const policy = { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 8 };
  return {
    deviceId,
    device: { name, kind: 'desktop', os: 'Debian GNU/Linux 12', version: '0.1.0', policy, opensAll: false },
    ...{ projects, attachments, sessions: new Map(), added: [], removed: [] },
  };
}

/** All that the devices wrote, each change by itself, as it would come from them. */
export type Synthetic = ReturnType<typeof synthetic>;
export function synthetic(said: 'in one go' | 'step by step') {
  const chance = createChance(SEED);
  let at = Date.parse('2026-01-01T00:00:00Z');
  const ids = {
    now: () => at,
    randomBytes: (length: number) => Uint8Array.from({ length }, () => chance.below(256)),
  };
  const user = newId<UserId>(ids);
  const devices = Array.from({ length: DEVICES }, () => newId<DeviceId>(ids));
  const projects = Array.from({ length: PROJECTS }, (_, index) => ({
    ...{
      id: newId<ProjectId>(ids),
      userId: user,
      slug: `project-${index}`,
      displayName: `The project number ${index}`,
    },
    ...({ configPath: 'mrmd.md', source: 'opened-local', syncMode: 'active', visibility: 'private' } as const),
    ...{ createdAt: new Date(at).toISOString(), updatedAt: new Date(at).toISOString() },
  }));
  const begun = beginRecord();
  let doc: Doc<RawRecord> = begun;
  for (const [index, device] of devices.entries()) {
    const actor = Buffer.concat([parseUuid(device), ids.randomBytes(8)]).toString('hex');
    doc = clone(doc, { actor });
    const mine = projects.filter((_, number) => number % DEVICES === index || chance.below(100) < MORE_OF_100);
    const attachments = new Map<ProjectId, AttachmentState>();
    const say = (its: Own['projects']): void => {
      at += 300_000;
      for (const { id } of its) attachments.set(id, 'attached');
      const own = ownOf(device, `device ${index}`, its, attachments);
      doc = change(doc, { time: Math.floor(at / 1_000) }, (draft) => writeOwn(draft, own));
    };
    if (said === 'in one go') say(mine);
    else for (const project of mine) say([project]);
  }
  return { ids, user, devices, doc, changes: getChanges(begun, doc) };
}

/** Has the record take over what other devices wrote, in one message as it would come from one of them. */
export async function bring(into: MeshRecord, { doc, changes, user, devices }: Synthetic): Promise<void> {
  const [here, there] = streamPair();
  const wanted = getHeads(doc).join();
  const arrived = new Promise<void>((resolve) => {
    into.onChange(() => {
      if (getHeads(into.raw()).join() === wanted) resolve();
    });
  });
  into.join(here, devices[1] as DeviceId);
  const message = encodeSyncMessage({ heads: getHeads(doc), need: [], have: [], changes: [...changes] });
  there.sendBytes(Buffer.concat([parseUuid(user), message]));
  await arrived;
  here.close();
}
