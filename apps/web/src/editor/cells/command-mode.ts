/**
 * Jupyter's command mode: Escape in a cell selects the cell as a whole, and single keys act on it until
 * Enter (or a click) edits again. Two-key commands (`d d`, `i i`, `0 0`) must follow within a second.
 */
import { Prec, StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView } from '@codemirror/view';
import type { EditorParts } from '../parts.ts';
import { scanField, scanNow } from '../scan.ts';
import { cellAt, type CellActions } from './cell-actions.ts';

const setCommandMode = StateEffect.define<boolean>();
const DOUBLE_KEY_MS = 1_000;
const SELECTED = Decoration.line({ class: 'mc-cell-selected' });

export const commandModeField = StateField.define<boolean>({
  create: () => false,
  update(on, tr) {
    for (const effect of tr.effects) if (effect.is(setCommandMode)) return effect.value;
    return on && !tr.isUserEvent('select.pointer');
  },
  provide: (self) => [
    EditorView.editorAttributes.from(self, (on) => (on ? { class: 'mc-command-mode' } : { class: '' })),
    EditorView.decorations.compute([self, scanField, 'selection'], (state) => {
      const cell = state.field(self) ? cellAt(state.field(scanField).cells, state.selection.main.head) : null;
      if (cell === null) return Decoration.none;
      const lines: Range<Decoration>[] = [];
      const last = state.doc.lineAt(Math.min(cell.to, state.doc.length)).number;
      for (let number = state.doc.lineAt(cell.from).number; number <= last; number++)
        lines.push(SELECTED.range(state.doc.line(number).from));
      return Decoration.set(lines);
    }),
  ],
});

export type CommandModeParts = Pick<EditorParts, 't' | 'announce' | 'now'> & {
  readonly actions: CellActions;
  readonly undo: () => void;
};

export function commandMode({ t, announce, now, actions, undo }: CommandModeParts): Extension {
  let pending: { key: string; at: number } = { key: '', at: 0 };

  const set = (view: EditorView, on: boolean): void => {
    view.dispatch({ effects: setCommandMode.of(on) });
    // While a cell is selected Tab leaves the editor.
    view.setTabFocusMode(on);
    announce(t(on ? 'editor.mode.command' : 'editor.mode.edit'));
  };

  function press(view: EditorView, key: string): boolean {
    const twice = pending.key === key && now() - pending.at < DOUBLE_KEY_MS;
    pending = twice ? { key: '', at: 0 } : { key, at: now() };
    const edit = (done: boolean): boolean => {
      if (done) set(view, false);
      return true;
    };
    switch (key) {
      case 'Enter':
        return edit(true);
      case 'ArrowUp':
      case 'k':
        return actions.move(view, -1);
      case 'ArrowDown':
      case 'j':
        return actions.move(view, 1);
      case 'a':
        actions.insert(view, 'above');
        return true;
      case 'b':
        actions.insert(view, 'below');
        return true;
      case 'd':
        if (twice) actions.remove(view);
        return true;
      case 'z':
        undo();
        return true;
      case 'm':
        actions.toText(view);
        return true;
      case 'y':
        actions.toCell(view);
        return true;
      case 'i':
        return twice ? actions.interrupt(view) : true;
      case '0':
        return twice ? actions.restart(view) : true;
      default:
        // Any other letter would be typed into the cell: it is swallowed.
        return key.length === 1;
    }
  }

  return [
    commandModeField,
    Prec.highest(
      EditorView.domEventHandlers({
        keydown(event, view) {
          if (event.isComposing) return false;
          const on = view.state.field(commandModeField);
          const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
          if (event.key === 'Escape' && plain) {
            if (on || cellAt(scanNow(view).cells, view.state.selection.main.head) === null) return false;
            set(view, true);
            event.preventDefault();
            return true;
          }
          if (!on || !plain || event.shiftKey || !press(view, event.key)) return false;
          event.preventDefault();
          return true;
        },
        blur(_event, view) {
          if (!view.state.field(commandModeField)) return false;
          view.setTabFocusMode(false);
          view.dispatch({ effects: setCommandMode.of(false) });
          return false;
        },
      }),
    ),
    EditorView.inputHandler.of((view) => view.state.field(commandModeField)),
  ];
}
