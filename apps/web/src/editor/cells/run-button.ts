/** ▶ at the left of each cell that can be seen; ■ while it runs. */
import type { Extension, Range } from '@codemirror/state';
import {
  Decoration,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type EditorView,
  type ViewUpdate,
} from '@codemirror/view';
import { feetChanged } from '../blocks.ts';
import type { Translate } from '../parts.ts';
import { scanField } from '../scan.ts';
import { activeCells } from './feet.ts';

export type RunButtonParts = {
  readonly t: Translate;
  /** The person pressed the button of the cell at this offset. */
  readonly onPress: (view: EditorView, offset: number) => void;
};

export function runButtons(parts: RunButtonParts): Extension {
  return ViewPlugin.define(
    (view) => {
      const value = {
        decorations: build(view, parts),
        update(update: ViewUpdate) {
          const redo =
            update.viewportChanged ||
            update.state.field(scanField).version !== update.startState.field(scanField).version ||
            update.transactions.some((tr) => tr.effects.some((effect) => effect.is(feetChanged)));
          if (redo) value.decorations = build(update.view, parts);
          else if (update.docChanged) value.decorations = value.decorations.map(update.changes);
        },
      };
      return value;
    },
    { decorations: (value) => value.decorations },
  );
}

function build(view: EditorView, parts: RunButtonParts): DecorationSet {
  const active = view.state.facet(activeCells)();
  const out: Range<Decoration>[] = [];
  const { from, to } = view.viewport;
  for (const cell of view.state.field(scanField).cells) {
    if (cell.to < from || cell.from > to || !cell.closed) continue;
    out.push(
      Decoration.widget({ widget: new RunButton(parts, active.has(cell.id)), side: -1 }).range(
        view.state.doc.lineAt(cell.from).from,
      ),
    );
  }
  return Decoration.set(out);
}

class RunButton extends WidgetType {
  readonly parts: RunButtonParts;
  readonly active: boolean;

  constructor(parts: RunButtonParts, active: boolean) {
    super();
    this.parts = parts;
    this.active = active;
  }

  override eq(other: RunButton): boolean {
    return other.active === this.active && other.parts === this.parts;
  }

  override toDOM(view: EditorView): HTMLElement {
    const button = view.dom.ownerDocument.createElement('button');
    button.type = 'button';
    button.className = this.active ? 'mc-run mc-run-active' : 'mc-run';
    button.tabIndex = -1;
    button.setAttribute('aria-label', this.parts.t(this.active ? 'editor.cell.stop' : 'editor.cell.run'));
    button.addEventListener('mousedown', (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
    button.addEventListener('click', () => this.parts.onPress(view, view.posAtDOM(button)));
    return button;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}
