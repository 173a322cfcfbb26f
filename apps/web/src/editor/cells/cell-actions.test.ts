import { EditorState, type TransactionSpec } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { expect, test } from 'vitest';
import { YSyncConfig, ySyncFacet } from 'y-codemirror.next';
import { Awareness } from 'y-protocols/awareness';
import { Doc } from 'yjs';
import { documentLanguage } from '../languages.ts';
import { scanField } from '../scan.ts';
import { createCellActions } from './cell-actions.ts';

type ActionParts = Parameters<typeof createCellActions>[0];

function open(doc: string) {
  const ydoc = new Doc();
  const text = ydoc.getText('content');
  text.insert(0, doc);
  const sync = ySyncFacet.of(new YSyncConfig(text, new Awareness(ydoc)));
  const view = {
    state: EditorState.create({ doc, selection: { anchor: 11 }, extensions: [sync, documentLanguage, scanField] }),
    dispatch(change: TransactionSpec): void {
      view.state = view.state.update(change).state;
    },
  };
  /** The document as it was when each run was submitted. */
  const submitted: string[] = [];
  const actions = createCellActions({
    runs: { submit: () => submitted.push(view.state.doc.toString()) },
    t: (key: string) => key,
    notify: () => undefined,
  } as unknown as ActionParts);
  return { view: view as unknown as EditorView, submitted, actions };
}

const CELL = '```python\n1\n```';

test.each(['next', 'insert'] as const)('a run that adds a cell (%s) waits for it: its version has it', (then) => {
  const { view, submitted, actions } = open(CELL);
  expect(actions.run(view, then)).toBe(true);
  expect(submitted).toEqual([`${CELL}\n\n\`\`\`python\n\n\`\`\``]);
  expect(view.state.doc.toString()).toBe(submitted[0]);
});

test('one that stays, or goes to a cell that is there, adds none; nor does one that cannot be run', () => {
  const two = `${CELL}\n\n${CELL}`;
  for (const then of ['stay', 'next'] as const) {
    const { view, submitted, actions } = open(two);
    actions.run(view, then);
    expect(submitted).toEqual([two]);
    expect(view.state.selection.main.head).toBe(then === 'stay' ? 11 : two.lastIndexOf('1\n'));
  }
  const { view, submitted, actions } = open('```python\n1');
  actions.run(view, 'insert');
  expect([submitted, view.state.doc.toString()]).toEqual([[], '```python\n1']);
});
