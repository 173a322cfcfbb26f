/** Tells those who watch a project on which devices the documents are that are open here (`mesh/copies.ts`). */
import type { Copies, DocumentId, ProjectId } from '@markco/protocol';
import type { Rooms } from '@markco/replica/documents/rooms';

/** Changes of one document within this time are told together: of many letters the last. */
const GATHER_MS = 100;

export type TellCopiesParts = {
  readonly rooms: Pick<Rooms, 'all' | 'peek' | 'onChange' | 'onSeen'>;
  readonly projectOf: (id: DocumentId) => ProjectId | undefined;
  /** Null while there is nothing to say. */
  readonly of: (id: DocumentId) => Copies | null;
  readonly tell: (projectId: ProjectId, copies: Copies) => void;
};

export type TellCopies = {
  /** What is known of where a document is has changed. */
  changed(id: DocumentId): void;
  /** It may have, of every document that is open. */
  allChanged(): void;
};

export function createTellCopies({ rooms, projectOf, of, tell }: TellCopiesParts): TellCopies {
  const waiting = new Set<DocumentId>();
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    timer = undefined;
    for (const id of waiting) {
      const projectId = projectOf(id);
      const copies = rooms.peek(id)?.isSeen === true ? of(id) : null;
      if (projectId !== undefined && copies !== null) tell(projectId, copies);
    }
    waiting.clear();
  }

  function changed(id: DocumentId): void {
    if (rooms.peek(id)?.isSeen !== true) return;
    waiting.add(id);
    timer ??= setTimeout(flush, GATHER_MS).unref();
  }

  rooms.onChange(({ id }) => changed(id));
  rooms.onSeen(changed);
  return {
    changed,
    allChanged() {
      for (const { id } of rooms.all()) changed(id);
    },
  };
}
