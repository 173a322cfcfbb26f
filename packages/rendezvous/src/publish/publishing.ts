/** Pages that their owners show to everybody: who may change what is public, and who reads it. */
import type { ProjectId, UserId } from '@markco/protocol';
import type { Guard } from '@markco/replica/listen/guard';
import type { Store } from '@markco/replica/store/store';
import type { RequestListener } from 'node:http';
import type { Copies } from '../copies/copies.ts';
import type { Kept } from '../documents/kept.ts';
import { createAnswer } from './answer.ts';
import { publishedDoor } from './door.ts';
import { createPublications } from './publications.ts';
import { publicationRoutes, type PublicationRoutesParts } from './routes.ts';
import { createSites } from './sites.ts';

export type PublishingParts = Pick<PublicationRoutesParts, 'of' | 'publishOrigin' | 'now' | 'note'> & {
  readonly store: Pick<Store, 'read'>;
  readonly copies: Pick<Copies, 'list' | 'read'>;
  readonly kept: Pick<Kept, 'catalog' | 'documents' | 'log'>;
  readonly guard: Pick<Guard, 'foreign'>;
  readonly onError: (error: unknown) => void;
};

export function createPublishing({ store, kept, copies, guard, onError, ...owners }: PublishingParts) {
  const { catalog, documents, log } = kept;
  const publications = createPublications({ store, log });
  const sites = createSites({ catalog, documents, publications, copies });
  const projectsOf = (userId: UserId): readonly ProjectId[] =>
    [...catalog.projects()].flatMap(({ project }) => (project.userId === userId ? [project.id] : []));
  const answer = createAnswer({ publications, projectsOf, sites, copies });
  return {
    routes: publicationRoutes({ ...owners, catalog, documents, publications, sites }),
    door: (others: RequestListener): RequestListener =>
      publishedDoor({ publishOrigin: owners.publishOrigin, guard, answer, onError }, others),
  };
}
