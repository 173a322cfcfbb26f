/**
 * Where a link of a document leads. Pages of the project open here, whether written as a path, as `[[page]]` or by
 * reader title; other addresses open in a window that knows nothing of this one. Only http, https and mailto leave.
 */
import type { Document } from '@markco/protocol';
import { t } from '../i18n/words.ts';
import { absolutePath } from '../document/relative-path.ts';
import type { Router } from '../router/router.ts';
import type { Toasts } from '../ui/toasts.tsx';
import { readerTitle } from '../tree/reader-title.ts';
import { rankItems } from '../ui/rank.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Completion } from '../editor/index.ts';

export type Links = { open(target: string): void; complete(query: string): Promise<readonly Completion[]> };

export type LinkTarget =
  | { readonly kind: 'document'; readonly document: Document; readonly heading: string | undefined }
  | { readonly kind: 'outside'; readonly url: string }
  | { readonly kind: 'none' };

function plain(text: string): string {
  return text
    .toLocaleLowerCase()
    .replace(/^\d+[-_. ]\s*/, '')
    .replace(/[-_\s]+/g, ' ')
    .trim();
}

/** `inOrder`: the documents as the tree shows them, for `[[next]]` and `[[prev]]`. */
export function resolveLink(target: string, from: Document, inOrder: readonly Document[]): LinkTarget {
  if (/^(https?:|mailto:)/i.test(target)) return { kind: 'outside', url: target };
  if (/^[a-z][a-z0-9+.-]*:/i.test(target) || target.startsWith('//')) return { kind: 'none' };
  const hash = target.indexOf('#');
  const heading = hash < 0 ? undefined : target.slice(hash + 1) || undefined;
  const named = (hash < 0 ? target : target.slice(0, hash)).replace(/\|.*$/, '').trim();
  const found = (document: Document | undefined): LinkTarget =>
    document === undefined ? { kind: 'none' } : { kind: 'document', document, heading };
  if (named === '') return found(from);
  const at = inOrder.findIndex((document) => document.id === from.id);
  if (named === 'next') return found(inOrder[at + 1]);
  if (named === 'prev') return found(inOrder[at - 1]);
  if (named === 'home') return found(inOrder[0]);
  const folder = from.path.split('/').slice(0, -1).join('/');
  if (named === 'up')
    return found(inOrder.find((document) => document.path.startsWith(folder === '' ? '' : `${folder}/`)));
  const near = absolutePath(from.path, named);
  const wanted = [near, absolutePath('', named)].flatMap((path) => [path, path.replace(/\.q?md$/, '')]);
  for (const candidate of wanted) {
    const exact = inOrder.find((document) => document.path === candidate);
    if (exact !== undefined) return found(exact);
  }
  const last = plain(near.slice(near.lastIndexOf('/') + 1).replace(/\.q?md$/, ''));
  return found(
    inOrder.find(
      (document) =>
        plain(document.path.slice(document.path.lastIndexOf('/') + 1)) === last || plain(document.title ?? '') === last,
    ),
  );
}

export type LinksParts = {
  readonly workspace: Workspace;
  readonly router: Router;
  readonly toasts: Toasts;
  openOutside(url: string): void;
};

export function createLinks({ workspace, router, toasts, openOutside }: LinksParts): Links {
  return {
    open(target) {
      const from = workspace.document.peek();
      const project = workspace.project.peek();
      if (from === undefined || project === undefined) return;
      const link = resolveLink(target, from, workspace.inOrder.peek());
      if (link.kind === 'outside') openOutside(link.url);
      else if (link.kind === 'none') toasts.say(t('noSuchLink', { target }));
      else
        router.go({
          at: 'document',
          slug: project.slug,
          path: link.document.path,
          ...(link.heading === undefined ? {} : { heading: link.heading }),
        });
    },
    complete(query) {
      const items = workspace.inOrder
        .peek()
        .map((document) => ({ title: readerTitle(document), detail: document.path }));
      return Promise.resolve(
        rankItems(items, query)
          .slice(0, 20)
          .map((item) => ({ label: item.title, insert: item.detail })),
      );
    },
  };
}
