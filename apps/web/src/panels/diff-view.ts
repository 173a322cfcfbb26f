/** The comparison itself, in a file of its own so that it is fetched only when somebody looks at the history. */
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/** Shows `then` as what was, `now` as what is. Returns how to take it away. */
export function showDiff(parent: HTMLElement, then: string, now: string): () => void {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: now,
      extensions: [
        EditorState.lineSeparator.of('\n'),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ tabindex: '0' }),
        unifiedMergeView({ original: then, mergeControls: false, highlightChanges: true, gutter: true, collapseUnchanged: { margin: 3, minSize: 8 }, diffConfig: { timeout: 1_000 } }),
      ],
    }),
  });
  return () => view.destroy();
}
