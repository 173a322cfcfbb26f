/** The document in view: its editor, or a moment of its history beside what it is now. */
import type { StateEffect } from '@codemirror/state';
import type { Document, ProjectHere } from '@markco/protocol';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { EditorHandle } from '../editor/index.ts';
import { t } from '../i18n/words.ts';
import { Compare } from '../panels/compare.tsx';
import { useShell } from '../shell/shell.ts';
import { readerTitle } from '../tree/reader-title.ts';
import { Wait } from '../ui/wait.tsx';

let kept: { readonly editor: EditorHandle | undefined; readonly at: StateEffect<unknown> | undefined } = {
  editor: undefined,
  at: undefined,
};

export function DocumentPane({ project, document }: { readonly project: ProjectHere; readonly document: Document }) {
  const { editors, view, router, client } = useShell();
  const parent = useRef<HTMLDivElement>(null);
  const preview = view.preview.value?.documentId === document.id ? view.preview.value : undefined;
  const editor = editors.editor.value;
  const place = router.place.value;
  const heading = place.at === 'document' ? place.heading : undefined;
  const jump = view.jump.value;
  const headings = editors.outline.value;

  useLayoutEffect(() => {
    parent.current?.append(editors.host);
    // What leaves the page forgets how far it was scrolled.
    const left = editors.editor.peek();
    if (left !== undefined && kept.editor === left && kept.at !== undefined) left.view.dispatch({ effects: kept.at });
    return () => {
      const shown = editors.editor.peek();
      kept = { editor: shown, at: shown?.view.scrollSnapshot() };
      editors.host.remove();
    };
  }, []);
  useLayoutEffect(() => editors.show(project, document), [document.id]);
  useEffect(() => {
    const shown = editors.editor.peek();
    if (shown === undefined || jump?.documentId !== document.id) return;
    view.jump.value = undefined;
    shown.goTo(jump.offset);
    const end = Math.min(jump.offset + jump.length, shown.view.state.doc.length);
    shown.view.dispatch({ selection: { anchor: Math.min(jump.offset, end), head: end } });
    shown.focus();
  }, [editor, jump]);
  useEffect(() => {
    const target = headings.find((candidate) => candidate.slug === heading);
    if (target !== undefined) editors.editor.peek()?.goTo(target.from);
  }, [editor, heading, headings.length > 0]);

  const name = readerTitle(document);
  return (
    <>
      <div ref={parent} class="document" hidden={preview !== undefined} aria-busy={editor === undefined} />
      {editor === undefined && editors.status.value?.phase === 'loading' && (
        <Wait step={t('readingDocument', { name })} retry={() => client.reconnect()} />
      )}
      {editor === undefined && editors.status.value?.phase === 'failed' && (
        <p class="empty trouble">{editors.status.value.failure?.message}</p>
      )}
      {preview !== undefined && <Compare document={document} preview={preview} current={editors.text} />}
    </>
  );
}
