/** What the tree's menu and keys offer for a document or a folder. */
import type { Document } from '@markco/protocol';
import type { TreeNode } from '@markco/protocol/notebook/order';
import { t } from '../i18n/words.ts';
import type { Shell } from '../shell/shell.ts';
import type { MenuItem } from '../ui/menu.tsx';
import { folderOf, join, movesOf } from './moves.ts';

export type TreeCommands = {
  rename(node: TreeNode): void;
  remove(node: TreeNode): void;
  items(node: TreeNode): readonly MenuItem[];
};

/** A link lets nobody make, name or delete documents. */
const forGuests: TreeCommands = { rename: () => undefined, remove: () => undefined, items: () => [] };

/** Asks for the name of a new document in this folder and makes it. */
export function askNewDocument(shell: Pick<Shell, 'view' | 'documents'>, folder: string): void {
  shell.view.overlay.value = {
    kind: 'ask-path',
    title: t('newDocument'),
    hint: t('newDocumentHint'),
    initial: folder === '' ? '' : `${folder}/`,
    submit: t('create'),
    run: (path) => void shell.documents.create(path),
  };
}

/** A folder is there once a page is in it, so it starts with its first page. */
export function askNewFolder(shell: Pick<Shell, 'view' | 'documents'>, folder: string): void {
  shell.view.overlay.value = {
    kind: 'ask-path',
    title: t('newFolder'),
    hint: t('newFolderHint'),
    initial: folder === '' ? '' : `${folder}/`,
    submit: t('create'),
    run: (path) => void shell.documents.create(join(path, '01-index')),
  };
}

export function createTreeCommands(shell: Shell, documents: () => readonly Document[]): TreeCommands {
  if (shell.guest !== undefined) return forGuests;
  const inside = (node: TreeNode): readonly Document[] =>
    documents().filter((document) =>
      node.kind === 'document' ? document.path === node.path : document.path.startsWith(`${node.path}/`),
    );
  const rename = (node: TreeNode): void => {
    shell.view.overlay.value = {
      kind: 'ask-path',
      title: t('renameOrMove'),
      hint: t('renameHint'),
      initial: node.path,
      submit: t('rename'),
      run: (path) =>
        void shell.documents.move(
          movesOf(
            documents().map((document) => document.path),
            node,
            path,
          ),
        ),
    };
  };
  const remove = (node: TreeNode): void => void shell.documents.remove(inside(node));
  return {
    rename,
    remove,
    items: (node) => {
      const folder = node.kind === 'folder' ? node.path : folderOf(node.path);
      return [
        { label: t('newDocument'), danger: false, run: () => askNewDocument(shell, folder) },
        { label: t('newFolder'), danger: false, run: () => askNewFolder(shell, folder) },
        { label: t('renameOrMove'), danger: false, run: () => rename(node) },
        {
          label: node.kind === 'folder' ? t('deleteFolder', { count: inside(node).length }) : t('delete'),
          danger: true,
          run: () => remove(node),
        },
      ];
    },
  };
}
