/**
 * Where the page goes by itself: home leads to the last project, a project to its last document or its first page.
 * The last places are kept, so that the page opens where one left.
 */
import { effect } from '@preact/signals';
import * as z from 'zod/mini';
import type { OwnCopy } from '../own-copy/own-copy.ts';
import type { Router } from '../router/router.ts';
import type { Workspace } from '../workspace/workspace.ts';

const LastSchema = z.object({ slug: z.string(), paths: z.record(z.string(), z.string()) });
type Last = z.infer<typeof LastSchema>;

export type FollowPlaceParts = { readonly router: Router; readonly workspace: Workspace; readonly ownCopy: OwnCopy };

export function followPlace({ router, workspace, ownCopy }: FollowPlaceParts): void {
  let last: Last | undefined;
  effect(() => {
    const project = workspace.project.value;
    const document = workspace.document.value;
    if (project === undefined || document === undefined) return;
    last = { slug: project.slug, paths: { ...last?.paths, [project.slug]: document.path } };
    void ownCopy.write('last', last);
  });
  const goOn = (): void => {
    effect(() => {
      const place = router.place.value;
      const projects = workspace.projects.value;
      const documents = workspace.documents.value;
      if (place.at === 'home') {
        const slug =
          projects?.find((project) => project.slug === last?.slug)?.slug ??
          (projects?.length === 1 ? projects[0]?.slug : undefined);
        if (slug !== undefined) router.go({ at: 'project', slug }, 'replace');
      } else if (place.at === 'project' && documents !== undefined) {
        const kept = last?.paths[place.slug];
        const path = documents.some((document) => document.path === kept) ? kept : workspace.inOrder.value[0]?.path;
        if (path !== undefined) router.go({ at: 'document', slug: place.slug, path }, 'replace');
      }
    });
  };
  ownCopy.read('last', LastSchema).then((kept) => {
    last ??= kept;
    goOn();
  }, goOn);
}
