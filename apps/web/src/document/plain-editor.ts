import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { markdown } from '@codemirror/lang-markdown';
import { defaultKeymap } from '@codemirror/commands';
import { yCollab } from 'y-codemirror.next';
import type { EditorHandle, EditorParts } from '../editor/parts.ts';

export function createEditor(parts: EditorParts): EditorHandle {
  const view = new EditorView({ parent: parts.parent, state: EditorState.create({ doc: parts.open.text.toString(), extensions: [markdown(), EditorView.lineWrapping, keymap.of(defaultKeymap), yCollab(parts.open.text, parts.open.awareness)] }) });
  const none = (): void => undefined;
  let at = 0;
  parts.onOutline(parts.open.text.toString().split('\n').flatMap((line) => { const from = at; at += line.length + 1; const m = /^(#+) (.*)/.exec(line); return m ? [{ level: m[1]!.length, text: m[2]!, slug: m[2]!, from }] : []; }));
  return { view, commands: [], focus: () => view.focus(), runCell: none, runAll: none, runAbove: none, runBelow: none, interrupt: none, find: none, destroy: () => view.destroy(), goTo: (offset) => view.dispatch({ selection: { anchor: offset }, scrollIntoView: true }) };
}
