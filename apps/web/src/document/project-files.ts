/**
 * The files that a document refers to: where their bytes are, and how a pasted picture becomes one. Paths in a document
 * are relative to the document; the device's are relative to the project.
 */
import type { Client } from '@markco/client';
import { ROUTES, type ProjectId } from '@markco/protocol';
import type { EditorParts } from '../editor/index.ts';
import { absolutePath, relativePath } from './relative-path.ts';

export type ProjectFilesParts = {
  readonly api: Client['api'];
  readonly projectId: ProjectId;
  readonly pathOf: () => string;
};

export function createProjectFiles({ api, projectId, pathOf }: ProjectFilesParts): EditorParts['files'] {
  return {
    urlOf(written) {
      const path = absolutePath(pathOf(), written).split('/').map(encodeURIComponent).join('/');
      return ROUTES.projectFile.path.replace(':id', projectId).replace('*', path);
    },
    async savePastedImage(blob, name) {
      const asset = await api('createAsset', {
        params: { id: projectId },
        bytes: blob,
        ...(name === '' ? {} : { query: { name } }),
      });
      return relativePath(pathOf(), asset.path);
    },
  };
}
