/** What a run of another device needs before it can begin here: its project open, its document arrived. */
import { Failure, type Device, type Project, type ProjectId, type RunRequest } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';

/** How long a run waits here to hear of its project, and then for its document. */
const ARRIVE_MS = 20_000;

export type ArriveParts = {
  readonly device: Pick<Device, 'name'>;
  readonly catalog: Pick<DocumentCatalog, 'get' | 'onChange'>;
  /** Opens a project of another device here. */
  readonly attach: (id: ProjectId) => Promise<Project>;
  readonly isOpen: (id: ProjectId) => boolean;
  /** Whether a device has said that it has this project. */
  readonly isKnown: (id: ProjectId) => boolean;
  /** A device may have said so now. */
  readonly onNews: (listener: () => void) => void;
};

export type Arrive = (request: Pick<RunRequest, 'projectId' | 'documentId'>) => Promise<void>;

/** Rejects with `barrier_timeout` when the document does not come, and as opening the project does. */
export function createArrive({ device, catalog, attach, isOpen, isKnown, onNews }: ArriveParts): Arrive {
  const looking = new Set<() => void>();
  onNews(() => {
    for (const look of looking) look();
  });

  /** A run may be here before what its device says of its projects; past the time it is found that nobody has it. */
  function heardOf(id: ProjectId): Promise<void> {
    if (isKnown(id)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        looking.delete(look);
        resolve();
      };
      const look = (): void => {
        if (isKnown(id)) end();
      };
      const timer = setTimeout(end, ARRIVE_MS).unref();
      looking.add(look);
    });
  }

  return async ({ projectId, documentId }) => {
    if (projectId !== undefined && !isOpen(projectId)) {
      await heardOf(projectId);
      await attach(projectId);
    }
    if (documentId === undefined || catalog.get(documentId) !== undefined) return;
    await new Promise<void>((resolve, reject) => {
      const stop = catalog.onChange(() => {
        if (catalog.get(documentId) === undefined) return;
        clearTimeout(timer);
        stop();
        resolve();
      });
      const timer = setTimeout(() => {
        stop();
        reject(
          new Failure('barrier_timeout', `The document has not arrived on ${device.name} in time. Run the cell again.`),
        );
      }, ARRIVE_MS);
    });
  };
}
