/**
 * What people do to documents: make, rename, move, delete, restore. Each says what it did and offers to undo it;
 * each failure says what to do and leaves everything as it was or says how far it came.
 */
import { Failure, type Document, type DocumentId, type Moment, type ProjectHere } from '@markco/protocol';
import type { Client } from '@markco/client';
import { t } from '../i18n/words.ts';
import type { Router } from '../router/router.ts';
import { orderMoves, type Move } from '../tree/moves.ts';
import { readerTitle } from '../tree/reader-title.ts';
import type { Toasts } from '../ui/toasts.tsx';
import type { Workspace } from './workspace.ts';

export type DocumentActions = {
  create(path: string, text?: string): Promise<void>;
  /** One rename, or the many that a folder's or a drop is. */
  move(moves: readonly Move[]): Promise<void>;
  remove(documents: readonly Document[]): Promise<void>;
  restore(document: Document, moment: Moment): Promise<void>;
};

export type DocumentActionParts = {
  readonly client: Client;
  readonly workspace: Workspace;
  readonly router: Router;
  readonly toasts: Toasts;
  /** Puts the cursor into a document that was just made. */
  startWriting(document: Document): void;
};

export function createDocumentActions({
  client,
  workspace,
  router,
  toasts,
  startWriting,
}: DocumentActionParts): DocumentActions {
  const warn = (error: unknown): void => toasts.warn(Failure.from(error).message);
  const inProject = async (act: (project: ProjectHere) => Promise<void>): Promise<void> => {
    const project = workspace.project.peek();
    if (project === undefined) return;
    try {
      await act(project);
    } catch (error) {
      warn(error);
    }
  };
  const show = (project: ProjectHere, path: string, how: 'push' | 'replace' = 'push'): void =>
    router.go({ at: 'document', slug: project.slug, path }, how);

  /** Returns what was done, also when a later one failed, so that it can be undone. */
  async function moveAll(
    project: ProjectHere,
    moves: readonly Move[],
  ): Promise<{ readonly done: readonly Move[]; readonly links: number; readonly failure: unknown }> {
    const known = new Map((workspace.documents.peek() ?? []).map((document) => [document.path, document]));
    const done: Move[] = [];
    let links = 0;
    for (const move of orderMoves(moves, new Set(known.keys()))) {
      const document = known.get(move.from);
      if (document === undefined) continue;
      const slow = moves.length > 20 && done.length % 20 === 0;
      if (slow) toasts.say(t('movingStep', { done: done.length, count: moves.length }));
      try {
        const answer = await client.api('moveDocument', {
          params: { id: project.id, documentId: document.id },
          body: { path: move.to },
        });
        const seen = workspace.document.peek()?.id === document.id;
        known.delete(move.from);
        known.set(move.to, answer.document);
        workspace.noteDocuments([answer.document]);
        if (seen) show(project, answer.document.path, 'replace');
        links += answer.updatedLinks;
        done.push(move);
      } catch (failure) {
        return { done, links, failure };
      }
    }
    return { done, links, failure: undefined };
  }

  async function undelete(project: ProjectHere, ids: readonly DocumentId[]): Promise<void> {
    const back = [];
    for (const documentId of ids)
      back.push(await client.api('undeleteDocument', { params: { id: project.id, documentId } }));
    workspace.noteDocuments(back);
    const first = back[0];
    if (first !== undefined) show(project, first.path);
  }

  return {
    create: (path, text) =>
      inProject(async (project) => {
        const made = await client.api('createDocument', {
          params: { id: project.id },
          body: { path, ...(text === undefined ? {} : { text }) },
        });
        workspace.noteDocuments([made]);
        startWriting(made);
        show(project, made.path);
      }),
    move: (moves) =>
      inProject(async (project) => {
        const { done, links, failure } = await moveAll(project, moves);
        if (failure !== undefined) warn(failure);
        if (done.length === 0) return;
        const back = done.toReversed().map(({ from, to }) => ({ from: to, to: from }));
        const undo = (): void => {
          moveAll(project, back).then(
            (undone) => (undone.failure === undefined ? toasts.say(t('undone')) : warn(undone.failure)),
            warn,
          );
        };
        toasts.say(links > 0 ? t('movedWithLinks', { count: links }) : t('moved', { count: done.length }), {
          label: t('undo'),
          run: undo,
        });
      }),
    remove: (documents) =>
      inProject(async (project) => {
        const ids: DocumentId[] = [];
        try {
          for (const document of documents) {
            await client.api('deleteDocument', { params: { id: project.id, documentId: document.id } });
            ids.push(document.id);
          }
        } finally {
          if (ids.length > 0) {
            const seen = workspace.document.peek();
            workspace.forgetDocuments(ids);
            if (seen !== undefined && ids.includes(seen.id))
              router.go({ at: 'project', slug: project.slug }, 'replace');
            const name = documents[0] === undefined ? '' : readerTitle(documents[0]);
            const text = ids.length === 1 ? t('deletedOne', { name }) : t('deletedMany', { count: ids.length });
            toasts.say(text, { label: t('undo'), run: () => void undelete(project, ids).catch(warn) });
          }
        }
      }),
    restore: (document, moment) =>
      inProject(async (project) => {
        const params = { id: project.id, documentId: document.id };
        const before = await client.api('history', { params });
        await client.api('historyRestore', { params: { ...params, seq: String(moment.seq) } });
        const undo = (): void => {
          client
            .api('historyRestore', { params: { ...params, seq: String(before.seq) } })
            .then(() => toasts.say(t('undone')), warn);
        };
        toasts.say(t('restored'), { label: t('undo'), run: undo });
      }),
  };
}
