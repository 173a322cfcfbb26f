/**
 * What a project (`mrmd.md`) and a document (its front matter) wish of the sessions that run their cells.
 *
 * Asked with every run, so what was read is kept while neither text has changed; at KEPT_MAX it starts anew.
 */
import { readConfig, type DocumentId, type NotebookConfig, type ProjectId } from '@markco/protocol';
import type { Catalog } from '@markco/replica/documents/document-record';
import type { Documents } from '@markco/replica/documents/documents';

const KEPT_MAX = 500;
const PROJECT_PAGE = 'mrmd.md';

export type SessionWishes = (projectId: ProjectId, documentId: DocumentId | undefined) => Promise<NotebookConfig>;

export function createSessionWishes(parts: {
  readonly catalog: Pick<Catalog, 'byPath'>;
  readonly documents: Pick<Documents, 'position' | 'inspect' | 'read'>;
}): SessionWishes {
  const kept = new Map<string, { readonly stamp: string; readonly config: NotebookConfig }>();

  return async (projectId, documentId) => {
    const page = parts.catalog.byPath(projectId, PROJECT_PAGE)?.id;
    const ids = [page, documentId];
    const positions = await Promise.all(ids.map(async (id) => (id === undefined ? 0 : parts.documents.position(id))));
    const key = JSON.stringify([projectId, documentId]);
    const stamp = JSON.stringify([page, positions]);
    const before = kept.get(key);
    if (before?.stamp === stamp) return before.config;
    const [project = null, document = null] = await Promise.all(
      ids.map(async (id) => (id === undefined ? null : (await parts.documents.read(id)).text)),
    );
    const config = readConfig({ project, document });
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, { stamp, config });
    return config;
  };
}
