/** Tells those who watch a project what changes in it: documents, runs, files that cannot be written. */
import type { Copies, DocumentId, ProjectId, Run, StreamAnswer } from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { StorageState } from '../documents/log.ts';
import { documentOf } from '../projects/document-of.ts';

export type Told = Omit<Extract<StreamAnswer, { projectId: ProjectId }>, 'ref'>;
type Tell = (change: Told) => void;

/** Changes of the same project within this time are told together. */
const GATHER_MS = 50;
/** Files told at once; of more, the first. */
const FILES_MAX = 1_000;

export type Watch = ReturnType<typeof createWatch>;

type Gathered = {
  readonly changed: Set<DocumentId>;
  readonly removed: Set<DocumentId>;
  readonly files: Set<string>;
};

export function createWatch({ catalog }: { readonly catalog: DocumentCatalog }) {
  const watchers = new Map<ProjectId, Set<Tell>>();
  let failing: StorageState | undefined;
  const gathered = new Map<ProjectId, Gathered>();
  let onWatch: (projectId: ProjectId) => void = () => undefined;

  function tellAll(projectId: ProjectId, change: Omit<Told, 'projectId'>): void {
    for (const tell of watchers.get(projectId) ?? []) tell({ projectId, ...change });
  }

  /** Null while nobody watches. */
  function gather(projectId: ProjectId): Gathered | null {
    if (!watchers.has(projectId)) return null;
    const before = gathered.get(projectId);
    if (before !== undefined) return before;
    const waiting = { changed: new Set<DocumentId>(), removed: new Set<DocumentId>(), files: new Set<string>() };
    gathered.set(projectId, waiting);
    setTimeout(() => flush(projectId), GATHER_MS);
    return waiting;
  }

  catalog.onChange(({ projectId, changed, removed }) => {
    const waiting = gather(projectId);
    if (waiting === null) return;
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
    tellAll(projectId, {
      ...(documents.length + waiting.removed.size === 0 ? {} : { documents, removed: [...waiting.removed] }),
      ...(waiting.files.size === 0 ? {} : { files: [...waiting.files] }),
    });
  }

  return {
    project(projectId: ProjectId, tell: Tell): () => void {
      const tells = watchers.get(projectId) ?? new Set();
      tells.add(tell);
      watchers.set(projectId, tells);
      if (failing !== undefined) tell({ projectId, ...troubleOf(failing) });
      onWatch(projectId);
      return () => {
        tells.delete(tell);
        if (tells.size === 0) watchers.delete(projectId);
      };
    },

    /** Told whenever somebody begins to watch a project. */
    onWatch: (listener: (projectId: ProjectId) => void): void => void (onWatch = listener),

    copies: (projectId: ProjectId, copies: Copies): void => tellAll(projectId, { copies }),

    run: (run: Run): void => tellAll(run.projectId, { run }),

    /** Files that are no documents appeared, changed or went. */
    files(projectId: ProjectId, paths: readonly string[]): void {
      const files = gather(projectId)?.files;
      for (const path of paths) if (files !== undefined && files.size < FILES_MAX) files.add(path);
    },

    /** A file cannot be written, or can again. */
    trouble: (projectId: ProjectId, trouble: NonNullable<Told['trouble']>): void => tellAll(projectId, { trouble }),

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
