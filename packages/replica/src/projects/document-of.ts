/** A catalog row as others see it. */
import { labelOf, type Document } from '@markco/protocol';
import type { DocumentRecord } from '../documents/document-record.ts';

export function documentOf(record: DocumentRecord): Document {
  const { id, projectId, path, ext, title, sizeBytes, contentHash, updatedAt, createdAt } = record;
  return {
    id,
    projectId,
    path,
    ext,
    title: title ?? labelOf(path),
    sizeBytes,
    updatedAt,
    createdAt,
    ...(contentHash === '' ? {} : { contentHash }),
  };
}
