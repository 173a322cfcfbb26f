/** What happens to the files of a project, in the log and in the metrics. */
import type { DocumentId, ProjectId } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { FolderEvent } from '../files/events.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export type FolderObserverParts = {
  readonly catalog: Pick<DocumentCatalog, 'get'>;
  readonly metrics: Pick<Metrics, 'fileReflect'>;
  readonly log: Logger;
  readonly now: () => number;
  /** Of the device, Unix milliseconds. */
  readonly startedAt: number;
};

export function createFolderObserver({ catalog, metrics, log, now, startedAt }: FolderObserverParts) {
  /** A change that was made while nobody looked says nothing about how fast it was seen. */
  function reflected(id: DocumentId): void {
    const writtenAt = catalog.get(id)?.file?.mtimeMs ?? 0;
    if (writtenAt >= startedAt) metrics.fileReflect.observe(Math.max(0, now() - writtenAt));
  }

  return (projectId: ProjectId, event: FolderEvent): void => {
    if (event.type === 'changed') reflected(event.id);
    if (event.type === 'write-failed')
      log.warn('file.write-failed', { project_id: projectId, doc_path: event.filePath, reason: event.message });
    if (event.type === 'write-recovered')
      log.info('file.write-recovered', { project_id: projectId, doc_path: event.filePath });
    if (event.type === 'left-alone')
      log.info('file.left-alone', { project_id: projectId, doc_path: event.filePath, reason: event.reason });
  };
}
