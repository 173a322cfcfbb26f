/** The mesh record of this device: opened, told of what happens here, and kept equal with the user's other devices. */
import type { Device, DeviceId, IdSource, Preferences, ProjectId, RuntimeSession, SessionId } from '@markco/protocol';
import { isDeepStrictEqual } from 'node:util';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Projects } from '../../projects/projects.ts';
import type { LocalStore } from '@markco/replica/store/store';
import type { MeshParts } from '../mesh-parts.ts';
import type { Trust } from '../trust.ts';
import type { Own } from './own.ts';
import { openRecord, type MeshRecord } from './record.ts';
import { createTellOwn } from './tell-own.ts';
import type { RecordedDevice } from './view.ts';

const RECORD = '/markco/record/1.0.0';

export type DeviceRecordParts = {
  readonly trust: Trust;
  readonly ids: IdSource;
  readonly store: LocalStore;
  readonly device: Device;
  readonly catalog: Pick<DocumentCatalog, 'projects'>;
  readonly projects: Pick<Projects, 'attachment' | 'onAttachment' | 'shared'>;
  readonly sessions: {
    list(): readonly RuntimeSession[];
    onChange(listener: () => void): () => void;
  };
  readonly policy: () => Promise<{ readonly policy: RecordedDevice['policy'] }>;
  readonly preferences: () => Preferences;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type DeviceRecord = {
  readonly record: MeshRecord;
  readonly channels: NonNullable<MeshParts['channels']>;
  /** Something of this device has changed that is not heard of here by itself. Resolves once the record has it on disk. */
  tell(): Promise<void>;
  /** The policy as it was just read: its owner may have edited its file by hand. */
  saw(policy: RecordedDevice['policy']): void;
  close(): Promise<void>;
};

export async function openDeviceRecord(parts: DeviceRecordParts): Promise<DeviceRecord> {
  const { trust, device, projects, sessions } = parts;
  const record = await openRecord({
    ...{ store: parts.store, ids: parts.ids, deviceId: device.id, userId: trust.userId },
    isMember: (id) => trust.members.members.has(id),
    onTrouble: parts.onTrouble,
  });
  let isClosed = false;

  async function own(): Promise<Own> {
    const { policy } = await parts.policy();
    const running = sessions.list().filter(({ state }) => state === 'running');
    return {
      deviceId: device.id,
      device: {
        ...{ name: device.name, kind: device.kind, policy, opensAll: parts.preferences().opensAll },
        ...(device.os === undefined ? {} : { os: device.os }),
        ...(device.appVersion === undefined ? {} : { version: device.appVersion }),
      },
      projects: projects.shared(),
      attachments: new Map([...parts.catalog.projects()].map(({ project: { id } }) => [id, projects.attachment(id)])),
      sessions: new Map<SessionId, { language: string; projectId: ProjectId }>(running.map((each) => [each.id, each])),
      ...byOwn(trust, device.id),
    };
  }

  const { tell } = createTellOwn({ record, own });
  const tellSoon = (): void => {
    if (!isClosed) tell().catch((cause: unknown) => parts.onTrouble('telling the others of this device', cause));
  };
  projects.onAttachment(tellSoon);
  const stops = [
    sessions.onChange(tellSoon),
    trust.onChange(() => {
      record.refresh(trust.userId).then(tellSoon, (cause: unknown) => parts.onTrouble('changing the record', cause));
    }),
  ];
  tellSoon();

  return {
    record,
    channels: { [RECORD]: record.join },
    tell,
    saw(policy) {
      const recorded = record.view().devices.get(device.id)?.policy;
      if (recorded !== undefined && !isDeepStrictEqual(recorded, policy)) tellSoon();
    },
    async close() {
      isClosed = true;
      for (const stop of stops) stop();
      await record.close();
    },
  };
}

/** Whom this device added and removed, by the signed log. */
function byOwn({ log }: Pick<Trust, 'log'>, deviceId: DeviceId): Pick<Own, 'added' | 'removed'> {
  const mine = [...log.entries.values()].filter(({ author }) => author === deviceId);
  return {
    added: mine.flatMap(({ body }) => (body.type === 'addDevice' ? [body.device] : [])),
    removed: mine.flatMap(({ body }) => (body.type === 'revokeDevice' ? [body.device] : [])),
  };
}
