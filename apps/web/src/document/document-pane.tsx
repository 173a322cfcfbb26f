/** The document in view: its editor, or a moment of its history beside what it is now. */
import type { Document, ProjectHere } from '@markco/protocol';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { Compare } from '../panels/compare.tsx';
import { useShell } from '../shell/shell.ts';
import { Wait } from '../ui/wait.tsx';

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
    return () => editors.host.remove();
  }, []);
  useLayoutEffect(() => editors.show(project, document), [document.id]);
  useEffect(() => {
    if (editor === undefined || jump?.documentId !== document.id) return;
    view.jump.value = undefined;
    editor.goTo(jump.offset);
    editor.focus();
  }, [editor, jump]);
  useEffect(() => {
    const target = headings.find((candidate) => candidate.slug === heading);
    if (target !== undefined) editor?.goTo(target.from);
  }, [editor, heading, headings.length > 0]);

  const name = document.title ?? document.path;
  return (
    <>
      <div ref={parent} class="document" hidden={preview !== undefined} aria-busy={editor === undefined} />
      {editor === undefined && editors.status.value?.phase === 'loading' && <Wait step={t('readingDocument', { name })} retry={() => client.reconnect()} />}
      {editor === undefined && editors.status.value?.phase === 'failed' && <p class="empty trouble">{editors.status.value.failure?.message}</p>}
      {preview !== undefined && <Compare document={document} preview={preview} current={editors.text} />}
    </>
  );
}
