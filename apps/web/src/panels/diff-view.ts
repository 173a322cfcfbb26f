/** The comparison itself, in a file of its own so that it is fetched only when somebody looks at the history. */
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/** The editor's own rules stand above every layer of the page's style, so these must be rules of the editor. */
const quiet = EditorView.theme({
  '&': {
    maxWidth: 'calc(var(--measure) + 48px)',
    margin: 'var(--space-4) auto',
    background: 'transparent',
    color: 'var(--fg)',
  },
  '.cm-scroller': { fontFamily: 'var(--font-text)', fontSize: '0.9375rem', lineHeight: '1.6' },
  '.cm-content': { padding: '0 var(--space-4)' },
  '.cm-gutters': { border: '0', background: 'transparent' },
  '&.cm-merge-b .cm-deletedChunk, .cm-deletedChunk': {
    background: 'color-mix(in srgb, var(--danger) 10%, transparent)',
  },
  '&.cm-merge-b .cm-deletedText, .cm-deletedText, .cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in srgb, var(--danger) 26%, transparent)',
    textDecoration: 'none',
  },
  '&.cm-merge-b .cm-changedLine': { background: 'color-mix(in srgb, var(--ok) 10%, transparent)' },
  '&.cm-merge-b .cm-changedText': { background: 'color-mix(in srgb, var(--ok) 26%, transparent)' },
  '.cm-collapsedLines': {
    padding: '6px 12px',
    border: '0',
    borderRadius: '6px',
    background: 'var(--bg-quiet)',
    color: 'var(--muted)',
    fontSize: 'var(--size-small)',
  },
  '.cm-collapsedLines::before, .cm-collapsedLines::after': { content: '"⋯"', margin: '0 8px' },
});

/** `unchanged` has `$` where the number of lines goes. */
export type DiffWords = { readonly label: string; readonly unchanged: string };

/** Shows `then` as what was, `now` as what is. Returns how to take it away. */
export function showDiff(parent: HTMLElement, then: string, now: string, { label, unchanged }: DiffWords): () => void {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: now,
      extensions: [
        EditorState.phrases.of({ '$ unchanged lines': unchanged }),
        EditorState.lineSeparator.of('\n'),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.lineWrapping,
        quiet,
        EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': label }),
        unifiedMergeView({
          original: then,
          mergeControls: false,
          highlightChanges: true,
          gutter: true,
          collapseUnchanged: { margin: 3, minSize: 8 },
          diffConfig: { timeout: 1_000 },
        }),
      ],
    }),
  });
  return () => view.destroy();
}
