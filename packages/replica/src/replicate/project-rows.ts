/** What of a project is compared with another device: a row of each document, the deleted ones included. */
import type { DocumentId, ProjectId } from '@markco/protocol';
import type { ReplicateParts } from './replicate-parts.ts';
import { rowOf, type Row } from './rows.ts';

export async function rowsOfProject(
  id: ProjectId,
  { catalog, digests }: Pick<ReplicateParts, 'catalog' | 'digests'>,
): Promise<Map<DocumentId, Row>> {
  const rows = new Map<DocumentId, Row>();
  for (const record of catalog.all(id)) rows.set(record.id, rowOf(record, await digests.of(record)));
  return rows;
}
