/** Projects and their documents over HTTP. */
import { documentPathOf, Failure, LIMITS, type DocumentId, type ProjectId } from '@markco/protocol';
import { homedir } from 'node:os';
import type { Documents } from '@markco/replica/documents/documents';
import { smallestEdits } from '../../files/edits.ts';
import { saveAsset, type AssetPlace } from '../../projects/assets.ts';
import { browse } from '../../projects/browse.ts';
import type { Projects } from '../../projects/projects.ts';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { readCapped } from '@markco/replica/listen/http';

export type ProjectRoutesParts = {
  readonly projects: Projects;
  readonly documents: Documents;
  readonly ids: AssetPlace['ids'];
  readonly author: () => number;
  readonly userId: () => string;
  /** A file of a project, from another device when it is not here. */
  readonly readFile: (id: ProjectId, path: string, request: Request) => Promise<Response>;
};

const OPEN_TIMEOUT_MS = 120_000;
const SEARCH_HITS = 200;

export function projectRoutes({
  projects,
  documents,
  ids,
  author,
  userId,
  readFile,
}: ProjectRoutesParts): SomeHandlers<
  | 'folders'
  | 'openLocal'
  | 'registerLocal'
  | 'projects'
  | 'closeProject'
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
  | 'createAsset'
  | 'projectFile'
> {
  const requireUser = (id: string | undefined): void => {
    if (id !== userId()) throw new Failure('not_found', 'There is no such person here.');
  };

  return {
    folders: ({ query }) => browse(query.path ?? homedir()),

    async openLocal({ body }) {
      const { project, created } = await projects.openLocal(
        body.localPath,
        body.displayName,
        AbortSignal.timeout(OPEN_TIMEOUT_MS),
      );
      return { status: created ? 201 : 200, answer: project };
    },
    registerLocal() {
      throw new Failure(
        'unsupported',
        'This device keeps its own list of documents. Open the folder with POST /api/projects/open-local.',
      );
    },
    projects: () => ({ projects: projects.list() }),
    async closeProject({ params }) {
      await projects.closeProject(params['id'] ?? '');
      return undefined;
    },
    documents: ({ params }) => ({ documents: projects.documents(params['id'] ?? '') }),
    documentsOfUser({ params }) {
      requireUser(params['userId']);
      return {
        documents: projects
          .list()
          .flatMap((project) => projects.documents(project.id))
          .slice(0, LIMITS.documentsPerProjectMax),
      };
    },
    documentsOfUserProject({ params }) {
      requireUser(params['userId']);
      const project = projects.bySlug(params['project'] ?? '');
      if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
      return { documents: projects.documents(project.id) };
    },
    createDocument: ({ params, body }) => projects.create(params['id'] ?? '', body.path, body.ext, body.text ?? ''),
    document: ({ params }) => projects.document(params['id'] ?? '', params['documentId'] ?? ''),
    async deleteDocument({ params }) {
      await projects.remove(params['id'] ?? '', params['documentId'] ?? '');
      return undefined;
    },
    undeleteDocument: ({ params }) => projects.undelete(params['id'] ?? '', params['documentId'] ?? ''),
    moveDocument: ({ params, body }) =>
      projects.move(params['id'] ?? '', params['documentId'] ?? '', body.path, body.ext),

    search: ({ params, query, signal }) =>
      projects.search(
        params['id'] ?? '',
        {
          text: query.q,
          caseSensitive: query.caseSensitive === '1',
          regex: query.regex === '1',
          limit: Number(query.limit ?? SEARCH_HITS),
        },
        signal,
      ),

    async history({ params }) {
      const { id } = projects.record(params['id'] ?? '', params['documentId'] ?? '');
      const { moments, seq } = await documents.moments(id);
      return { moments: [...moments], seq };
    },
    async historyAt({ params }) {
      const { id } = projects.record(params['id'] ?? '', params['documentId'] ?? '');
      const seq = await position(documents, id, params['seq']);
      const at = new Date(
        (await documents.timeOf(id, seq)) ?? Date.parse(projects.document(params['id'] ?? '', id).createdAt),
      ).toISOString();
      return { seq, at, text: await documents.textAt(id, seq) };
    },
    async historyRestore({ params }) {
      const { id } = projects.record(params['id'] ?? '', params['documentId'] ?? '');
      const then = await documents.textAt(id, await position(documents, id, params['seq']));
      const current = await documents.read(id);
      const edits = smallestEdits(current.text, then);
      if (edits.length > 0) await documents.edit(id, current.seq, [{ author: author(), edits }], 'restore');
      return projects.document(params['id'] ?? '', id);
    },

    async createAsset({ params, request }) {
      const project = projects.get(params['id'] ?? '');
      const bytes = await readCapped(request, LIMITS.assetBytesMax);
      return saveAsset(
        { root: projects.root(project.id), projectId: project.id, ids },
        bytes,
        request.headers.get('content-type') ?? '',
      );
    },
    projectFile({ params, request }) {
      const prefix = `/api/projects/${params['id']}/files/`;
      const path = decodePath(new URL(request.url).pathname.slice(prefix.length));
      if (documentPathOf(path, () => true) !== null)
        throw new Failure('not_found', 'Documents are opened, not fetched.');
      return readFile(projects.get(params['id'] ?? '').id, path, request);
    },
  };
}

function decodePath(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new Failure('not_found', 'There is no such file in this project: its name is not encoded as a URL.', {
      cause,
    });
  }
}

async function position(documents: Documents, id: DocumentId, text: string | undefined): Promise<number> {
  const seq = /^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (Number.isNaN(seq) || seq > (await documents.position(id)))
    throw new Failure('not_found', `This document has no moment ${text}.`);
  return seq;
}
