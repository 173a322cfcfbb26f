/**
 * Enter and Backspace in lists and quotes: Enter goes on with the same mark, and ends the list in an empty item;
 * Backspace right after a mark takes the mark away.
 */
import { EditorSelection } from '@codemirror/state';
import type { Command } from '@codemirror/view';

const QUOTES = /^(?:[ \t]*>[ \t]?)*/;
const ITEM = /^([ \t]*)(?:([-*+])|(\d{1,9})([.)]))([ \t]+)(\[[ xX]\][ \t]+)?/;

type Mark = {
  /** What stands before the text of the line: quote marks, indentation, list mark, task box. */
  readonly length: number;
  /** What a line after it starts with. */
  readonly next: string;
  /** What is left of it when the innermost mark goes. */
  readonly outer: string;
};

/** The mark that a line starts with, or null. */
export function markOf(line: string): Mark | null {
  const quotes = QUOTES.exec(line)?.[0] ?? '';
  const item = ITEM.exec(line.slice(quotes.length));
  if (item === null)
    return quotes.trim() === '' ? null : { length: quotes.length, next: quotes, outer: quotes.replace(/>[ \t]?$/, '') };
  const [whole, indent = '', bullet, number, delimiter = '', space = ' ', task] = item;
  const sign = bullet ?? `${Number(number) + 1}${delimiter}`;
  return {
    length: quotes.length + whole.length,
    next: `${quotes}${indent}${sign}${space}${task === undefined ? '' : '[ ] '}`,
    outer: quotes,
  };
}

export const continueMark: Command = (view) => {
  const { state } = view;
  const { main } = state.selection;
  const line = state.doc.lineAt(main.head);
  const mark = markOf(line.text);
  if (state.readOnly || mark === null || !main.empty || main.head < line.from + mark.length) return false;
  const isEmpty = line.text.slice(mark.length).trim() === '';
  const change = isEmpty
    ? { from: line.from, to: line.to, insert: mark.outer }
    : { from: main.head, insert: `\n${mark.next}` };
  view.dispatch({
    changes: change,
    selection: EditorSelection.cursor(change.from + change.insert.length),
    scrollIntoView: true,
    userEvent: isEmpty ? 'delete' : 'input',
  });
  return true;
};

export const deleteMark: Command = (view) => {
  const { state } = view;
  const { main } = state.selection;
  const line = state.doc.lineAt(main.head);
  const mark = markOf(line.text);
  if (state.readOnly || mark === null || !main.empty || main.head !== line.from + mark.length) return false;
  view.dispatch({
    changes: { from: line.from, to: main.head, insert: mark.outer },
    selection: EditorSelection.cursor(line.from + mark.outer.length),
    scrollIntoView: true,
    userEvent: 'delete.backward',
  });
  return true;
};
