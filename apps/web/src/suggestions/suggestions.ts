/**
 * What is suggested for the page in view, followed as it is written, and what its owner does with it. What is accepted is
 * an edit of the page like any other; what is rejected is taken out of the copy. Both are undone one after another, what is
 * accepted also where the page is edited.
 */
import type { Api, Client, OpenDocument } from '@markco/client';
import { Failure, type DocumentId, type ProjectId } from '@markco/protocol';
import { signal, type ReadonlySignal } from '@preact/signals';
import { UndoManager, type Text } from 'yjs';
import { DECISION, type UndoHistory } from '../editor/decision.ts';
import { editOf, suggestedChanges, type Change } from './changes.ts';

/** While somebody writes, it is looked so often. */
const LOOK_MS = 150;
/** What it is called where it can be undone. */
const DECIDED = 'decided';

export type Suggested = { readonly copyId: DocumentId; readonly changes: readonly Change[] };

/** What was done last, and is not undone. */
export type Decision = { readonly kind: 'accepted' | 'rejected'; readonly count: number };

export type Suggestions = {
  /** One for each copy that is there; `undefined` until it is known. */
  readonly copies: ReadonlySignal<readonly Suggested[] | undefined>;
  readonly trouble: ReadonlySignal<string>;
  /** What `undo` takes back. */
  readonly last: ReadonlySignal<Decision | undefined>;
  /** Those that are still as they were shown. */
  accept(of: Suggested, changes: readonly Change[]): void;
  reject(of: Suggested, changes: readonly Change[]): void;
  undo(): void;
  close(): void;
};

type Copy = { readonly base: string; readonly open: OpenDocument; readonly undo: UndoManager };

export type SuggestionsParts = {
  readonly client: Pick<Client, 'openDocument'> & { readonly api: Api };
  readonly page: Pick<OpenDocument, 'text'>;
  /** Of its editor, while it has one. */
  readonly history: () => UndoHistory | undefined;
  readonly projectId: ProjectId;
  readonly documentId: DocumentId;
};

const undoOf = (text: Text): UndoManager =>
  new UndoManager(text, { trackedOrigins: new Set([DECISION]), captureTimeout: 0 });

export function createSuggestions({ client, page, history, projectId, documentId }: SuggestionsParts): Suggestions {
  const copies = signal<readonly Suggested[] | undefined>(undefined);
  const trouble = signal('');
  const last = signal<Decision | undefined>(undefined);
  const known = new Map<DocumentId, Copy>();
  const pageUndo = undoOf(page.text);
  /** What was decided, in its order: each is undone where it was done. */
  let decided: readonly (Decision & { readonly undo: UndoManager })[] = [];
  const histories = new Set<UndoHistory>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const changesOf = ({ base, open }: Copy): readonly Change[] =>
    suggestedChanges(base, page.text.toString(), open.text.toString());
  function look(): void {
    clearTimeout(timer);
    timer = undefined;
    copies.value = Array.from(known, ([copyId, copy]) => ({ copyId, changes: changesOf(copy) }));
  }
  const lookSoon = (): void => void (timer ??= setTimeout(look, LOOK_MS));

  async function begin(): Promise<void> {
    const found = await client.api('suggestions', { params: { id: projectId, documentId } });
    for (const { copyId, base } of found.copies) {
      const open = client.openDocument({ projectId, documentId: copyId });
      await open.ready;
      if (isClosed) return open.close();
      known.set(copyId, { base, open, undo: undoOf(open.text) });
      open.text.observe(lookSoon);
    }
    look();
  }

  /** As they are now: somebody may have written meanwhile. The last in the text first, so that the others stay in place. */
  function still(of: Suggested, wanted: readonly Change[]): readonly Change[] {
    const copy = known.get(of.copyId);
    const names = new Set(wanted.map(nameOf));
    return copy === undefined
      ? []
      : changesOf(copy)
          .filter((change) => names.has(nameOf(change)))
          .toReversed();
  }

  function decide(
    text: Text,
    undo: UndoManager,
    kind: Decision['kind'],
    edits: readonly { readonly from: number; was: string; becomes: string }[],
  ): void {
    if (edits.length === 0) return look();
    const decision = { kind, undo, count: edits.length };
    const editor = kind === 'accepted' ? history() : undefined;
    // Nothing that is typed just before or after is undone with it.
    editor?.stopCapturing();
    text.doc?.transact(() => {
      for (const { from, was, becomes } of edits) {
        const { at, remove, insert } = editOf(was, becomes);
        text.delete(from + at, remove);
        text.insert(from + at, insert);
      }
    }, DECISION);
    editor?.stopCapturing();
    for (const each of [undo, editor]) each?.undoStack.at(-1)?.meta.set(DECIDED, decision);
    if (editor !== undefined && !histories.has(editor)) {
      histories.add(editor);
      editor.on('stack-item-popped', popped);
    }
    decided = [...decided, decision];
    tell();
  }

  function tell(): void {
    last.value = decided.at(-1);
    look();
  }

  /** It was undone in the editor. */
  function popped({ stackItem, type }: { stackItem: UndoHistory['undoStack'][number]; type: 'undo' | 'redo' }): void {
    const decision: unknown = stackItem.meta.get(DECIDED);
    if (type === 'undo' && decision !== undefined) forget(decision, pageUndo);
  }

  /** It can be undone once. */
  function forget(decision: unknown, ...where: readonly UndoHistory[]): void {
    for (const { undoStack } of where) {
      const at = undoStack.findLastIndex(({ meta }) => meta.get(DECIDED) === decision);
      if (at >= 0) undoStack.splice(at, 1);
    }
    decided = decided.filter((each) => each !== decision);
    tell();
  }

  page.text.observe(lookSoon);
  begin().catch((error: unknown) => {
    if (!isClosed) trouble.value = Failure.from(error).message;
  });

  return {
    ...{ copies, trouble, last },
    accept: (of, changes) => decide(page.text, pageUndo, 'accepted', still(of, changes)),
    reject(of, changes) {
      const copy = known.get(of.copyId);
      if (copy === undefined) return;
      const edits = still(of, changes).map(({ copyFrom, becomes, before }) => ({
        from: copyFrom,
        was: becomes,
        becomes: before,
      }));
      decide(copy.open.text, copy.undo, 'rejected', edits);
    },
    undo() {
      const decision = decided.at(-1);
      if (decision === undefined) return;
      decision.undo.undo();
      forget(decision, ...histories);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      page.text.unobserve(lookSoon);
      for (const each of histories) each.off('stack-item-popped', popped);
      pageUndo.destroy();
      for (const { open, undo } of known.values()) {
        open.text.unobserve(lookSoon);
        undo.destroy();
        open.close();
      }
    },
  };
}

const nameOf = ({ was, becomes, before, line }: Change): string => JSON.stringify([was, becomes, before, line]);
