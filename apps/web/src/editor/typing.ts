/** What single keys do in text and in cells, where the defaults of the editor would surprise. */
import { indentLess, indentMore, insertNewlineAndIndent } from '@codemirror/commands';
import { syntaxTree } from '@codemirror/language';
import { EditorSelection, type EditorState } from '@codemirror/state';
import type { Command, EditorView, KeyBinding } from '@codemirror/view';
import type { SyntaxNode } from '@lezer/common';
import { continueMark, deleteMark } from './lists.ts';
import { scanField } from './scan.ts';

/** The fenced code an offset is in. */
export function fenceAround(state: EditorState, offset: number): SyntaxNode | null {
  for (let node: SyntaxNode | null = syntaxTree(state).resolve(offset, -1); node !== null; node = node.parent) {
    if (node.name === 'FencedCode') return node;
  }
  return null;
}

/** Whether an offset is between the fences of fenced code. */
export function isInCode(state: EditorState, offset: number): boolean {
  const fence = fenceAround(state, offset);
  return fence !== null && offset > state.doc.lineAt(fence.from).to;
}

const OPENING_FENCE = /^(\s*)(`{3,}|~{3,})\s*[\w{][^`]*$/;

/** Enter after an opening fence writes the closing one: the text below never turns into code for a moment. */
const closeFence: Command = (view) => {
  const { state } = view;
  const { main } = state.selection;
  const line = state.doc.lineAt(main.head);
  const opening = OPENING_FENCE.exec(line.text);
  if (!main.empty || main.head !== line.to || opening === null || state.readOnly) return false;
  const fence = fenceAround(state, line.to);
  if (fence !== null && state.doc.lineAt(fence.from).from !== line.from) return false;
  const marks = fence?.getChildren('CodeMark') ?? [];
  const closing = marks.length > 1 ? marks[marks.length - 1] : undefined;
  // A closing fence further down is this one's, unless another fence opens between: then it is that one's.
  if (closing !== undefined && !/^\s*(?:`{3,}|~{3,})\s*[\w{]/m.test(state.sliceDoc(line.to + 1, closing.from)))
    return false;
  const [, indent = '', mark = ''] = opening;
  view.dispatch({
    changes: { from: line.to, insert: `\n${indent}\n${indent}${mark}` },
    selection: EditorSelection.cursor(line.to + 1 + indent.length),
    scrollIntoView: true,
    userEvent: 'input',
  });
  return true;
};

const enter: Command = (view) => {
  if (closeFence(view)) return true;
  if (!isInCode(view.state, view.state.selection.main.head) && continueMark(view)) return true;
  return insertNewlineAndIndent(view);
};

/** Tab indents code and list items. Elsewhere it does what it does on every page: it goes on. */
const tab: Command = (view) => {
  const { head, empty } = view.state.selection.main;
  if (isInCode(view.state, head)) {
    if (!empty) return indentMore(view);
    const line = view.state.doc.lineAt(head);
    const width = 4 - ((head - line.from) % 4);
    view.dispatch(view.state.replaceSelection(' '.repeat(width)), { userEvent: 'input.indent', scrollIntoView: true });
    return true;
  }
  return /^\s*(?:[-*+]|\d+[.)])\s/.test(view.state.doc.lineAt(head).text) ? indentMore(view) : false;
};

const shiftTab: Command = (view) => {
  const { head } = view.state.selection.main;
  const indented = /^\s/.test(view.state.doc.lineAt(head).text);
  return indented ? indentLess(view) : false;
};

/** Deleting next to an output goes into the cell instead of taking the output away. */
function guardOutput(direction: 'backward' | 'forward'): Command {
  return (view) => {
    const { main } = view.state.selection;
    if (!main.empty) return false;
    const at = main.head;
    const cell = view.state.field(scanField).cells.find((candidate) => {
      const { output } = candidate;
      if (output === null) return false;
      return direction === 'backward'
        ? at === output.to + 1 || at === output.to
        : at >= candidate.to && at <= output.from;
    });
    if (cell === undefined) return false;
    view.dispatch({
      selection: EditorSelection.cursor(direction === 'backward' ? cell.codeTo : (cell.output?.to ?? cell.to)),
      scrollIntoView: true,
    });
    return true;
  };
}

/** Wraps what is selected in a mark, or takes the mark away. */
export function toggleMark(view: EditorView, mark: string): boolean {
  if (view.state.readOnly) return false;
  view.dispatch(
    view.state.changeByRange((range) => {
      const { from, to } = range;
      const text = view.state.sliceDoc(from - mark.length, to + mark.length);
      if (
        from >= mark.length &&
        text.startsWith(mark) &&
        text.endsWith(mark) &&
        text.length === to - from + 2 * mark.length
      ) {
        return {
          changes: [
            { from: from - mark.length, to: from },
            { from: to, to: to + mark.length },
          ],
          range: EditorSelection.range(from - mark.length, to - mark.length),
        };
      }
      return {
        changes: [
          { from, insert: mark },
          { from: to, insert: mark },
        ],
        range: EditorSelection.range(from + mark.length, to + mark.length),
      };
    }),
    { userEvent: 'input.mark', scrollIntoView: true },
  );
  return true;
}

export const typingKeys: readonly KeyBinding[] = [
  { key: 'Enter', run: enter },
  { key: 'Tab', run: tab, shift: shiftTab },
  { key: 'Backspace', run: guardOutput('backward') },
  { key: 'Backspace', run: (view) => !isInCode(view.state, view.state.selection.main.head) && deleteMark(view) },
  { key: 'Delete', run: guardOutput('forward') },
];
