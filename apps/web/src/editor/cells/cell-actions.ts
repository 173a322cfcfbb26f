/**
 * What can be done with cells: run them, walk between them, add, delete and turn them into text and back.
 * Every action first looks at the document as it is now (`scanNow`).
 */
import { closeCompletion } from '@codemirror/autocomplete';
import { EditorSelection, type ChangeSpec } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type { EditorParts } from '../parts.ts';
import { isActive } from '../runs.ts';
import { runnableOf, scanNow, type CellSpan } from '../scan.ts';

export type CellActions = {
  /** Runs the cell at the cursor, then stays, goes to the next (a new one at the end), or inserts one below. */
  run(view: EditorView, then: 'stay' | 'next' | 'insert'): boolean;
  runMany(view: EditorView, which: 'all' | 'above' | 'below'): boolean;
  /** Runs the cell at an offset, or stops it when it runs. */
  press(view: EditorView, offset: number): void;
  /** Stops the cell at the cursor when it runs, else every cell of the document that does. */
  interrupt(view: EditorView): boolean;
  restart(view: EditorView): boolean;
  restartAndRunAll(view: EditorView): boolean;
  move(view: EditorView, by: 1 | -1): boolean;
  insert(view: EditorView, where: 'above' | 'below'): boolean;
  remove(view: EditorView): boolean;
  toText(view: EditorView): boolean;
  toCell(view: EditorView): boolean;
};

/** The cell an offset is in: its fences and its output count. */
export function cellAt(cells: readonly CellSpan[], offset: number): CellSpan | null {
  return cells.find((cell) => cell.from <= offset && offset <= endOf(cell)) ?? null;
}

const endOf = (cell: CellSpan): number => cell.output?.to ?? cell.to;

