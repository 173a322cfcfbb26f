/** The documents of a project as an ARIA tree: one tab stop, arrows inside, a menu on each row, rows that can be dragged. */
import type { Document } from '@markco/protocol';
import type { TreeNode } from '@markco/protocol/notebook/order';
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Icon } from '../ui/icon.tsx';
import { Menu, type MenuPlace } from '../ui/menu.tsx';
import { planDrop, type Drop } from './moves.ts';
import { foldersOf, treeKey, visibleRows, type Row } from './rows.ts';
import { createTreeCommands } from './tree-commands.ts';

type DropMark = { readonly path: string; readonly where: 'before' | 'after' | 'into' };

function dropOf(rows: readonly Row[], mark: DropMark): Drop {
  const row = rows.find((candidate) => candidate.node.path === mark.path);
  if (row === undefined) return { folder: '', before: undefined };
  if (mark.where === 'into') return { folder: row.node.path, before: 'anywhere' };
  const folder = row.parent ?? '';
  if (mark.where === 'before') return { folder, before: row.node.path };
  return {
    folder,
    before: rows.find((other) => other.parent === row.parent && other.position === row.position + 1)?.node.path,
  };
}

export function Tree({ documents }: { readonly documents: readonly Document[] }) {
  const shell = useShell();
  const { workspace, view, router } = shell;
  const open = useSignal<ReadonlySet<string>>(new Set());
  const focused = useSignal('');
  const menu = useSignal<{ readonly node: TreeNode; readonly place: MenuPlace } | undefined>(undefined);
  const dragged = useSignal<TreeNode | undefined>(undefined);
  const mark = useSignal<DropMark | undefined>(undefined);
  const list = useRef<HTMLUListElement>(null);

  const byPath = useComputed(
    () => new Map((workspace.documents.value ?? []).map((document) => [document.path, document])),
  );
  const rows = useComputed(() => visibleRows(workspace.tree.value, open.value));
  const current = workspace.document.value?.path;
  useEffect(() => {
    if (current === undefined) return;
    open.value = new Set([...open.peek(), ...foldersOf(current)]);
    focused.value = current;
  }, [current]);

  const labelOf = (node: TreeNode): string => {
    const document = node.kind === 'document' ? byPath.value.get(node.path) : undefined;
    if (view.fileNames.value)
      return document === undefined ? node.name : node.name + (node.name.endsWith(document.ext) ? '' : document.ext);
    return node.label;
  };
  const toggle = (path: string): void => {
    const next = new Set(open.peek());
    if (!next.delete(path)) next.add(path);
    open.value = next;
  };
  const pick = (node: TreeNode): void => {
    focused.value = node.path;
    if (node.kind === 'folder') return toggle(node.path);
    const project = workspace.project.peek();
    if (project !== undefined) router.go({ at: 'document', slug: project.slug, path: node.path });
    if (view.narrow.peek()) view.sidebar.value = false;
  };
  const focusRow = (path: string): void => {
    focused.value = path;
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`)?.focus());
  };
  const commands = createTreeCommands(shell, () => documents);
  const openMenu = (node: TreeNode, place: MenuPlace): void => {
    focused.value = node.path;
    if (commands.items(node).length > 0) menu.value = { node, place };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = rows.value.find((row) => row.node.path === focused.value)?.node;
    if (node !== undefined && (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10'))) {
      const box = list.current?.querySelector(`[data-path="${CSS.escape(node.path)}"]`)?.getBoundingClientRect();
      openMenu(node, { x: (box?.left ?? 0) + 24, y: box?.bottom ?? 0 });
    } else if (node !== undefined && event.key === 'F2') commands.rename(node);
    else if (node !== undefined && event.key === 'Delete') commands.remove(node);
    else {
      const done = treeKey(rows.value, focused.value, event.key, labelOf);
      if (done === undefined) return;
      if ('focus' in done) focusRow(done.focus);
      else if ('toggle' in done) toggle(done.toggle);
      else if (node !== undefined) pick(node);
    }
    event.preventDefault();
  };
  const onDragOver = (event: DragEvent, row: Row): void => {
    if (dragged.value === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const part = (event.clientY - box.top) / box.height;
    const where = row.node.kind === 'folder' && part > 0.25 && part < 0.75 ? 'into' : part < 0.5 ? 'before' : 'after';
    if (mark.value?.path !== row.node.path || mark.value.where !== where) mark.value = { path: row.node.path, where };
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    const node = dragged.value;
    const target = mark.value;
    dragged.value = undefined;
    mark.value = undefined;
    if (node === undefined || target === undefined || target.path === node.path) return;
    const moves = planDrop(workspace.tree.value, [...byPath.value.keys()], node, dropOf(rows.value, target));
    if (moves === undefined) shell.toasts.warn(t('cannotDrop', { name: labelOf(node) }));
    else if (moves.length > 0) void shell.documents.move(moves);
  };

  const tabStop = rows.value.some((row) => row.node.path === focused.value) ? focused.value : rows.value[0]?.node.path;
  return (
    <>
      <ul
        ref={list}
        class="tree"
        role="tree"
        aria-label={t('documents')}
        onKeyDown={onKeyDown}
        onDrop={onDrop}
        onDragEnd={() => {
          dragged.value = undefined;
          mark.value = undefined;
        }}
      >
        {rows.value.map((row) => {
          const { node } = row;
          const marked = mark.value?.path === node.path ? ` drop-${mark.value.where}` : '';
          return (
            <li
              key={node.path}
              role="treeitem"
              class={`tree-row${node.hidden ? ' hidden-name' : ''}${node.path === current ? ' current' : ''}${marked}`}
              style={{ '--level': row.level }}
              data-path={node.path}
              title={node.path}
              tabIndex={node.path === tabStop ? 0 : -1}
              aria-level={row.level}
              aria-posinset={row.position}
              aria-setsize={row.siblings}
              aria-selected={node.path === current}
              {...(node.kind === 'folder' ? { 'aria-expanded': row.open } : {})}
              draggable
              onDragStart={(event) => {
                dragged.value = node;
                event.dataTransfer?.setData('text/plain', node.path);
              }}
              onDragOver={(event) => onDragOver(event, row)}
              onClick={() => pick(node)}
              onFocus={() => (focused.value = node.path)}
              onContextMenu={(event) => {
                event.preventDefault();
                openMenu(node, { x: event.clientX, y: event.clientY });
              }}
            >
              <span class={`tree-mark${row.open ? ' open' : ''}`}>
                {node.kind === 'folder' && <Icon name="chevron" />}
              </span>
              <span class="tree-label">{labelOf(node)}</span>
            </li>
          );
        })}
      </ul>
      {menu.value !== undefined && (
        <Menu
          key={menu.value.node.path}
          label={labelOf(menu.value.node)}
          place={menu.value.place}
          items={commands.items(menu.value.node)}
          close={() => (menu.value = undefined)}
        />
      )}
    </>
  );
}
