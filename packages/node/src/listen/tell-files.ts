/** Tells those who watch a project what happens to its files. */
import type { ProjectId } from '@markco/protocol';
import type { Watch } from '@markco/replica/listen/watch';
import type { FolderEvent } from '../files/events.ts';

export function tellFiles(watch: Pick<Watch, 'files' | 'trouble'>, projectId: ProjectId, event: FolderEvent): void {
  if (event.type === 'others') watch.files(projectId, event.paths);
  else if (event.type === 'write-failed') {
    const { id: documentId, filePath: path, code, message } = event;
    watch.trouble(projectId, { documentId, path, code, message, recovered: false });
  } else if (event.type === 'write-recovered') {
    const { id: documentId, filePath: path } = event;
    watch.trouble(projectId, { documentId, path, code: 'recovered', message: '', recovered: true });
  }
}
