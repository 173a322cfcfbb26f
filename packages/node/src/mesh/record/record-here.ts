/** What the rest of this device asks of the mesh record: the projects of others, and opening them here; who said what. */
import type { Change, DeviceId, Preferences } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Projects } from '../../projects/projects.ts';
import type { Mesh } from '../mesh.ts';
import type { DeviceRecord } from './device-record.ts';
import { projectsElsewhere, type ProjectElsewhere } from './elsewhere.ts';
import { readHistory } from './history.ts';
import { createOpenHere, type OpenHere } from './open-here.ts';
import { createOpensAll } from './opens-all.ts';
import type { RecordedDevice } from './view.ts';

export type RecordHere = {
  /** Projects of other devices, whether those are connected or not. */
  elsewhere(): readonly ProjectElsewhere[];
  readonly open: OpenHere;
  /** What is called, allowed or preferred here has changed. Resolves once the record has it, or the log says why not. */
  tell(): Promise<void>;
  /** What another device last said of itself. */
  said(device: DeviceId): RecordedDevice | undefined;
  /** Who changed what, newest first. */
  history(limit: number): readonly Change[];
};

export type RecordHereParts = {
  readonly shared: DeviceRecord;
  readonly mesh: Pick<Mesh, 'peers' | 'elsewhere'>;
  readonly catalog: Pick<DocumentCatalog, 'project'>;
  readonly projects: Pick<Projects, 'join'>;
  readonly folder: string;
  readonly preferences: () => Preferences;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export function createRecordHere(parts: RecordHereParts): RecordHere {
  const { shared, mesh, catalog, projects, folder, onTrouble } = parts;
  const { record } = shared;
  const elsewhere = (): readonly ProjectElsewhere[] =>
    projectsElsewhere({ view: record.view(), peers: mesh.peers.list(), live: mesh.elsewhere() });
  const open = createOpenHere({ catalog, projects, folder, elsewhere });
  const openAll = createOpensAll({
    ...{ elsewhere, open, onTrouble },
    isWanted: () => parts.preferences().opensAll,
    isKnown: (id) => catalog.project(id) !== undefined,
  });
  record.onChange(openAll);
  mesh.peers.onPeer(openAll);
  return {
    ...{ elsewhere, open },
    async tell() {
      await shared.tell().catch((cause: unknown) => onTrouble('telling the others of this device', cause));
      openAll();
    },
    said: (id) => record.view().devices.get(id),
    history: (limit) => readHistory(record.raw(), limit),
  };
}
