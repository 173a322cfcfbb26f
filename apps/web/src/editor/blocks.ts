/**
 * What stands in the place of whole lines: drawn tables, formulas and diagrams and code that is not to be shown
 * (`#| echo: false`) where the cursor is not, and the foot of each cell (its status and output) in the place of its
 * `output` fence.
 *
 * These come from a state field, because they decide how high the document is. On a keystroke they are only mapped.
 */
import {
  StateEffect,
  StateField,
  type EditorState,
  type Extension,
  type Range,
  type RangeSet,
} from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet, type WidgetType } from '@codemirror/view';
import { hiddenCode } from './cells/hidden-code.ts';
import type { ProseWidgets } from './prose/widgets.ts';
import { isRevealed, revealField } from './reveal.ts';
import { scanField, type CellSpan, type DrawnBlock, type Scan } from './scan.ts';

/** Tells that a cell got or lost its foot. */
export const feetChanged = StateEffect.define<null>();

export type FootWidgets = {
  /** The foot of a cell, or null when it has none (no run, no output). */
  widgetOf(cell: CellSpan): WidgetType | null;
  /** Whether its `output` fence is to be seen as the text it is. */
  isText(cell: CellSpan): boolean;
};

type Blocks = { readonly decorations: DecorationSet; readonly replaced: RangeSet<Decoration> };

export function blocks(prose: ProseWidgets, feet: FootWidgets): Extension {
  const field = StateField.define<Blocks>({
    create: (state) => build(state, prose, feet),
    update(value, tr) {
      const { startState, state } = tr;
      const scan = state.field(scanField);
      const redo =
        scan.version !== startState.field(scanField).version ||
        (state.field(revealField) !== startState.field(revealField) && hides(scan)) ||
        tr.effects.some((effect) => effect.is(feetChanged));
      if (redo) return build(state, prose, feet);
      return tr.docChanged
        ? { decorations: value.decorations.map(tr.changes), replaced: value.replaced.map(tr.changes) }
        : value;
    },
    provide: (self) => [
      EditorView.decorations.from(self, (value) => value.decorations),
      EditorView.atomicRanges.of((view) => view.state.field(self).replaced),
    ],
  });
  return field;
}

/** Whether anything depends on where the cursor is. */
const hides = ({ drawn, cells }: Scan): boolean => drawn.length > 0 || cells.some((cell) => !cell.options.echo);

function build(state: EditorState, prose: ProseWidgets, feet: FootWidgets): Blocks {
  const { cells, drawn } = state.field(scanField);
  const out: Range<Decoration>[] = [];
  const replaced: Range<Decoration>[] = [];
  for (const block of drawn) {
    const from = state.doc.lineAt(block.from).from;
    const { to } = state.doc.lineAt(block.to);
    const widget = drawnWidget(state.doc.sliceString(from, to), block, prose);
    if (!isRevealed(state, from, to)) out.push(Decoration.replace({ widget, block: true }).range(from, to));
    else if (block.kind !== 'table') out.push(Decoration.widget({ widget, block: true, side: 1 }).range(to));
  }
  for (const cell of cells) {
    const hidden = hiddenCode(state, cell, prose.t);
    if (hidden !== null) out.push(hidden);
    const widget = feet.widgetOf(cell);
    if (widget === null) continue;
    const end = state.doc.lineAt(cell.to).to;
    if (cell.output === null || feet.isText(cell) || cell.output.to <= end) {
      out.push(Decoration.widget({ widget, block: true, side: 1 }).range(end));
    } else {
      const range = Decoration.replace({ widget, block: true }).range(end + 1, state.doc.lineAt(cell.output.to).to);
      out.push(range);
      replaced.push(range);
    }
  }
  return { decorations: Decoration.set(out, true), replaced: Decoration.set(replaced, true) };
}

function drawnWidget(source: string, block: DrawnBlock, prose: ProseWidgets): WidgetType {
  if (block.kind === 'table') return prose.table(source);
  const lines = source.split('\n');
  if (block.kind === 'diagram') return prose.diagram(lines.slice(1, -1).join('\n'));
  return prose.math(
    source
      .trim()
      .replace(/^\$\$|\$\$$/g, '')
      .trim(),
    true,
  );
}
