/** What the main column shows where there is no document: the projects, an empty folder, an address that names nothing. */
import { isAtCloud } from '../account/at-cloud.ts';
import { t } from '../i18n/words.ts';
import { askNewDocument } from '../tree/tree-commands.ts';
import { Icon } from '../ui/icon.tsx';
import { Keys } from '../ui/keys.tsx';
import { useShell } from './shell.ts';

export function Home() {
  const { workspace, projects, view } = useShell();
  const known = workspace.projects.value ?? [];
  const atCloud = isAtCloud(workspace);
  return (
    <div class="home">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>MarkCo</h1>
      <p class="muted">{t('homeText')}</p>
      {atCloud && known.length === 0 && (
        <>
          <p>{t('cloudEmpty')}</p>
          <pre>
            <code>markco login {location.origin}</code>
          </pre>
        </>
      )}
      <ul class="cards">
        {known.map((project) => (
          <li key={project.id}>
            <button type="button" class="card" onClick={() => projects.show(project)}>
              <strong>{project.displayName}</strong>
              <span class="muted">{project.localRootPath ?? project.slug}</span>
            </button>
          </li>
        ))}
        {!atCloud && (
          <li>
            <button type="button" class="card" onClick={() => (view.overlay.value = { kind: 'open-folder' })}>
              <strong>
                <Icon name="folder" /> {t('openFolder')}
              </strong>
              <span class="muted">{t('openFolderHint')}</span>
            </button>
          </li>
        )}
      </ul>
    </div>
  );
}

export function EmptyProject() {
  const shell = useShell();
  return (
    <div class="home">
      <h1>{t('emptyProject')}</h1>
      <p class="muted">{t('emptyProjectHint')}</p>
      {shell.guest === undefined && (
        <button class="button primary large" type="button" onClick={() => askNewDocument(shell, '')}>
          {t('writeFirstPage')}
        </button>
      )}
    </div>
  );
}

export function NoDocument() {
  const { view, router, workspace } = useShell();
  const place = router.place.value;
  const project = workspace.project.value;
  return (
    <div class="home">
      <h1>{t('noSuchDocument')}</h1>
      <p class="muted">{place.at === 'document' ? place.path : ''}</p>
      <button class="button" type="button" onClick={() => (view.overlay.value = { kind: 'quick-open' })}>
        {t('quickOpen')} <Keys keys="Mod-p" />
      </button>
      {project !== undefined && (
        <button class="quiet-button" type="button" onClick={() => router.go({ at: 'project', slug: project.slug })}>
          {t('toFirstPage')}
        </button>
      )}
    </div>
  );
}