export function createCellActions(parts: Pick<EditorParts, 'runs' | 't' | 'notify' | 'confirm'>): CellActions {
  const { runs, t } = parts;
  const head = (view: EditorView): number => view.state.selection.main.head;
  const current = (view: EditorView): CellSpan | null => cellAt(scanNow(view).cells, head(view));

  function submit(cell: CellSpan): boolean {
    if (!cell.closed) {
      parts.notify(t('editor.cell.unclosed'));
      return false;
    }
    runs.submit(runnableOf(cell));
    return true;
  }

  function enter(view: EditorView, cell: CellSpan): void {
    view.dispatch({
      selection: EditorSelection.cursor(Math.min(cell.codeFrom, view.state.doc.length)),
      scrollIntoView: true,
      userEvent: 'select.cell',
    });
  }

  function change(view: EditorView, changes: ChangeSpec, cursor: number): boolean {
    if (view.state.readOnly) return false;
    view.dispatch({
      changes,
      selection: EditorSelection.cursor(cursor),
      scrollIntoView: true,
      userEvent: 'input.cell',
    });
    scanNow(view);
    return true;
  }

  /** Puts a new cell at an offset between blocks, with blank lines around it and the cursor in it. */
  function insertAt(view: EditorView, offset: number, language: string, where: 'above' | 'below'): boolean {
    const { doc } = view.state;
    const rest = doc.sliceString(offset, offset + 2);
    const fence = `\`\`\`${language}\n\n\`\`\``;
    const insert =
      where === 'below' ? `\n\n${fence}${rest.startsWith('\n\n') || rest === '' ? '' : '\n'}` : `${fence}\n\n`;
    return change(view, { from: offset, insert }, offset + insert.indexOf(fence) + language.length + 4);
  }

  function insertBeside(view: EditorView, where: 'above' | 'below'): boolean {
    const cell = current(view);
    if (cell === null) {
      const line = view.state.doc.lineAt(head(view));
      return insertAt(
        view,
        where === 'below' ? line.to : line.from,
        scanNow(view).cells[0]?.language ?? 'python',
        where,
      );
    }
    return insertAt(
      view,
      where === 'below' ? endOf(cell) : view.state.doc.lineAt(cell.from).from,
      cell.language,
      where,
    );
  }

  function runMany(view: EditorView, which: 'all' | 'above' | 'below'): boolean {
    const at = head(view);
    for (const cell of scanNow(view).cells) {
      if (which === 'above' && endOf(cell) >= at) continue;
      if (which === 'below' && endOf(cell) < at) continue;
      if (cell.options.eval && cell.closed) submit(cell);
    }
    return true;
  }

  function restart(then: () => void): void {
    parts
      .confirm(t('editor.restart.ask'))
      .then(async (yes) => {
        if (!yes) return;
        await runs.restart();
        parts.notify(t('editor.restart.done'));
        then();
      })
      .catch((error: unknown) => parts.notify(error instanceof Error ? error.message : String(error)));
  }

  return {
    run(view, then) {
      // What was offered while it was typed would lie over what comes.
      closeCompletion(view);
      const { cells } = scanNow(view);
      const cell = cellAt(cells, head(view));
      if (cell === null) {
        const next = cells.find((candidate) => candidate.from > head(view));
        if (then !== 'next' || next === undefined) {
          if (then === 'next') return false;
          parts.notify(t('editor.cell.none'));
          return true;
        }
        enter(view, next);
        return true;
      }
      const next = then === 'next' ? cells[cells.indexOf(cell) + 1] : undefined;
      // First the new cell, then the run, which waits for it: what two write behind a cell at once comes in any order.
      if (then !== 'stay' && next === undefined && cell.closed) insertAt(view, endOf(cell), cell.language, 'below');
      if (submit(cell) && next !== undefined) enter(view, next);
      return true;
    },
    runMany,
    press(view, offset) {
      const cell = scanNow(view).cells.find(
        (candidate) => view.state.doc.lineAt(candidate.from).from === view.state.doc.lineAt(offset).from,
      );
      if (cell === undefined) return;
      const run = runs.stateOf(cell.id);
      if (run !== null && isActive(run)) runs.interrupt(cell.id);
      else submit(cell);
    },
    interrupt(view) {
      const cell = current(view);
      const run = cell === null ? null : runs.stateOf(cell.id);
      if (cell !== null && run !== null && isActive(run)) runs.interrupt(cell.id);
      else for (const cellId of runs.active()) runs.interrupt(cellId);
      return true;
    },
    restart() {
      restart(() => undefined);
      return true;
    },
    restartAndRunAll(view) {
      restart(() => runMany(view, 'all'));
      return true;
    },
    move(view, by) {
      const { cells } = scanNow(view);
      const at = head(view);
      const inside = cellAt(cells, at);
      const next =
        inside !== null
          ? cells[cells.indexOf(inside) + by]
          : by === 1
            ? cells.find((cell) => cell.from > at)
            : cells.findLast((cell) => endOf(cell) < at);
      if (next !== undefined) enter(view, next);
      return true;
    },
    insert: insertBeside,
    remove(view) {
      const cell = current(view);
      if (cell === null) return false;
      const { doc } = view.state;
      const { from } = doc.lineAt(cell.from);
      const end = doc.lineAt(endOf(cell)).to;
      const blank = /^\n{0,2}/.exec(doc.sliceString(end, end + 2))?.[0].length ?? 0;
      const { cells } = scanNow(view);
      const next = cells[cells.indexOf(cell) + 1];
      const removed = end + blank - from;
      return change(view, { from, to: end + blank }, next === undefined ? from : next.codeFrom - removed);
    },
    toText(view) {
      const cell = current(view);
      if (cell === null) return false;
      const { from } = view.state.doc.lineAt(cell.from);
      return change(view, { from, to: endOf(cell), insert: cell.code }, from);
    },
    toCell(view) {
      if (current(view) !== null) return false;
      const { doc } = view.state;
      let first = doc.lineAt(head(view));
      let last = first;
      while (first.number > 1 && first.text.trim() !== '' && doc.line(first.number - 1).text.trim() !== '')
        first = doc.line(first.number - 1);
      while (last.number < doc.lines && last.text.trim() !== '' && doc.line(last.number + 1).text.trim() !== '')
        last = doc.line(last.number + 1);
      const language = scanNow(view).cells[0]?.language ?? 'python';
      const text = doc.sliceString(first.from, last.to);
      if (text.includes('```')) return false;
      const before = first.number > 1 && doc.line(first.number - 1).text.trim() !== '' ? '\n' : '';
      return change(
        view,
        { from: first.from, to: last.to, insert: `${before}\`\`\`${language}\n${text}\n\`\`\`` },
        first.from + before.length + language.length + 4,
      );
    },
  };
}
