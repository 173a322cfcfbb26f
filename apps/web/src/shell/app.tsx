/** The frame of the page: sidebar, the document, a panel beside it, and what floats above. */
import type { Document } from '@markco/protocol';
import { labelOf } from '@markco/protocol/notebook/title';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isAtCloud } from '../account/at-cloud.ts';
import { AwayBar } from '../away/away-bar.tsx';
import { Dialogs } from '../dialogs/dialogs.tsx';
import { isFor } from '../guest/guest.ts';
import { DocumentPane } from '../document/document-pane.tsx';
import { t, timeOfDay } from '../i18n/words.ts';
import { HistoryPanel } from '../panels/history-panel.tsx';
import { OutlinePanel } from '../panels/outline-panel.tsx';
import { Sidebar } from '../panels/sidebar.tsx';
import { PlaceMenu } from '../placing/place-menu.tsx';
import { SaveLine } from '../status/save-line.tsx';
import { readerTitle } from '../tree/reader-title.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { later } from '../ui/later.tsx';
import { ToastList } from '../ui/toasts.tsx';
import { Wait } from '../ui/wait.tsx';
import { EmptyProject, Home, NoDocument } from './places.tsx';
import { showSearch, togglePanel } from './page-commands.ts';
import { useShell } from './shell.ts';
import type { Panel } from './view.ts';
import { NoSession } from './sign-in.tsx';

const VariablesPanel = later(async () => (await import('../panels/variables-panel.tsx')).VariablesPanel);
const RunsPanel = later(async () => (await import('../panels/runs-panel.tsx')).RunsPanel);

const GuestBar = later(async () => (await import('../guest/guest-bar.tsx')).GuestBar);
const SuggestionsBar = later(async () => (await import('../suggestions/suggestions-bar.tsx')).SuggestionsBar);
const LinkOver = later(async () => (await import('../guest/link-over.tsx')).LinkOver);

const RunPage = later(async () => (await import('../run-page/run-page.tsx')).RunPage);

/** A link to suggest changes makes one beside the page. */
const hasCopy = ({ path, ext }: Document, all: readonly Document[] = []): boolean => {
  const copy = `${path.endsWith(ext) ? path.slice(0, -ext.length) : path} (suggested`;
  return all.some((each) => each.path.startsWith(copy));
};

function PanelButton({
  panel,
  icon,
  label,
}: {
  readonly panel: Panel;
  readonly icon: IconName;
  readonly label: string;
}) {
  const { view } = useShell();
  return (
    <button
      class="icon-button"
      type="button"
      title={label}
      aria-label={label}
      aria-pressed={view.panel.value === panel}
      onClick={() => togglePanel(view, panel)}
    >
      <Icon name={icon} />
    </button>
  );
}

function TopBar({ document }: { readonly document: Document | undefined }) {
  const { view, workspace, guest } = useShell();
  const running = workspace.runs.value.filter((run) => run.state === 'running' && run.unreachable === undefined).length;
  return (
    <header class="top-bar">
      {!view.sidebar.value && (
        <button
          class="icon-button"
          type="button"
          title={t('toggleSidebar')}
          aria-label={t('toggleSidebar')}
          onClick={() => (view.sidebar.value = true)}
        >
          <Icon name="sidebar" />
        </button>
      )}
      <div class="crumbs">
        {document?.path
          .split('/')
          .slice(0, -1)
          .map((part) => (
            <span key={part} class="crumb">
              {labelOf(part)}
            </span>
          ))}
        {document !== undefined && <h1 class="crumb here">{readerTitle(document)}</h1>}
      </div>
      <SaveLine />
      <div class="top-buttons">
        {running > 0 && (
          <button class="quiet-button running" type="button" onClick={() => (view.panel.value = 'runs')}>
            <span class="dot" aria-hidden="true" /> {t('runningCount', { count: running })}
          </button>
        )}
        {document !== undefined && <PanelButton panel="outline" icon="outline" label={t('outline')} />}
        {document !== undefined && isFor(guest, 'history') && (
          <PanelButton panel="history" icon="history" label={t('history')} />
        )}
        {document !== undefined && isFor(guest, 'variables') && (
          <PanelButton panel="variables" icon="variables" label={t('variables')} />
        )}
        {workspace.project.value !== undefined && isFor(guest, 'runs') && (
          <PanelButton panel="runs" icon="run" label={t('runs')} />
        )}
        {workspace.project.value !== undefined && isFor(guest, 'share') && isAtCloud(workspace) && (
          <button
            class="icon-button"
            type="button"
            title={t('share')}
            aria-label={t('share')}
            onClick={() => (view.overlay.value = { kind: 'share' })}
          >
            <Icon name="share" />
          </button>
        )}
      </div>
    </header>
  );
}

