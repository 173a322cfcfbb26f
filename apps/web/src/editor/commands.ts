/** Every command of the editor with its key, for the palette, the shortcut sheet and the keymap alike. */
import { toggleComment } from '@codemirror/commands';
import { openSearchPanel } from '@codemirror/search';
import type { EditorView } from '@codemirror/view';
import { cellAt, type CellActions } from './cells/cell-actions.ts';
import type { EditorCommand } from './parts.ts';
import { scanNow } from './scan.ts';
import { toggleMark } from './typing.ts';

export type CommandParts = {
  readonly actions: CellActions;
  readonly undo: () => void;
  readonly redo: () => void;
  readonly inspect: () => void;
  readonly choosePlace: () => void;
  readonly clearOutput: (cellId: string) => void;
  readonly view: () => EditorView;
};

export function createEditorCommands({
  actions,
  undo,
  redo,
  inspect,
  choosePlace,
  clearOutput,
  view,
}: CommandParts): readonly EditorCommand[] {
  return [
    // Shift-Enter also means "new line" where there is no cell: the editor binds it itself.
    { id: 'run-next', title: 'editor.command.runNext', key: '', run: () => actions.run(view(), 'next') },
    { id: 'run-cell', title: 'editor.command.runStay', key: 'Mod-Enter', run: () => actions.run(view(), 'stay') },
    { id: 'run-insert', title: 'editor.command.runInsert', key: 'Alt-Enter', run: () => actions.run(view(), 'insert') },
    {
      id: 'run-all',
      title: 'editor.command.runAll',
      key: 'Mod-Shift-Enter',
      run: () => actions.runMany(view(), 'all'),
    },
    { id: 'run-above', title: 'editor.command.runAbove', key: '', run: () => actions.runMany(view(), 'above') },
    { id: 'run-below', title: 'editor.command.runBelow', key: '', run: () => actions.runMany(view(), 'below') },
    { id: 'choose-place', title: 'editor.command.choosePlace', key: 'Mod-Alt-Enter', run: choosePlace },
    { id: 'interrupt', title: 'editor.command.interrupt', key: 'i i', run: () => actions.interrupt(view()) },
    { id: 'restart', title: 'editor.command.restart', key: '0 0', run: () => actions.restart(view()) },
    {
      id: 'restart-run-all',
      title: 'editor.command.restartRunAll',
      key: '',
      run: () => actions.restartAndRunAll(view()),
    },
    { id: 'inspect', title: 'editor.command.inspect', key: 'Alt-F1', run: inspect },
    { id: 'cell-above', title: 'editor.command.insertAbove', key: '', run: () => actions.insert(view(), 'above') },
    { id: 'cell-below', title: 'editor.command.insertBelow', key: '', run: () => actions.insert(view(), 'below') },
    { id: 'cell-delete', title: 'editor.command.deleteCell', key: '', run: () => actions.remove(view()) },
    { id: 'cell-to-text', title: 'editor.command.toText', key: '', run: () => actions.toText(view()) },
    { id: 'text-to-cell', title: 'editor.command.toCell', key: '', run: () => actions.toCell(view()) },
    {
      id: 'clear-output',
      title: 'editor.command.clearOutput',
      key: '',
      run: () => {
        const cell = cellAt(scanNow(view()).cells, view().state.selection.main.head);
        if (cell !== null) clearOutput(cell.id);
      },
    },
    { id: 'bold', title: 'editor.command.bold', key: '', run: () => toggleMark(view(), '**') },
    { id: 'italic', title: 'editor.command.italic', key: 'Mod-i', run: () => toggleMark(view(), '*') },
    { id: 'code', title: 'editor.command.code', key: 'Mod-e', run: () => toggleMark(view(), '`') },
    { id: 'undo', title: 'editor.command.undo', key: 'Mod-z', run: undo },
    { id: 'redo', title: 'editor.command.redo', key: 'Mod-Shift-z', run: redo },
    { id: 'comment', title: 'editor.command.comment', key: 'Mod-/', run: () => toggleComment(view()) },
    { id: 'find', title: 'editor.command.find', key: 'Mod-f', run: () => openSearchPanel(view()) },
  ];
}
