/** Projects and their documents over HTTP. */
import { documentPathOf, Failure, LIMITS, type ProjectId } from '@markco/protocol';
import { homedir } from 'node:os';
import type { Documents } from '@markco/replica/documents/documents';
import { saveAsset, type AssetPlace } from '../../projects/assets.ts';
import { browse } from '../../projects/browse.ts';
import type { Projects } from '../../projects/projects.ts';
import { documentRoutes } from '@markco/replica/listen/document-routes';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { readCapped } from '@markco/replica/listen/http';

export type ProjectRoutesParts = {
  readonly projects: Projects;
  readonly documents: Documents;
  readonly ids: AssetPlace['ids'];
  readonly author: () => number;
  /** Where projects go that bring none of their own. */
  readonly folder: string;
  /** A file of a project, from another device when it is not here. */
  readonly readFile: (id: ProjectId, path: string, request: Request) => Promise<Response>;
};

const OPEN_TIMEOUT_MS = 120_000;

export function projectRoutes({
  projects,
  documents,
  ids,
  author,
  folder,
  readFile,
}: ProjectRoutesParts): ReturnType<typeof documentRoutes> &
  SomeHandlers<'folders' | 'openLocal' | 'registerLocal' | 'closeProject' | 'createAsset' | 'projectFile'> {
  return {
    ...documentRoutes({ of: () => projects, documents, author }),
    folders: ({ query }) => browse(query.path ?? homedir()),

    async openLocal({ body }) {
      const { project, created } = await projects.openLocal(
        body.localPath,
        body.displayName,
        AbortSignal.timeout(OPEN_TIMEOUT_MS),
      );
      return { status: created ? 201 : 200, answer: project };
    },
    registerLocal: ({ body }) => projects.register(body, folder, AbortSignal.timeout(OPEN_TIMEOUT_MS)),
    async closeProject({ params }) {
      await projects.closeProject(params['id'] ?? '');
      return undefined;
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
