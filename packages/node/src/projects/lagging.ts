/** Whether the files of a project lag behind its documents: some could not be written, and have not been since. */
import type { AttachmentEvent, DocumentId } from '@markco/protocol';
import type { FolderEvent } from '../files/events.ts';

export function createLagging(step: (event: Extract<AttachmentEvent, 'fell-behind' | 'caught-up'>) => void) {
  const unwritten = new Set<DocumentId>();
  return {
    get lags(): boolean {
      return unwritten.size > 0;
    },
    hear(event: FolderEvent): void {
      const before = unwritten.size;
      if (event.type === 'write-failed') unwritten.add(event.id);
      else if (event.type === 'write-recovered' || event.type === 'removed') unwritten.delete(event.id);
      if (before === 0 && unwritten.size > 0) step('fell-behind');
      if (before > 0 && unwritten.size === 0) step('caught-up');
    },
  };
}
