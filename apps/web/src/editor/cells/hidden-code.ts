/** The code of a cell that says `#| echo: false`, as one line that says so, until the cursor comes to it. */
import type { EditorState, Range } from '@codemirror/state';
import { Decoration, WidgetType, type EditorView } from '@codemirror/view';
import type { Translate } from '../parts.ts';
import { isRevealed } from '../reveal.ts';
import type { CellSpan } from '../scan.ts';

/** Null where the code is shown. The lines of the fence stay, and ▶ with them. */
export function hiddenCode(state: EditorState, cell: CellSpan, t: Translate): Range<Decoration> | null {
  const { doc } = state;
  if (cell.options.echo || !cell.closed || isRevealed(state, doc.lineAt(cell.from).from, doc.lineAt(cell.to).to))
    return null;
  const [first, last] = [doc.lineAt(cell.codeFrom), doc.lineAt(cell.codeTo)];
  // Where positions are only mapped since the last walk, there may be no line between those of the fence any more.
  if (first.from <= cell.from || last.to >= cell.to) return null;
  const widget = new HiddenCode(t, last.number - first.number + 1);
  return Decoration.replace({ widget, block: true }).range(first.from, last.to);
}

class HiddenCode extends WidgetType {
  readonly t: Translate;
  readonly lines: number;

  constructor(t: Translate, lines: number) {
    super();
    this.t = t;
    this.lines = lines;
  }

  override eq(other: HiddenCode): boolean {
    return other.lines === this.lines && other.t === this.t;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('div');
    element.className = 'mc-hidden-code';
    element.textContent = this.t(this.lines === 1 ? 'editor.cell.hidden.one' : 'editor.cell.hidden.other', {
      count: this.lines,
    });
    return element;
  }

  /** A click puts the cursor there, which shows the code. */
  override ignoreEvent(): boolean {
    return false;
  }
}
