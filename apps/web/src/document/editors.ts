/**
 * The editors of the documents seen last, kept alive so that going back is immediate. One document is in view at a time;
 * what the page shows of it (its editor, its safety, its headings) are signals here.
 */
import type { Client, DocumentStatus, OpenDocument } from '@markco/client';
import type { Document, DocumentId, ProjectHere } from '@markco/protocol';
import { signal, type ReadonlySignal } from '@preact/signals';
import { language, lookup } from '../i18n/words.ts';
import { createEditor } from './plain-editor.ts';
import type { EditorHandle, EditorParts, Heading } from '../editor/parts.ts';
import { editorMessages } from '../editor/messages.ts';
import { createRunsView } from '../editor/runs.ts';
import type { IdSource } from '@markco/protocol';

export type Editors = {
  /** Where the editors live; whoever shows a document puts it on the page. */
  readonly host: HTMLElement;
  /** The editor's words, in the language of the page. */
  readonly t: EditorParts['t'];
  readonly editor: ReadonlySignal<EditorHandle | undefined>;
  readonly outline: ReadonlySignal<readonly Heading[]>;
  readonly status: ReadonlySignal<DocumentStatus | undefined>;
  /** The text of the document in view, as it is now. */
  text(): string;
  show(project: ProjectHere, document: Document): void;
  hide(): void;
};

export type EditorsParts = Pick<EditorParts, 'now' | 'announce' | 'notify' | 'confirm' | 'onSave' | 'links'> & {
  readonly client: Client;
  readonly ids: IdSource;
};

export function createEditors(parts: EditorsParts): Editors {
  const t: EditorParts['t'] = lookup(editorMessages);
  const host = document.createElement('div');
  host.className = 'editors';
  const editor = signal<EditorHandle | undefined>(undefined);
  const outline = signal<readonly Heading[]>([]);
  const status = signal<DocumentStatus | undefined>(undefined);
  let shown: { id: DocumentId; open: OpenDocument; stop: () => void } | undefined;
  return {
    host,
    t,
    editor,
    outline,
    status,
    text: () => shown?.open.text.toString() ?? '',
    show(project, doc) {
      if (shown?.id === doc.id) return;
      this.hide();
      const open = parts.client.openDocument({ projectId: project.id, documentId: doc.id });
      status.value = open.status.get();
      const unsub = open.status.subscribe((next) => (status.value = next));
      const runs = createRunsView({ client: parts.client, document: open, ids: parts.ids, onTrouble: parts.notify });
      const parent = document.createElement('div');
      parent.className = 'editor';
      host.append(parent);
      shown = { id: doc.id, open, stop: () => { unsub(); runs.close(); editor.peek()?.destroy(); parent.remove(); open.close(); } };
      void open.ready.then(() => {
        editor.value = createEditor({ ...parts, parent, open, runs, files: { urlOf: (path) => `/api/projects/${project.id}/files/${path}`, savePastedImage: () => Promise.resolve('') }, t, locale: language.peek(), onOutline: (headings) => (outline.value = headings) });
      });
    },
    hide() {
      shown?.stop();
      shown = undefined;
      editor.value = undefined;
      outline.value = [];
      status.value = undefined;
    },
  };
}
