/**
 * Where markup is shown: where the cursor is. Everywhere else it is hidden.
 *
 * While the mouse button is down nothing is shown or hidden anew: the text under a selection that is being
 * dragged must not move.
 */
import { StateEffect, StateField, type EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

type Range = { readonly from: number; readonly to: number };
type Reveal = { readonly held: boolean; readonly focused: boolean; readonly ranges: readonly Range[] };

const hold = StateEffect.define<boolean>();
const focus = StateEffect.define<boolean>();

export const revealField = StateField.define<Reveal>({
  create: () => ({ held: false, focused: false, ranges: [] }),
  update(value, tr) {
    let { held, focused } = value;
    for (const effect of tr.effects) {
      if (effect.is(hold)) held = effect.value;
      if (effect.is(focus)) focused = effect.value;
    }
    const unchanged = held === value.held && focused === value.focused && tr.selection === undefined;
    if (unchanged && !tr.docChanged) return value;
    const ranges =
      held && !tr.docChanged
        ? value.ranges
        : held
          ? value.ranges.map(({ from, to }) => ({ from: tr.changes.mapPos(from), to: tr.changes.mapPos(to) }))
          : focused
            ? tr.state.selection.ranges.map(({ from, to }) => ({ from, to }))
            : [];
    return { held, focused, ranges };
  },
});

/** Whether the cursor or selection touches the range (its ends count). */
export function isRevealed(state: EditorState, from: number, to: number): boolean {
  return state.field(revealField).ranges.some((range) => range.from <= to && range.to >= from);
}

export function reveal(): Extension {
  return [
    revealField,
    EditorView.focusChangeEffect.of((_state, focusing) => focus.of(focusing)),
    EditorView.domEventHandlers({
      mousedown(event, view) {
        if (event.button !== 0) return false;
        const release = (): void => {
          view.dom.ownerDocument.removeEventListener('mouseup', release, true);
          view.dom.ownerDocument.removeEventListener('dragend', release, true);
          // After the editor's own handler, which sets the selection.
          queueMicrotask(() => view.dispatch({ effects: hold.of(false) }));
        };
        view.dom.ownerDocument.addEventListener('mouseup', release, true);
        view.dom.ownerDocument.addEventListener('dragend', release, true);
        view.dispatch({ effects: hold.of(true) });
        return false;
      },
    }),
  ];
}
