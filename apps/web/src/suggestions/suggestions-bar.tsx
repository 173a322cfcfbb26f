/** Says that something is suggested for the page in view, and shows it to be decided. */
import type { Document, DocumentId } from '@markco/protocol';
import type { OpenDocument } from '@markco/client';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { useShell } from '../shell/shell.ts';
import { Dialog, SheetHead } from '../ui/dialog.tsx';
import { g } from './messages.ts';
import { createAfterwards } from './afterwards.ts';
import { createSuggestions } from './suggestions.ts';
import { SuggestionsList } from './suggestions-list.tsx';
import './suggestions.css';

export function SuggestionsBar({ document }: { readonly document: Document }) {
  const { editors } = useShell();
  const page = editors.open.value;
  // The one that was in view before is shown for a moment longer.
  return page?.documentId === document.id ? <Bar key={document.id} document={document} page={page} /> : null;
}

function Bar({ document, page }: { readonly document: Document; readonly page: OpenDocument }) {
  const { client, documents, editors, toasts, workspace } = useShell();
  const isOpen = useSignal(false);
  const { projectId, id: documentId } = document;
  const suggestions = useMemo(
    () => createSuggestions({ client, page, projectId, documentId, history: () => editors.editor.peek()?.history }),
    [documentId],
  );
  const afterwards = useMemo(() => createAfterwards(suggestions, toasts), [suggestions]);
  useEffect(
    () => () => {
      afterwards.close();
      suggestions.close();
    },
    [documentId],
  );
  const count = (suggestions.copies.value ?? []).reduce((sum, { changes }) => sum + changes.length, 0);
  if (count === 0 && !isOpen.value) return null;
  const open = (): void => {
    afterwards.begin();
    isOpen.value = true;
  };
  const close = (): void => {
    isOpen.value = false;
    afterwards.offer();
  };
  const remove = (id: DocumentId): void => {
    const copy = workspace.documents.peek()?.find((each) => each.id === id);
    isOpen.value = false;
    if (copy !== undefined) void documents.remove([copy]);
  };
  return (
    <>
      {count > 0 && (
        <div class="device-bar" role="status">
          <span>{g('suggested', { count })}</span>
          <button class="quiet-button" type="button" onClick={open}>
            {g('review')}
          </button>
        </div>
      )}
      {isOpen.value && (
        <Dialog label={g('title')} kind="sheet" close={close}>
          <SheetHead title={g('title')} close={close} />
          <SuggestionsList suggestions={suggestions} remove={remove} />
        </Dialog>
      )}
    </>
  );
}
