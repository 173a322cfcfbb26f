/** The chip of a cell that says where its next run goes, `Runs on: gpu-box ▾`, for who has more than one device. */
import { StateEffect, type Extension, type Range } from '@codemirror/state';
import {
  Decoration,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type EditorView,
  type ViewUpdate,
} from '@codemirror/view';
import type { DeviceId } from '@markco/protocol';
import { feetChanged } from '../blocks.ts';
import type { EditorParts } from '../parts.ts';
import { runnableOf, scanField, scanNow, type CellSpan } from '../scan.ts';
import { cellAt } from './cell-actions.ts';
import { createNextPlaces } from './next-place.ts';
import { pinEdit } from './pin.ts';

const placesChanged = StateEffect.define<null>();

export type PlaceChips = {
  readonly extension: Extension;
  /** Opens the menu of the cell at the cursor. */
  choose(view: EditorView): void;
};

export type PlaceChipParts = Pick<EditorParts, 'places' | 'runs' | 't' | 'notify' | 'open'> & {
  /** Around a change that is to be undone by itself. */
  readonly stopCapturing: () => void;
};

export function createPlaceChips(parts: PlaceChipParts): PlaceChips {
  const { places, runs, t } = parts;
  const next = createNextPlaces(runs);

  const nameOf = (id: DeviceId | null): string => places.devices().find((device) => device.id === id)?.name ?? '';

  function labelOf(cell: CellSpan): string {
    if (cell.options.on !== null) return t('editor.place.always', { device: cell.options.on });
    const name = nameOf(next.of(cell));
    return name === '' ? t('editor.place.open') : t('editor.place.next', { device: name });
  }

  function press(view: EditorView, offset: number): void {
    const cell = cellAt(scanNow(view).cells, offset);
    if (cell !== null) show(view, cell);
  }

  function show(view: EditorView, cell: CellSpan): void {
    const chip = [...view.dom.querySelectorAll<HTMLElement>('.mc-place')].find(
      (one) => cellAt([cell], view.posAtDOM(one)) !== null,
    );
    const at = view.coordsAtPos(view.state.doc.lineAt(cell.from).to);
    const rect = chip?.getBoundingClientRect() ?? new DOMRect(at?.left ?? 0, at?.top ?? 0, 0, 24);
    const { projectId, documentId } = parts.open;
    const now = (): CellSpan | undefined => scanNow(view).cells.find(({ id }) => id === cell.id);
    places.choose({
      what: 'run',
      beside: rect,
      wanted: { projectId, documentId, language: cell.language, code: cell.code },
      pick(deviceId) {
        const known = now();
        if (known === undefined) return;
        if (known.closed) runs.submit({ ...runnableOf(known), on: deviceId });
        else parts.notify(t('editor.cell.unclosed'));
      },
      learn(deviceId) {
        if (cell.options.on === null) next.note(cell, deviceId);
        view.dispatch({ effects: placesChanged.of(null) });
      },
      refocus: () => view.focus(),
      ...(view.state.readOnly || !cell.closed
        ? {}
        : {
            keep: {
              on: cell.options.on,
              set(name) {
                const known = now();
                if (known !== undefined) pin(view, known, name);
              },
            },
          }),
    });
  }

  function pin(view: EditorView, cell: CellSpan, name: string | null): void {
    const { doc } = view.state;
    const fence = doc.lineAt(cell.from);
    const edit = pinEdit(cell.code.split('\n'), cell.language, name);
    if (edit === null) return;
    const isEmpty = doc.lineAt(cell.to).number === fence.number + 1;
    // A cell in a list or a quotation has the marks of what it lies in before each line.
    const before = fence.text.slice(0, cell.from - fence.from).replace(/[^\s>]/g, ' ');
    const line = doc.line(fence.number + 1 + (isEmpty ? 0 : edit.line));
    const text = edit.text === null ? null : before + edit.text;
    parts.stopCapturing();
    view.dispatch({
      changes: edit.replaces
        ? { from: line.from, to: text === null ? line.to + 1 : line.to, insert: text ?? '' }
        : { from: line.from, insert: `${text ?? ''}\n` },
      userEvent: 'input.cell',
    });
    parts.stopCapturing();
    scanNow(view);
  }

  function build(view: EditorView): DecorationSet {
    if (places.devices().length < 2) return Decoration.none;
    const { cells } = view.state.field(scanField);
    next.learn(cells);
    const out: Range<Decoration>[] = [];
    const { from, to } = view.viewport;
    for (const cell of cells) {
      if (cell.to < from || cell.from > to || !cell.closed) continue;
      const widget = new Chip(labelOf(cell), t('editor.place.choose'), press);
      out.push(Decoration.widget({ widget, side: -1 }).range(view.state.doc.lineAt(cell.from).from));
    }
    return Decoration.set(out);
  }

  const plugin = ViewPlugin.define(
    (view) => {
      const facts = (): string =>
        view.state
          .field(scanField)
          .cells.map((cell) => labelOf(cell))
          .join('\n');
      let shown = '';
      const redraw = (): void => {
        next.learn(view.state.field(scanField).cells);
        if (facts() !== shown) view.dispatch({ effects: placesChanged.of(null) });
      };
      const value = {
        decorations: build(view),
        update(update: ViewUpdate) {
          if (isNews(update)) {
            value.decorations = build(update.view);
            shown = facts();
          } else if (update.docChanged) value.decorations = value.decorations.map(update.changes);
        },
        destroy() {
          for (const stop of stops) stop();
        },
      };
      const stops = [
        runs.subscribe(redraw),
        places.subscribe(() => view.dispatch({ effects: placesChanged.of(null) })),
      ];
      shown = facts();
      return value;
    },
    { decorations: (value) => value.decorations },
  );

  return {
    extension: plugin,
    choose(view) {
      const cell = cellAt(scanNow(view).cells, view.state.selection.main.head);
      if (places.devices().length < 2) parts.notify(t('editor.place.only'));
      else if (cell === null) parts.notify(t('editor.cell.none'));
      else show(view, cell);
    },
  };
}

function isNews(update: ViewUpdate): boolean {
  return (
    update.viewportChanged ||
    update.state.field(scanField).version !== update.startState.field(scanField).version ||
    update.transactions.some((tr) => tr.effects.some((effect) => effect.is(feetChanged) || effect.is(placesChanged)))
  );
}

class Chip extends WidgetType {
  readonly label: string;
  readonly title: string;
  readonly onPress: (view: EditorView, offset: number) => void;

  constructor(label: string, title: string, onPress: (view: EditorView, offset: number) => void) {
    super();
    this.label = label;
    this.title = title;
    this.onPress = onPress;
  }

  override eq(other: Chip): boolean {
    return other.label === this.label && other.onPress === this.onPress;
  }

  override toDOM(view: EditorView): HTMLElement {
    const button = view.dom.ownerDocument.createElement('button');
    button.type = 'button';
    button.className = 'mc-place';
    button.title = this.title;
    button.setAttribute('aria-haspopup', 'dialog');
    const label = view.dom.ownerDocument.createElement('span');
    label.textContent = this.label;
    button.append(label);
    button.addEventListener('mousedown', (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
    button.addEventListener('click', () => this.onPress(view, view.posAtDOM(button)));
    return button;
  }

  /** So that the focus stays where it is while another device is told. */
  override updateDOM(dom: HTMLElement): boolean {
    if (dom.firstElementChild !== null) dom.firstElementChild.textContent = this.label;
    return true;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}
