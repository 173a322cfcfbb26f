/** What a user has here, over HTTP. */
import { Failure, LIMITS, type Document, type ProjectId, type UserId } from '@markco/protocol';
import type { Subject } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { documentOf } from '@markco/replica/projects/document-of';
import type { Kept } from '../documents/kept.ts';

export function documentRoutes(
  kept: Pick<Kept, 'of' | 'catalog'>,
): SomeHandlers<'projects' | 'documents' | 'document' | 'documentsOfUser' | 'documentsOfUserProject'> {
  const listed = (id: ProjectId): Document[] => [...kept.catalog.list(id)].map(documentOf);
  const requireSelf = (subject: Subject | null, id: string | undefined): UserId => {
    if (subject === null || subject.userId !== id) throw new Failure('not_found', 'There is no such person here.');
    return subject.userId;
  };
  const mine = (subject: Subject | null) => kept.of(required(subject).userId);

  return {
    projects: ({ subject }) => ({ projects: [...mine(subject).projects()] }),
    documents: ({ subject, params }) => ({ documents: listed(mine(subject).project(params['id'] ?? '').id) }),
    document({ subject, params }) {
      const { id } = mine(subject).project(params['id'] ?? '');
      const found = listed(id).find((document) => document.id === params['documentId']);
      if (found === undefined) throw new Failure('not_found', 'There is no such document here.');
      return found;
    },
    documentsOfUser({ subject, params }) {
      const of = kept.of(requireSelf(subject, params['userId']));
      return {
        documents: of
          .projects()
          .flatMap(({ id }) => listed(id))
          .slice(0, LIMITS.documentsPerProjectMax),
      };
    },
    documentsOfUserProject({ subject, params }) {
      const project = kept.of(requireSelf(subject, params['userId'])).bySlug(params['project'] ?? '');
      if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
      return { documents: listed(project.id) };
    },
  };
}

function required(subject: Subject | null): Subject {
  if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
  return subject;
}
