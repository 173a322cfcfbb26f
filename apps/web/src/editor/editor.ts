/**
 * The editor of one document: a CodeMirror view bound to the document's Yjs text.
 *
 * 1. The view is the only holder of an editor state of its document: a state without its view would drift.
 * 2. Typing never waits: what is costly is mapped on a keystroke and done again when typing pauses.
 * 3. Undo takes back what was typed here, never what came from elsewhere.
 */
import { closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, toggleComment } from '@codemirror/commands';
import { bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from '@codemirror/search';
import { EditorSelection, EditorState, Prec, type Extension } from '@codemirror/state';
import { drawSelection, dropCursor, EditorView, keymap, placeholder } from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import { yCollab } from 'y-codemirror.next';
import { UndoManager } from 'yjs';
import { blocks } from './blocks.ts';
import { cellAt, createCellActions } from './cells/cell-actions.ts';
import { commandMode } from './cells/command-mode.ts';
import { createFeet } from './cells/feet.ts';
import { createPlaceChips } from './cells/place-chips.ts';
import { runButtons } from './cells/run-button.ts';
import { createEditorCommands } from './commands.ts';
import { completions } from './completions.ts';
import { DECISION } from './decision.ts';
import { documentLanguage } from './languages.ts';
import { inspectAtCaret, liveHover } from './live-hover.ts';
import type { EditorHandle, EditorParts, Translate } from './parts.ts';
import { pasting } from './pasting.ts';
import { following } from './prose/following.ts';
import { livePreview } from './prose/live-preview.ts';
import { createProseWidgets } from './prose/widgets.ts';
import { restingCaret } from './resting-caret.ts';
import { reveal } from './reveal.ts';
import { scanField, scanNow, scanning } from './scan.ts';
import { typingKeys } from './typing.ts';
import './editor.css';
import './prose.css';
import './output.css';
import './places.css';

/** Keystrokes closer than this are undone together. */
const UNDO_GROUP_MS = 500;

export function createEditor(parts: EditorParts): EditorHandle {
  const { open, t } = parts;
  const undoManager = new UndoManager(open.text, {
    captureTimeout: UNDO_GROUP_MS,
    trackedOrigins: new Set([null, DECISION]),
  });
  const prose = createProseWidgets(parts);
  const feet = createFeet(parts);
  const chips = createPlaceChips({ ...parts, stopCapturing: () => undoManager.stopCapturing() });
  const actions = createCellActions(parts);
  const commands = createEditorCommands({
    actions,
    undo: () => void undoManager.undo(),
    redo: () => void undoManager.redo(),
    clearOutput: (cellId) => feet.clear(cellId),
    inspect: () => void inspectAtCaret(view, parts),
    choosePlace: () => chips.choose(view),
    view: () => view,
  });

  const extensions: Extension = [
    EditorState.lineSeparator.of('\n'),
    EditorState.allowMultipleSelections.of(true),
    EditorState.phrases.of(searchPhrases(t)),
    EditorState.readOnly.of(parts.readOnly === true),
    EditorView.editable.of(parts.readOnly !== true),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      'aria-label': t('editor.label'),
      spellcheck: 'true',
      autocapitalize: 'sentences',
      autocorrect: 'on',
    }),
    indentUnit.of('    '),
    yCollab(open.text, open.awareness, { undoManager }),
    documentLanguage,
    syntaxHighlighting(classHighlighter),
    bracketMatching(),
    closeBrackets(),
    completions(parts.links, parts.live),
    liveHover(parts),
    drawSelection({ drawRangeCursor: false, cursorBlinkRate: 0 }),
    restingCaret(),
    dropCursor(),
    highlightSelectionMatches({ minSelectionLength: 3, wholeWords: true }),
    search({ top: true }),
    placeholder(t('editor.placeholder')),
    reveal(),
    scanning((scan) => parts.onOutline(scan.headings)),
    livePreview(prose),
    blocks(prose, feet),
    feet.extension,
    parts.offersRuns === false
      ? []
      : [chips.extension, runButtons({ t, onPress: (target, offset) => actions.press(target, offset) })],
    commandMode({ t, announce: parts.announce, now: parts.now, actions, undo: () => void undoManager.undo() }),
    following(parts.links),
    pasting(parts),
    Prec.high(
      keymap.of([
        ...commands.flatMap(({ key, run }) =>
          key === '' || key.includes(' ') ? [] : [{ key, preventDefault: true, run: () => (run(), true) }],
        ),
        { key: 'Mod-y', run: () => (undoManager.redo(), true), preventDefault: true },
        { key: 'Mod-s', run: () => (parts.onSave(), true), preventDefault: true },
        { key: 'Shift-Enter', run: (target) => actions.run(target, 'next') },
      ]),
    ),
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...typingKeys,
      { key: 'Mod-/', run: toggleComment },
      ...searchKeymap.filter(({ key }) => key !== 'Mod-Alt-g' && key !== 'Alt-g'),
      ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter' && key !== 'Mod-/'),
    ]),
    EditorView.updateListener.of((update) => {
      if (!update.selectionSet && !update.docChanged) return;
      const { main } = update.state.selection;
      parts.onCursor?.(main.head, main.to - main.from);
    }),
  ];

  const view = new EditorView({
    parent: parts.parent,
    state: EditorState.create({
      doc: open.text.toString(),
      extensions: [extensions, EditorView.editorAttributes.of({ class: 'mc-editor' })],
    }),
  });

  const scrollTo = (offset: number): void => {
    const at = Math.min(Math.max(0, offset), view.state.doc.length);
    view.dispatch({
      selection: EditorSelection.cursor(at),
      effects: EditorView.scrollIntoView(at, { y: 'start', yMargin: 60 }),
    });
  };

  return {
    view,
    commands,
    history: undoManager,
    focus: () => view.focus(),
    runCell() {
      const cell = cellAt(scanNow(view).cells, view.state.selection.main.head);
      if (actions.run(view, 'stay') && cell !== null) feet.follow(cell.id);
    },
    runAll: () => void actions.runMany(view, 'all'),
    runAbove: () => void actions.runMany(view, 'above'),
    runBelow: () => void actions.runMany(view, 'below'),
    interrupt: () => void actions.interrupt(view),
    places() {
      const { cells } = view.state.field(scanField);
      const here = cellAt(cells, view.state.selection.main.head);
      const all = [...(here === null ? [] : [here]), ...cells].map(({ language, options: { on } }) => ({
        language,
        on,
      }));
      return [...new Map(all.map((place) => [`${place.language} ${place.on ?? ''}`, place])).values()];
    },
    goTo(offset) {
      scrollTo(offset);
      view.focus();
    },
    find: () => void openSearchPanel(view),
    destroy() {
      view.destroy();
      undoManager.destroy();
    },
  };
}

/** The words of CodeMirror's find panel, in ours. */
function searchPhrases(t: Translate): Record<string, string> {
  return {
    Find: t('editor.find.find'),
    Replace: t('editor.find.replace'),
    next: t('editor.find.next'),
    previous: t('editor.find.previous'),
    all: t('editor.find.all'),
    'match case': t('editor.find.case'),
    regexp: t('editor.find.regexp'),
    'by word': t('editor.find.word'),
    replace: t('editor.find.replaceOne'),
    'replace all': t('editor.find.replaceAll'),
    close: t('editor.find.close'),
    'current match': t('editor.find.current'),
    'replaced $ matches': t('editor.find.replaced'),
    'replaced match on line $': t('editor.find.replacedOne'),
    'on line': t('editor.find.onLine'),
  };
}
