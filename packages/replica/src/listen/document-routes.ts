/** Documents over HTTP: listed, made, named, searched, and as they were. */
import { Failure, LIMITS, type DocumentId, type ProjectHere } from '@markco/protocol';
import type { Documents } from '../documents/documents.ts';
import { smallestEdits } from '../documents/edits.ts';
import type { ProjectDocuments } from '../projects/project-documents.ts';
import type { Subject } from './guard.ts';
import type { SomeHandlers } from './handlers.ts';

/** What one person has here. */
export type ProjectsOf = ProjectDocuments & {
  list(): readonly ProjectHere[];
  bySlug(slug: string): ProjectHere | undefined;
};

export type DocumentRoutesParts = {
  /** Null: another device of the owner. */
  readonly of: (subject: Subject | null) => ProjectsOf;
  readonly documents: Documents;
  /** A random 32-bit number: who made one step of edits. */
  readonly author: () => number;
};

const SEARCH_HITS = 200;

export function documentRoutes({
  of,
  documents,
  author,
}: DocumentRoutesParts): SomeHandlers<
  | 'projects'
  | 'documents'
  | 'documentsOfUser'
  | 'documentsOfUserProject'
  | 'createDocument'
  | 'document'
  | 'deleteDocument'
  | 'undeleteDocument'
  | 'moveDocument'
  | 'search'
  | 'history'
  | 'historyAt'
  | 'historyRestore'
> {
  const ofUser = (subject: Subject | null, id: string | undefined): ProjectsOf => {
    if (subject === null || id !== subject.userId) throw new Failure('not_found', 'There is no such person here.');
    return of(subject);
  };

  return {
    projects: ({ subject }) => ({ projects: [...of(subject).list()] }),
    documents: ({ subject, params }) => ({ documents: of(subject).documents(params['id'] ?? '') }),
    documentsOfUser({ subject, params }) {
      const mine = ofUser(subject, params['userId']);
      return {
        documents: mine
          .list()
          .flatMap((project) => mine.documents(project.id))
          .slice(0, LIMITS.documentsPerProjectMax),
      };
    },
    documentsOfUserProject({ subject, params }) {
      const mine = ofUser(subject, params['userId']);
      const project = mine.bySlug(params['project'] ?? '');
      if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
      return { documents: mine.documents(project.id) };
    },
    createDocument: ({ subject, params, body }) =>
      of(subject).create(params['id'] ?? '', body.path, body.ext, body.text ?? ''),
    document: ({ subject, params }) => of(subject).document(params['id'] ?? '', params['documentId'] ?? ''),
    async deleteDocument({ subject, params }) {
      await of(subject).remove(params['id'] ?? '', params['documentId'] ?? '');
      return undefined;
    },
    undeleteDocument: ({ subject, params }) => of(subject).undelete(params['id'] ?? '', params['documentId'] ?? ''),
    moveDocument: ({ subject, params, body }) =>
      of(subject).move(params['id'] ?? '', params['documentId'] ?? '', body.path, body.ext),

    search: ({ subject, params, query, signal }) =>
      of(subject).search(
        params['id'] ?? '',
        {
          text: query.q,
          caseSensitive: query.caseSensitive === '1',
          regex: query.regex === '1',
          limit: Number(query.limit ?? SEARCH_HITS),
        },
        signal,
      ),

    async history({ subject, params }) {
      const { id } = of(subject).record(params['id'] ?? '', params['documentId'] ?? '');
      const { moments, seq } = await documents.moments(id);
      return { moments: [...moments], seq };
    },
    async historyAt({ subject, params }) {
      const mine = of(subject);
      const { id } = mine.record(params['id'] ?? '', params['documentId'] ?? '');
      const seq = await position(documents, id, params['seq']);
      const at = new Date(
        (await documents.timeOf(id, seq)) ?? Date.parse(mine.document(params['id'] ?? '', id).createdAt),
      ).toISOString();
      return { seq, at, text: await documents.textAt(id, seq) };
    },
    async historyRestore({ subject, params }) {
      const mine = of(subject);
      const { id } = mine.record(params['id'] ?? '', params['documentId'] ?? '');
      const then = await documents.textAt(id, await position(documents, id, params['seq']));
      const current = await documents.read(id);
      const edits = smallestEdits(current.text, then);
      if (edits.length > 0) await documents.edit(id, current.seq, [{ author: author(), edits }], 'restore');
      return mine.document(params['id'] ?? '', id);
    },
  };
}

async function position(documents: Documents, id: DocumentId, text: string | undefined): Promise<number> {
  const seq = /^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (Number.isNaN(seq) || seq > (await documents.position(id)))
    throw new Failure('not_found', `This document has no moment ${text}.`);
  return seq;
}