function DeviceBar({ signIn }: { readonly signIn: () => void }) {
  const { workspace, client, editors, guest } = useShell();
  const connection = workspace.connection.value;
  const trouble = editors.copyTrouble.value;
  const kept = guest === undefined && (trouble === undefined || trouble === 'slow') ? t('editsKept') : '';
  if (workspace.signedOut.value)
    return (
      <div class="device-bar" role="status">
        {kept}{' '}
        {isAtCloud(workspace) ? (
          <button class="quiet-button" type="button" onClick={signIn}>
            {t('signInAgain')}
          </button>
        ) : (
          <>
            {t('signedOut')} <code>markco open</code>
          </>
        )}
      </div>
    );
  if (connection.state !== 'offline') return null;
  return (
    <div class="device-bar" role="status">
      <Icon name="offline" />
      <span>
        {t('deviceSilent', { time: timeOfDay(connection.since) })} {kept}
      </span>
      <button class="quiet-button" type="button" onClick={() => client.reconnect()}>
        {t('tryAgain')}
      </button>
    </div>
  );
}

function RightPanel({ document }: { readonly document: Document | undefined }) {
  const { view } = useShell();
  const panel = view.panel.value;
  if (panel === 'none' || (panel !== 'runs' && document === undefined)) return null;
  return (
    <aside class="panel" aria-label={t(panel)}>
      <header class="panel-head">
        <h2>{t(panel)}</h2>
        <button class="icon-button" type="button" aria-label={t('close')} onClick={() => (view.panel.value = 'none')}>
          <Icon name="close" />
        </button>
      </header>
      <div class="panel-body">
        {panel === 'outline' && <OutlinePanel />}
        {panel === 'history' && document !== undefined && <HistoryPanel key={document.id} document={document} />}
        {panel === 'variables' && document !== undefined && <VariablesPanel document={document} />}
        {panel === 'runs' && <RunsPanel />}
      </div>
    </aside>
  );
}

function Content() {
  const { workspace, router, client } = useShell();
  const place = router.place.value;
  const { projects, project, documents, document } = workspace;
  if (projects.value === undefined) return <Wait step={t('readingProjects')} retry={() => client.reconnect()} />;
  if (place.at === 'run') return <RunPage key={place.runId} place={place} />;
  if (place.at === 'home' || project.value === undefined) return <Home />;
  if (document.value !== undefined) return <DocumentPane project={project.value} document={document.value} />;
  if (documents.value === undefined) return <Wait step={t('readingDocuments')} retry={() => client.reconnect()} />;
  return documents.value.length === 0 ? <EmptyProject /> : place.at === 'document' ? <NoDocument /> : null;
}

function BottomBar() {
  const { view, editors, workspace, guest } = useShell();
  const openFiles = (): void => {
    view.sidebarMode.value = 'files';
    view.sidebar.value = true;
  };
  return (
    <nav class="bottom-bar" aria-label={t('bottomBar')}>
      <button type="button" onClick={openFiles}>
        <Icon name="file" />
        {t('files')}
      </button>
      {isFor(guest, 'find-in-project') && (
        <button type="button" disabled={workspace.project.value === undefined} onClick={() => showSearch(view)}>
          <Icon name="search" />
          {t('search')}
        </button>
      )}
      {isFor(guest, 'run') && (
        <button
          type="button"
          disabled={editors.editor.value === undefined}
          onClick={() => editors.editor.peek()?.runCell()}
        >
          <Icon name="run" />
          {t('run')}
        </button>
      )}
      <button type="button" onClick={() => (view.overlay.value = { kind: 'more' })}>
        <Icon name="more" />
        {t('more')}
      </button>
    </nav>
  );
}

export function App() {
  const { workspace, view, toasts, heard, guest, editors, now } = useShell();
  const document = workspace.document.value;
  useEffect(() => {
    window.document.title = [
      document === undefined ? undefined : readerTitle(document),
      workspace.project.value?.displayName,
      'MarkCo',
    ]
      .filter(Boolean)
      .join(' · ');
  }, [document?.title, document?.path, workspace.project.value?.displayName]);
  const wantsSignIn = useSignal(false);
  if (guest !== undefined && workspace.signedOut.value)
    return <LinkOver guest={guest} now={now()} unsaved={editors.atRisk() ? editors.text() : undefined} />;
  if (workspace.signedOut.value && (wantsSignIn.value || workspace.projects.value === undefined)) return <NoSession />;
  return (
    <div class={`app${view.sidebar.value ? ' with-sidebar' : ''}`}>
      <a class="skip" href="#main">
        {t('skipToDocument')}
      </a>
      <Sidebar />
      <div class="column">
        <DeviceBar signIn={() => (wantsSignIn.value = true)} />
        <AwayBar />
        {guest?.copy !== undefined && <GuestBar />}
        {guest === undefined && document !== undefined && hasCopy(document, workspace.documents.value) && (
          <SuggestionsBar document={document} />
        )}
        <TopBar document={document} />
        <main id="main" tabIndex={-1}>
          <Content />
        </main>
        {view.narrow.value && <BottomBar />}
      </div>
      <RightPanel document={document} />
      <Dialogs />
      <PlaceMenu />
      <ToastList toasts={toasts} />
      <p class="only-heard" aria-live="polite">
        {heard.value}
      </p>
    </div>
  );
}
