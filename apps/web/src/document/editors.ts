/**
 * The editors of the documents seen last, kept alive so that going back is immediate. One document is in view at a
 * time; what the page says of it (its editor, its safety, its headings) are signals here.
 *
 * 1. A document is open exactly as long as its editor is in the pool, or it is in view and not yet loaded.
 * 2. What comes late for a document that is no longer in view changes nothing of what is seen.
 */
import type { Client, CopyTrouble, DocumentStatus, OpenDocument } from '@markco/client';
import type { Document, DocumentId, IdSource, ProjectHere, ProjectId } from '@markco/protocol';
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import {
  createEditorPool,
  createRunsView,
  editorMessages,
  type EditorHandle,
  type EditorParts,
  type Heading,
  type PooledEditor,
  type RunsParts,
} from '../editor/index.ts';
import { language, lookup } from '../i18n/words.ts';
import type { Live } from '../live/live.ts';
import { mayWrite, type Guest } from '../guest/guest.ts';
import { createProjectFiles } from './project-files.ts';

export type Editors = {
  /** Where the editors live; whoever shows a document puts it on the page. */
  readonly host: HTMLElement;
  /** The editor's words, in the language of the page. */
  readonly t: EditorParts['t'];
  readonly editor: ReadonlySignal<EditorHandle | undefined>;
  readonly outline: ReadonlySignal<readonly Heading[]>;
  readonly status: ReadonlySignal<DocumentStatus | undefined>;
  /** The document in view itself. */
  readonly open: ReadonlySignal<OpenDocument | undefined>;
  /** What stands between the document in view and its own copy. */
  readonly copyTrouble: ReadonlySignal<CopyTrouble | undefined>;
  /** Whether edits of any open document would be gone with the page: neither the device nor the own copy has them. */
  atRisk(): boolean;
  /** The text of the document in view, as it is now. */
  text(): string;
  show(project: ProjectHere, document: Document): void;
  /** Closes the others: they were deleted, or their project was closed. */
  keepOnly(isWanted: (open: Pick<OpenDocument, 'projectId' | 'documentId'>) => boolean): void;
};

export type EditorsParts = Pick<
  EditorParts,
  'now' | 'announce' | 'notify' | 'confirm' | 'onSave' | 'links' | 'openRun' | 'places'
> & {
  readonly client: Client;
  readonly guest: Guest | undefined;
  readonly ids: IdSource;
  readonly live: Live;
  readonly away: RunsParts['away'];
  /** Where a document is now; it may have been renamed since it was opened. */
  pathOf(id: DocumentId): string;
};

type Opened = {
  readonly open: OpenDocument;
  readonly projectId: ProjectId;
  pooled: boolean;
  headings: readonly Heading[];
  stopFollowing(): void;
};

export function createEditors(parts: EditorsParts): Editors {
  const host = document.createElement('div');
  host.className = 'editors';
  const pool = createEditorPool({ parent: host });
  /** While the device is away the page says so once, above everything; not again with each question. */
  const onTrouble = (message: string): void => {
    if (parts.client.connection.get().state === 'online') parts.notify(message);
  };
  const t: EditorParts['t'] = lookup(editorMessages);
  const editor = signal<EditorHandle | undefined>(undefined);
  const outline = signal<readonly Heading[]>([]);
  const status = signal<DocumentStatus | undefined>(undefined);
  const open = signal<OpenDocument | undefined>(undefined);
  const opened = new Map<DocumentId, Opened>();
  let inView: DocumentId | undefined;

  function release(id: DocumentId): void {
    const entry = opened.get(id);
    opened.delete(id);
    entry?.stopFollowing();
    entry?.open.close();
    if (inView !== id) return;
    inView = undefined;
    editor.value = undefined;
    outline.value = [];
    status.value = undefined;
    open.value = undefined;
  }

  function openDocument(projectId: ProjectId, id: DocumentId): Opened {
    const open = parts.client.openDocument({ projectId, documentId: id });
    const stopFollowing = open.status.subscribe((next) => {
      if (inView === id) status.value = next;
    });
    const entry: Opened = { open, projectId, pooled: false, headings: [], stopFollowing };
    opened.set(id, entry);
    return entry;
  }

  function make(id: DocumentId, entry: Opened, parent: HTMLElement): PooledEditor {
    const { open, projectId } = entry;
    entry.pooled = true;
    const runs = createRunsView({ client: parts.client, document: open, ids: parts.ids, away: parts.away, onTrouble });
    const editorParts: EditorParts = {
      ...parts,
      parent,
      open,
      runs,
      live: parts.live.of({ projectId, documentId: id }),
      t,
      locale: language.peek(),
      readOnly: !mayWrite(parts.guest, id),
      offersRuns: parts.guest === undefined,
      files: createProjectFiles({
        ...{ client: parts.client, projectId, pathOf: () => parts.pathOf(id) },
        share: parts.guest?.id,
      }),
      onOutline(headings) {
        entry.headings = headings;
        if (inView === id) outline.value = headings;
      },
    };
    const dispose = (): void => {
      runs.close();
      entry.pooled = false;
      release(id);
    };
    return { parts: editorParts, dispose };
  }

  function present(id: DocumentId, entry: Opened): void {
    editor.value = pool.show(id, (parent) => make(id, entry, parent));
    outline.value = entry.headings;
  }

  function show(projectId: ProjectId, id: DocumentId): void {
    if (inView === id) return;
    const left = inView;
    inView = id;
    if (left !== undefined && opened.get(left)?.pooled === false) release(left);
    const entry = opened.get(id) ?? openDocument(projectId, id);
    status.value = entry.open.status.get();
    open.value = entry.open;
    if (entry.pooled) return present(id, entry);
    pool.hide();
    editor.value = undefined;
    outline.value = entry.headings;
    entry.open.ready.then(
      () => {
        if (inView === id && opened.get(id) === entry) present(id, entry);
      },
      // The document's status says why, and the page shows that.
      () => undefined,
    );
  }

  let spoken = language.peek();
  effect(() => {
    if (language.value === spoken) return;
    spoken = language.value;
    const id = inView;
    const projectId = id === undefined ? undefined : opened.get(id)?.projectId;
    for (const one of [...opened.keys()]) pool.drop(one);
    if (id !== undefined && projectId !== undefined) show(projectId, id);
  });

  return {
    host,
    t,
    editor,
    outline,
    status,
    open,
    copyTrouble: computed(() => status.value?.copyTrouble),
    text: () => (inView === undefined ? '' : (opened.get(inView)?.open.text.toString() ?? '')),
    atRisk: () => [...opened.values()].some(({ open }) => open.status.get().unkeptEdits > 0),
    show: (project, shown) => show(project.id, shown.id),
    keepOnly(isWanted) {
      for (const [id, entry] of [...opened]) {
        if (isWanted(entry.open)) continue;
        if (entry.pooled) pool.drop(id);
        else release(id);
      }
    },
  };
}
