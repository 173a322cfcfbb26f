/** The left side: which project, its documents or a search through them, and what else is there. A drawer on narrow screens. */
import { useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { askNewDocument, askNewFolder } from '../tree/tree-commands.ts';
import { Tree } from '../tree/tree.tsx';
import { Icon } from '../ui/icon.tsx';
import { Wait } from '../ui/wait.tsx';
import { ProjectSwitcher } from './project-switcher.tsx';
import { SearchPanel } from './search-panel.tsx';

const widthMin = 180;
const widthMax = 480;

function Resizer() {
  const { view } = useShell();
  const start = useRef<{ readonly x: number; readonly width: number } | undefined>(undefined);
  const set = (width: number): void => {
    view.sidebarWidth.value = Math.round(Math.max(widthMin, Math.min(widthMax, width)));
    localStorage.setItem('sidebar-width', String(view.sidebarWidth.value));
  };
  return (
    <div
      class="resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label={t('resizeSidebar')}
      aria-valuemin={widthMin}
      aria-valuemax={widthMax}
      aria-valuenow={view.sidebarWidth.value}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width: view.sidebarWidth.peek() };
      }}
      onPointerMove={(event) => {
        if (start.current !== undefined) set(start.current.width + event.clientX - start.current.x);
      }}
      onPointerUp={() => (start.current = undefined)}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') set(view.sidebarWidth.peek() - 16);
        else if (event.key === 'ArrowRight') set(view.sidebarWidth.peek() + 16);
      }}
    />
  );
}

function Files() {
  const shell = useShell();
  const { workspace, view } = shell;
  const documents = workspace.documents.value;
  if (documents === undefined) return <Wait step={t('readingDocuments')} />;
  if (documents.length === 0) return <p class="empty">{t('noDocuments')}</p>;
  return (
    <>
      <div class="sidebar-tools">
        <button
          class="quiet-button"
          type="button"
          aria-pressed={view.fileNames.value}
          onClick={() => (view.fileNames.value = !view.fileNames.value)}
        >
          {view.fileNames.value ? t('showTitles') : t('showFileNames')}
        </button>
        <span class="spring" />
        {shell.guest === undefined && (
          <>
            <button
              class="icon-button"
              type="button"
              title={t('newDocument')}
              aria-label={t('newDocument')}
              onClick={() => askNewDocument(shell, '')}
            >
              <Icon name="file-new" />
            </button>
            <button
              class="icon-button"
              type="button"
              title={t('newFolder')}
              aria-label={t('newFolder')}
              onClick={() => askNewFolder(shell, '')}
            >
              <Icon name="folder-new" />
            </button>
          </>
        )}
      </div>
      <Tree documents={documents} />
    </>
  );
}

export function Sidebar() {
  const { view, workspace } = useShell();
  if (!view.sidebar.value) return null;
  return (
    <>
      <button
        class="scrim"
        type="button"
        tabIndex={-1}
        aria-hidden="true"
        onClick={() => (view.sidebar.value = false)}
      />
      <nav class="sidebar" aria-label={t('sidebar')} style={{ '--sidebar-width': `${view.sidebarWidth.value}px` }}>
        <ProjectSwitcher />
        {workspace.project.value !== undefined && (view.sidebarMode.value === 'search' ? <SearchPanel /> : <Files />)}
        <Resizer />
      </nav>
    </>
  );
}
