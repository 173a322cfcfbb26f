/** The commands of the page itself. The editor's own join them while a document is in view. */
import type { Command } from '../commands/registry.ts';
import { language, setLanguage, t } from '../i18n/words.ts';
import { alreadySavedWords, saveWords } from '../status/save-line.tsx';
import { nextTheme, theme } from './theme.ts';
import { askNewDocument, askNewFolder } from '../tree/tree-commands.ts';
import { folderOf } from '../tree/moves.ts';
import type { Shell } from './shell.ts';
import type { Panel, View } from './view.ts';
import { isAtCloud } from '../account/at-cloud.ts';
import { isFor } from '../guest/guest.ts';

type PageCommand = Pick<Command, 'id' | 'group' | 'title' | 'run'> & Partial<Command>;

function whole(command: PageCommand): Command {
  return { keys: [], keysBelongTo: 'page', whileTyping: true, available: () => true, ...command };
}

/** Opens the sidebar on its search, where the field takes the focus; one that is there already is ready for another word. */
export function showSearch(view: View): void {
  view.sidebarMode.value = 'search';
  view.sidebar.value = true;
  document.querySelector<HTMLInputElement>('.search input[type=search]')?.select();
}

export function togglePanel(view: View, panel: Panel): void {
  view.panel.value = view.panel.peek() === panel ? 'none' : panel;
}

export function pageCommands(shell: Shell): readonly Command[] {
  const { view, workspace, documents, projects, toasts } = shell;
  const inProject = (): boolean => workspace.project.value !== undefined;
  const inDocument = (): boolean => workspace.document.value !== undefined;
  const show =
    (kind: 'quick-open' | 'palette' | 'shortcuts' | 'open-folder' | 'devices' | 'account' | 'share' | 'publish') =>
    (): void => {
      view.overlay.value = { kind };
    };
  const folder = (): string => folderOf(workspace.document.peek()?.path ?? '');
  const commands: readonly PageCommand[] = [
    {
      id: 'quick-open',
      group: 'go',
      title: () => t('quickOpen'),
      keys: ['Mod-p'],
      available: inProject,
      run: show('quick-open'),
    },
    { id: 'palette', group: 'go', title: () => t('palette'), keys: ['Mod-Shift-p'], run: show('palette') },
    {
      id: 'find-in-project',
      group: 'go',
      title: () => t('findInProject'),
      keys: ['Mod-Shift-f'],
      available: inProject,
      run: () => showSearch(view),
    },
    {
      id: 'shortcuts',
      group: 'view',
      title: () => t('shortcuts'),
      keys: ['?'],
      whileTyping: false,
      run: show('shortcuts'),
    },
    {
      id: 'sidebar',
      group: 'view',
      title: () => t('toggleSidebar'),
      keys: ['Mod-b'],
      run: () => (view.sidebar.value = !view.sidebar.peek()),
    },
    {
      id: 'outline',
      group: 'view',
      title: () => t('outline'),
      keys: ['Mod-Shift-o'],
      available: inDocument,
      run: () => togglePanel(view, 'outline'),
    },
    {
      id: 'history',
      group: 'document',
      title: () => t('history'),
      keys: ['Mod-Shift-h'],
      available: inDocument,
      run: () => togglePanel(view, 'history'),
    },
    {
      id: 'runs',
      group: 'run',
      title: () => t('runs'),
      keys: ['Mod-Shift-u'],
      available: inProject,
      run: () => togglePanel(view, 'runs'),
    },
    {
      id: 'variables',
      group: 'run',
      title: () => t('variables'),
      keys: ['Mod-Alt-v'],
      available: inDocument,
      run: () => togglePanel(view, 'variables'),
    },
    {
      id: 'saved',
      group: 'document',
      title: () => t('saveCommand'),
      keys: ['Mod-s'],
      run: () => sayWhetherSaved(shell),
    },
    {
      id: 'new-document',
      group: 'document',
      title: () => t('newDocument'),
      keys: ['Mod-Alt-n'],
      available: inProject,
      run: () => askNewDocument(shell, folder()),
    },
    {
      id: 'new-folder',
      group: 'document',
      title: () => t('newFolder'),
      available: inProject,
      run: () => askNewFolder(shell, folder()),
    },
    {
      id: 'rename',
      group: 'document',
      title: () => t('renameOrMove'),
      keys: ['F2'],
      // A row of the tree that has the focus is renamed by the tree.
      available: () => inDocument() && (document.activeElement?.closest('[role=tree]') ?? null) === null,
      run: () => {
        const current = workspace.document.peek();
        if (current === undefined) return;
        const run = (path: string): void => {
          if (path !== current.path) void documents.move([{ from: current.path, to: path }]);
        };
        view.overlay.value = {
          kind: 'ask-path',
          title: t('renameOrMove'),
          hint: t('renameHint'),
          initial: current.path,
          submit: t('rename'),
          run,
        };
      },
    },
    {
      id: 'delete',
      group: 'document',
      title: () => t('deleteDocument'),
      available: inDocument,
      run: () => {
        const current = workspace.document.peek();
        if (current !== undefined) void documents.remove([current]);
      },
    },
    { id: 'open-folder', group: 'project', title: () => t('openFolder'), keys: ['Mod-o'], run: show('open-folder') },
    { id: 'publish', group: 'project', title: () => t('publish'), available: inProject, run: show('publish') },
    { id: 'devices', group: 'project', title: () => t('devices'), run: show('devices') },
    {
      id: 'account',
      group: 'project',
      title: () => t('account'),
      available: () => isAtCloud(workspace),
      run: show('account'),
    },
    {
      id: 'share',
      group: 'project',
      title: () => t('share'),
      available: () => isAtCloud(workspace) && inProject(),
      run: show('share'),
    },
    {
      id: 'close-project',
      group: 'project',
      title: () => t('closeProject', { name: workspace.project.value?.displayName ?? '' }),
      available: inProject,
      run: () => {
        const current = workspace.project.peek();
        if (current !== undefined) void projects.close(current);
      },
    },
    {
      id: 'file-names',
      group: 'view',
      title: () => (view.fileNames.value ? t('showTitles') : t('showFileNames')),
      available: inProject,
      run: () => (view.fileNames.value = !view.fileNames.peek()),
    },
    {
      id: 'theme',
      group: 'view',
      title: () => t('themeIs', { theme: t(`theme-${theme.value}`) }),
      run: () => toasts.say(t('themeNow', { theme: t(`theme-${nextTheme()}`) })),
    },
    {
      id: 'language',
      group: 'view',
      title: () => (language.value === 'en' ? 'Langue : français' : 'Language: English'),
      run: () => setLanguage(language.peek() === 'en' ? 'fr' : 'en'),
    },
    {
      id: 'reconnect',
      group: 'project',
      title: () => t('tryDeviceAgain'),
      available: () => workspace.connection.value.state === 'offline',
      run: () => shell.client.reconnect(),
    },
  ];
  return commands.filter(({ id }) => isFor(shell.guest, id)).map(whole);
}

/** What Ctrl+S says: the habit is kept, the work was saved already or says why not. */
export function sayWhetherSaved({ saveStatus, toasts }: Pick<Shell, 'saveStatus' | 'toasts'>): void {
  const status = saveStatus.peek();
  if (status === undefined || status.kind === 'saved') toasts.say(alreadySavedWords(status));
  else if (status.kind === 'offline') toasts.say(t('keptHere'));
  else if (status.kind === 'saving') toasts.say(t('savingSoon'));
  else toasts.say(saveWords(status).text);
}
