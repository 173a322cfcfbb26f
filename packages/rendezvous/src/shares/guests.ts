/** What a guest of a share link has of the documents here: those that the link leads to, and nothing beside them. */
import { authorize, Failure, type DocumentId, type Guest, type Operation } from '@markco/protocol';
import type { StreamParts } from '@markco/replica/listen/stream';
import type { Told, Watch } from '@markco/replica/listen/watch';
import type { Kept } from '../documents/kept.ts';

export type GuestsParts = {
  readonly kept: Pick<Kept, 'catalog' | 'of' | 'rooms'>;
  readonly watch: Pick<Watch, 'project'>;
};

const noRun = (): Failure => new Failure('not_found', 'There is no such run here.');
const noRuns: Pick<StreamParts, 'submit' | 'follow' | 'run' | 'answer' | 'cancel' | 'interrupt'> = {
  submit: () => Promise.reject(new Failure('forbidden', 'Cells are run by whoever shared this, not by a link.')),
  follow() {
    throw noRun();
  },
  run: () => Promise.reject(noRun()),
  answer: () => Promise.reject(noRun()),
  cancel: () => Promise.reject(noRun()),
  interrupt: () => Promise.reject(noRun()),
};

/** A guest's part of `WS /api/guest`; what it writes is not looked at unless it may edit. */
export function guestStream({ kept, watch }: GuestsParts, guest: Guest): Omit<StreamParts, 'timing'> {
  const { catalog, rooms } = kept;

  function may(operation: Operation, id: DocumentId): boolean {
    const record = catalog.get(id);
    if (record === undefined) return false;
    const { projectId } = record;
    const owner = catalog.project(projectId)?.project.userId ?? null;
    return authorize(guest, operation, { kind: 'document', owner, projectId, documentId: id }) === 'allowed';
  }

  /** Files of devices, and what runs there, are none of a guest's business. */
  function seen({ projectId, documents = [], removed = [], trouble }: Told): Told | undefined {
    const isSeen = (id: DocumentId): boolean =>
      guest.documentId === undefined || guest.documentId === id || guest.copyId === id;
    const [shown, gone] = [documents.filter(({ id }) => isSeen(id)), removed.filter(isSeen)];
    const told = trouble?.path === '' ? { trouble } : {};
    if (shown.length + gone.length === 0) return trouble?.path === '' ? { projectId, ...told } : undefined;
    return { projectId, documents: shown, removed: gone, ...told };
  }

  return {
    ...noRuns,
    rooms,
    isReadOnly: (id) => !may('write', id),
    refusal: (id) =>
      may('read', id) ? kept.of(guest.userId).refusal(id) : new Failure('not_found', 'There is no such document here.'),
    watch(projectId, tell) {
      if (projectId !== guest.projectId) throw new Failure('not_found', 'There is no such project here.');
      return watch.project(projectId, (change) => {
        const told = seen(change);
        if (told !== undefined) tell(told);
      });
    },
  };
}
