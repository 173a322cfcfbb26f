/**
 * The files that a document refers to: where their bytes are, and how a pasted picture becomes one. Paths in a document
 * are relative to the document; the device's are relative to the project.
 */
import type { Client } from '@markco/client';
import { ROUTES, SHARE_QUERY, type ProjectId } from '@markco/protocol';
import type { EditorParts } from '../editor/index.ts';
import { absolutePath, relativePath } from './relative-path.ts';

export type ProjectFilesParts = {
  readonly client: Pick<Client, 'api' | 'watchProject'>;
  readonly projectId: ProjectId;
  readonly pathOf: () => string;
  /** The link that a guest came by. */
  readonly share: string | undefined;
};

export function createProjectFiles({ client, projectId, pathOf, share }: ProjectFilesParts): EditorParts['files'] {
  const asWhom = share === undefined ? '' : `?${SHARE_QUERY}=${share}`;
  const urlOf = (path: string): string =>
    ROUTES.projectFile.path.replace(':id', projectId).replace('*', path.split('/').map(encodeURIComponent).join('/')) +
    asWhom;
  return {
    urlOf: (written) => urlOf(absolutePath(pathOf(), written)),
    onWritten: (listener) =>
      client.watchProject(projectId, ({ files = [] }) => {
        for (const path of files) listener(urlOf(path));
      }),
    async savePastedImage(blob, name) {
      const asset = await client.api('createAsset', {
        params: { id: projectId },
        bytes: blob,
        ...(name === '' ? {} : { query: { name } }),
      });
      return relativePath(pathOf(), asset.path);
    },
  };
}
