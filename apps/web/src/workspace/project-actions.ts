/** Opening a folder as a project, switching between projects, and closing one (its files stay where they are). */
import { Failure, type ProjectHere } from '@markco/protocol';
import type { Client } from '@markco/client';
import { t } from '../i18n/words.ts';
import type { Router } from '../router/router.ts';
import type { Toasts } from '../ui/toasts.tsx';
import type { Workspace } from './workspace.ts';

export type ProjectActions = {
  /** Resolves to what went wrong, as a sentence, or to nothing. */
  open(localPath: string): Promise<string | undefined>;
  show(project: ProjectHere): void;
  close(project: ProjectHere): Promise<void>;
};

export type ProjectActionParts = {
  readonly client: Client;
  readonly workspace: Workspace;
  readonly router: Router;
  readonly toasts: Toasts;
};

export function createProjectActions({ client, workspace, router, toasts }: ProjectActionParts): ProjectActions {
  const show = (project: ProjectHere): void => router.go({ at: 'project', slug: project.slug });
  return {
    show,
    async open(localPath) {
      try {
        const project = await client.api('openLocal', { body: { localPath } });
        workspace.noteProject(project);
        show(project);
        return undefined;
      } catch (error) {
        return Failure.from(error).message;
      }
    },
    async close(project) {
      try {
        await client.api('closeProject', { params: { id: project.id } });
        workspace.forgetProject(project.id);
        if (workspace.project.peek() === undefined) router.go({ at: 'home' }, 'replace');
        const path = project.localRootPath;
        const reopen =
          path === undefined
            ? undefined
            : {
                label: t('undo'),
                run: () =>
                  void client.api('openLocal', { body: { localPath: path } }).then(
                    (again) => workspace.noteProject(again),
                    () => undefined,
                  ),
              };
        toasts.say(t('projectClosed', { name: project.displayName }), reopen);
      } catch (error) {
        toasts.warn(Failure.from(error).message);
      }
    },
  };
}
