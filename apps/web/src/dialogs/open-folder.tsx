/** Looks through the folders of the device for one to open as a project. A path may be typed or pasted, too. */
import { Failure } from '@markco/protocol';
import type { CallAnswer } from '@markco/client';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Wait } from '../ui/wait.tsx';

type Folders = CallAnswer<'folders'>;

export function OpenFolder({ close }: { readonly close: () => void }) {
  const { client, projects, workspace } = useShell();
  const wanted = useSignal<string | undefined>(undefined);
  const typed = useSignal('');
  const listing = useSignal<Folders | undefined>(undefined);
  const trouble = useSignal('');
  const opening = useSignal(false);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const path = wanted.value;
    client.api('folders', { ...(path === undefined ? {} : { query: { path } }), signal }).then(
      (answer) => {
        if (signal.aborted) return;
        listing.value = answer;
        typed.value = answer.path;
        trouble.value = '';
      },
      (error: unknown) => {
        if (!signal.aborted) trouble.value = Failure.from(error).message;
      },
    );
    return () => controller.abort();
  }, [wanted.value]);

  const go = (path: string): void => {
    wanted.value = path;
  };
  const open = async (): Promise<void> => {
    opening.value = true;
    const wrong = await projects.open(typed.peek());
    opening.value = false;
    if (wrong === undefined) close();
    else trouble.value = wrong;
  };
  const here = listing.value;
  const place = workspace.host.value?.name;
  return (
    <Dialog label={t('openFolder')} kind="sheet" close={close}>
      <form
        class="folders"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.peek() === here?.path) void open();
          else go(typed.peek());
        }}
      >
        <h2>{place === undefined ? t('openFolder') : t('openFolderOn', { device: place })}</h2>
        <p class="hint">{t('openFolderHint')}</p>
        <div class="folder-path">
          <button
            class="icon-button"
            type="button"
            aria-label={t('folderAbove')}
            title={t('folderAbove')}
            disabled={here === undefined || here.parent === null}
            onClick={() => {
              if (here !== undefined && here.parent !== null) go(here.parent);
            }}
          >
            <Icon name="up" />
          </button>
          <input
            class="field"
            type="text"
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            aria-label={t('folderPath')}
            value={typed.value}
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
        </div>
        {trouble.value !== '' && (
          <p class="hint trouble" role="alert">
            {trouble.value}
          </p>
        )}
        {here === undefined && trouble.value === '' && <Wait step={t('readingFolders')} />}
        <ul class="folder-list" aria-label={t('folders')}>
          {here?.folders.map((folder) => (
            <li key={folder.path}>
              <button type="button" onClick={() => go(folder.path)}>
                <Icon name="folder" />
                <span>{folder.name}</span>
                {folder.markdownFiles > 0 && <span class="muted">{t('pages', { count: folder.markdownFiles })}</span>}
              </button>
            </li>
          ))}
          {here?.folders.length === 0 && <li class="empty">{t('noFolders')}</li>}
        </ul>
        {opening.value && <Wait step={t('openingFolder')} />}
        <footer>
          <button class="button" type="button" onClick={close}>
            {t('cancel')}
          </button>
          <button class="button primary" type="submit" disabled={opening.value || typed.value === ''}>
            {typed.value === here?.path ? t('openThisFolder') : t('goThere')}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
