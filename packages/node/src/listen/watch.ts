/** Tells those who watch a project what changes in it: documents, runs, files that cannot be written. */
import type { DocumentId, ProjectId, Run, StreamAnswer } from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { StorageState } from '../documents/log.ts';
import type { FolderEvent } from '../files/events.ts';
import { documentOf } from '../projects/document-of.ts';

export type Told = Omit<Extract<StreamAnswer, { projectId: ProjectId }>, 'ref'>;
type Tell = (change: Told) => void;

/** Changes of the same project within this time are told together. */
const GATHER_MS = 50;

export type Watch = ReturnType<typeof createWatch>;

export function createWatch({ catalog }: { readonly catalog: DocumentCatalog }) {
  const watchers = new Map<ProjectId, Set<Tell>>();
  let failing: StorageState | undefined;
  const gathered = new Map<ProjectId, { changed: Set<DocumentId>; removed: Set<DocumentId> }>();

  function tellAll(projectId: ProjectId, change: Omit<Told, 'projectId'>): void {
    for (const tell of watchers.get(projectId) ?? []) tell({ projectId, ...change });
  }

  catalog.onChange(({ projectId, changed, removed }) => {
    if (!watchers.has(projectId)) return;
    let waiting = gathered.get(projectId);
    if (waiting === undefined) {
      waiting = { changed: new Set(), removed: new Set() };
      gathered.set(projectId, waiting);
      setTimeout(() => flush(projectId), GATHER_MS);
    }
    for (const { id } of changed) waiting.changed.add(id);
    for (const id of removed) waiting.removed.add(id);
  });

  function flush(projectId: ProjectId): void {
    const waiting = gathered.get(projectId);
    gathered.delete(projectId);
    if (waiting === undefined) return;
    const documents = [...waiting.changed].flatMap((id) => {
      const record = catalog.get(id);
      return record === undefined || record.deletedAt !== undefined ? [] : [documentOf(record)];
    });
    tellAll(projectId, { documents, removed: [...waiting.removed] });
  }

  return {
    project(projectId: ProjectId, tell: Tell): () => void {
      const tells = watchers.get(projectId) ?? new Set();
      tells.add(tell);
      watchers.set(projectId, tells);
      if (failing !== undefined) tell({ projectId, ...troubleOf(failing) });
      return () => {
        tells.delete(tell);
        if (tells.size === 0) watchers.delete(projectId);
      };
    },

    run: (run: Run): void => tellAll(run.projectId, { run }),

    folder(projectId: ProjectId, event: FolderEvent): void {
      if (event.type === 'write-failed') {
        tellAll(projectId, {
          trouble: {
            documentId: event.id,
            path: event.filePath,
            code: event.code,
            message: event.message,
            recovered: false,
          },
        });
      } else if (event.type === 'write-recovered') {
        tellAll(projectId, {
          trouble: { documentId: event.id, path: event.filePath, code: 'recovered', message: '', recovered: true },
        });
      }
    },

    /** Whoever comes while the disk refuses is told too. */
    storage(state: StorageState): void {
      failing = state.ok ? undefined : state;
      for (const projectId of watchers.keys()) tellAll(projectId, troubleOf(state));
    },
  };
}

function troubleOf(state: StorageState): Pick<Told, 'trouble'> {
  return {
    trouble: state.ok
      ? { path: '', code: 'recovered', message: '', recovered: true }
      : { path: '', code: state.code, message: state.message, recovered: false },
  };
}
