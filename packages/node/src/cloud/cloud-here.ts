/** All that this device has to do with its cloud: documents kept equal, files brought there, pages published there. */
import type { ProjectId } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import { cloudRoutes } from '../listen/routes/cloud.ts';
import type { Logger } from '../observe/log.ts';
import { createCarryFiles, type CarryFilesParts } from './carry-files.ts';
import type { CloudParts } from './cloud.ts';
import { createMirror, type MirrorParts } from './mirror.ts';
import { createCloud } from './open-cloud.ts';
import { publicationRoutes, type PublicationParts } from './publication.ts';
import { shareRoutes } from './shares.ts';

export type CloudHereParts = Omit<
  Parameters<typeof createCloud>[0],
  'onChange' | 'onDoubt' | 'onTrouble' | 'catalog' | 'projects' | 'refusal' | 'take' | 'mirror'
> & {
  readonly metrics: MirrorParts['metrics'];
  readonly catalog: DocumentCatalog;
  readonly projects: {
    readonly shared: CloudParts['projects'];
    readonly refusal: CloudParts['refusal'];
    readonly takeRows: CloudParts['take'];
    readonly root: CarryFilesParts['root'];
    readonly get: PublicationParts['project'];
    onOpen(listener: () => void): void;
  };
  readonly logger: Logger;
};

export function createCloudHere({ projects, logger, metrics, ...parts }: CloudHereParts) {
  const { catalog, rooms, digests } = parts;
  const mirror = createMirror({ catalog, rooms, digests, metrics, log: logger });
  const cloud = createCloud({
    ...{ ...parts, mirror, projects: projects.shared, refusal: projects.refusal, take: projects.takeRows },
    onChange({ state, ...about }) {
      const { why: reason, mode } = { why: undefined, mode: undefined, ...about };
      logger.info('cloud.changed', { state, ...(mode && { mode }), ...(reason && { reason }) });
      if (state === 'connected') files.changedAll();
    },
    onDoubt: (doubt, message) => logger.warn('cloud.doubt', { doubt, reason: message }),
    onTrouble: (doing, cause) => logger.error('cloud.trouble', { doing }, cause),
  });
  const files = createCarryFiles({
    isConnected: () => cloud.state().state === 'connected',
    api: cloud.api,
    ...{ projects: () => [...projects.shared()], root: projects.root, documents: catalog.list },
    onTrouble: (doing, cause) => logger.warn('cloud.trouble', { doing, reason: String(cause) }),
  });
  catalog.onChange(({ projectId }) => files.changed(projectId));
  projects.onOpen(() => {
    cloud.tellProjects();
    files.changedAll();
  });

  return {
    link: cloud,
    routes: {
      ...cloudRoutes(cloud),
      ...publicationRoutes({ cloud, project: projects.get }),
      ...shareRoutes({ cloud, project: projects.get }),
    },
    /** Files of a project have changed that are no documents. */
    filesChanged: (id: ProjectId): void => files.filesChanged(id),
    resume: cloud.resume,
    testimony: cloud.testimony,
    close(): Promise<void> {
      files.close();
      return cloud.close();
    },
  };
}
