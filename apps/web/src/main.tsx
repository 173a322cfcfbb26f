/** Starts the page: trades the token of the address for a session, opens the client, and puts the parts together. */
import { indexedDbCopies, openClient, type Socket } from '@markco/client';
import { Failure, filePathOf, type Joined } from '@markco/protocol';
import { computed, effect, signal } from '@preact/signals';
import { render } from 'preact';
import { isAtCloud, rememberCloud } from './account/at-cloud.ts';
import { isConfirming } from './account/came-back.ts';
import { finishSignIn } from './account/finish-sign-in.ts';
import { forgetfulStorage, isPublicComputer, setPublicComputer } from './account/public-computer.ts';
import { withDevices } from '@markco/client/mesh/with-devices';
import { createWay } from './as-device/way.ts';
import { createAway } from './away/away.ts';
import { now } from './boot/clock.ts';
import { guestApi, pageApi } from './boot/page-api.ts';
import { signIn } from './boot/sign-in.ts';
import { followUpdates } from './boot/updates.ts';
import { createCommandRegistry } from './commands/registry.ts';
import { createEditors, type Editors } from './document/editors.ts';
import { language, t } from './i18n/words.ts';
import { guestAddress, guestBase } from './guest/address.ts';
import { guestClient } from './guest/guest-client.ts';
import { guestOf } from './guest/guest.ts';
import { createLive } from './live/live.ts';
import { createOwnCopy, noOwnCopy } from './own-copy/own-copy.ts';
import { watchForUnwantedCopies } from './own-copy/unwanted-copies.ts';
import { createSearch } from './panels/search.ts';
import { createPlaces } from './placing/places.ts';
import { createRouter } from './router/router.ts';
import { App } from './shell/app.tsx';
import { editorCommands } from './shell/editor-commands.ts';
import { followPlace } from './shell/follow-place.ts';
import { followViewport } from './shell/follow-viewport.ts';
import { listenToKeys } from './shell/listen-to-keys.ts';
import { createLinks } from './shell/links.ts';
import { pageCommands, sayWhetherSaved } from './shell/page-commands.ts';
import { ShellContext, type Shell } from './shell/shell.ts';
import { NoSession, SignIn } from './shell/sign-in.tsx';
import { createView } from './shell/view.ts';
import { watchEditsAtRisk } from './status/edits-at-risk.ts';
import { createCopiesInView } from './status/copies-in-view.ts';
import { saveStatus } from './status/save-status.ts';
import { createShownStatus } from './status/shown-status.ts';
import { apple } from './ui/keys.tsx';
import { createToasts } from './ui/toasts.tsx';
import { createDocumentActions } from './workspace/document-actions.ts';
import { createProjectActions } from './workspace/project-actions.ts';
import { createWorkspace } from './workspace/workspace.ts';
import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import './style/places.css';
import './style/panels.css';
import './style/floating.css';
import './placing/placing.css';

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** @param joined what a guest came to */
function startShell(joined: Joined | undefined): Shell {
  const guest = joined === undefined ? undefined : guestOf(joined);
  // Nothing of what somebody was shown is kept.
  const isPublic = guest !== undefined || isPublicComputer(localStorage);
  const copies = isPublic ? undefined : indexedDbCopies();
  const server = openClient({
    origin: location.origin,
    webSocket: (url) => new WebSocket(url) as Socket,
    fetch: (...input) => fetch(...input),
    ...(copies === undefined ? {} : { copies }),
    ...(guest === undefined ? {} : { share: guest.id }),
    now,
    randomBytes,
  });
  const ownCopy = isPublic ? noOwnCopy : createOwnCopy(indexedDB);
  const way = () =>
    createWay({ server, ids: { now, randomBytes }, storage: localStorage, locks: navigator.locks, window });
  const client =
    guest === undefined ? (isPublic ? server : withDevices(server, way())) : guestClient(server, location.host);
  const router = createRouter(window, guest === undefined ? '' : guestBase(guest.id));
  const view = createView(window);
  const toasts = createToasts();
  const commands = createCommandRegistry({ apple });
  const copiesInView = createCopiesInView();
  const workspace = createWorkspace({ client, ownCopy, router, onCopies: copiesInView.told });
  const actionParts = { client, workspace, router, toasts };
  const heard = signal('');
  const openOutside = (url: string): void => void window.open(url, '_blank', 'noopener,noreferrer');
  const links = createLinks({ workspace, router, toasts, openOutside });
  const away = createAway({
    client,
    storage: isPublic ? forgetfulStorage() : localStorage,
    now,
    later: (work) => setTimeout(work, 500),
  });
  const places = createPlaces({ client, ids: { now, randomBytes }, runs: workspace.runs, page: document });
  const editors: Editors = createEditors({
    client,
    guest,
    ids: { now, randomBytes },
    now,
    announce: (text) => (heard.value = text),
    notify: toasts.say,
    confirm: (question) =>
      new Promise((resolve) => {
        view.overlay.value = { kind: 'confirm', title: question, text: '', submit: t('ok'), run: () => resolve(true) };
        const stop = view.overlay.subscribe((overlay) => {
          if (overlay !== undefined) return;
          resolve(false);
          queueMicrotask(() => stop());
        });
      }),
    pathOf: (id) => workspace.documents.peek()?.find((document) => document.id === id)?.path ?? '',
    onSave: () => sayWhetherSaved(shell),
    links,
    away,
    places,
    openRun: (runId) => router.go({ at: 'run', runId }),
    live: createLive({ api: client.api, sessions: workspace.sessions, runs: workspace.runs, host: workspace.host }),
  });
  effect(() => {
    const open = editors.open.value;
    return open === undefined ? undefined : copiesInView.show(open.documentId, open.doc);
  });
  const status = computed(() => {
    const facts = editors.status.value;
    const document = workspace.document.value;
    if (facts === undefined || document === undefined) return undefined;
    const trouble = workspace.troubles.value.get(filePathOf(document));
    return saveStatus({
      connection: workspace.connection.value.state,
      document: facts,
      ...(trouble === undefined ? {} : { trouble }),
      ...(copiesInView.devices.value === undefined ? {} : { copies: copiesInView.devices.value }),
    });
  });
  const shell: Shell = {
    client,
    guest,
    workspace,
    router,
    view,
    toasts,
    commands,
    documents: createDocumentActions({
      ...actionParts,
      startWriting: (document) => (view.jump.value = { documentId: document.id, offset: 0, length: 0 }),
    }),
    projects: createProjectActions(actionParts),
    away,
    places,
    search: createSearch(client),
    editors,
    saveStatus: createShownStatus(status),
    async leave() {
      await ownCopy.forget('', new Set());
      await copies?.drop(() => false, AbortSignal.timeout(5_000));
    },
    now,
    heard,
  };
  commands.add(pageCommands(shell));
  effect(() => {
    const editor = editors.editor.value;
    return editor === undefined ? undefined : commands.add(editorCommands(editor, editors.t, guest === undefined));
  });
  effect(() => {
    const projects = new Set(workspace.projects.value?.map(({ id }) => id));
    const project = workspace.project.value?.id;
    const documents = workspace.documents.value;
    if (project === undefined || documents === undefined) return;
    const ids = new Set(documents.map(({ id }) => id));
    editors.keepOnly(
      ({ projectId, documentId }) => projects.has(projectId) && (projectId !== project || ids.has(documentId)),
    );
  });
  effect(() => {
    document.documentElement.lang = language.value;
  });
  // The address that a device without a browser shows: there its code is typed.
  if (guest === undefined) rememberCloud(workspace);
  if (guest?.isOfDocument === true && guest.copy === undefined) view.sidebar.value = false;
  // So is whoever went elsewhere to show that it is them.
  const isForDevice = location.pathname === '/device' || isConfirming(sessionStorage);
  effect(() => {
    if (isForDevice && workspace.host.value !== undefined && isAtCloud(workspace))
      view.overlay.value = { kind: 'account' };
  });
  listenToKeys(window, commands);
  followViewport(window);
  followPlace({ router, workspace, ownCopy });
  watchEditsAtRisk(shell, window);
  if (copies !== undefined) watchForUnwantedCopies({ client, copies, ownCopy, workspace });
  return shell;
}

function start(root: HTMLElement, refused: Failure | undefined, joined?: Joined): void {
  const shell = startShell(joined);
  if (refused?.code === 'unauthorized') shell.toasts.warn(refused.message);
  render(
    <ShellContext.Provider value={shell}>
      <App />
    </ShellContext.Provider>,
    root,
  );
  if (import.meta.env.PROD && joined === undefined && 'serviceWorker' in navigator)
    followUpdates(
      navigator.serviceWorker,
      () => location.reload(),
      (change) => shell.toasts.offer(t('updateReady'), { label: t('reload'), run: change }),
    ).catch(() => undefined);
}

/** Somebody with a share link, or back at what it led to. */
async function bootGuest(root: HTMLElement, address: NonNullable<ReturnType<typeof guestAddress>>): Promise<void> {
  const { enter } = await import('./guest/enter.ts');
  const joined = await enter(address, { history, api: pageApi(), apiOf: guestApi });
  if (!(joined instanceof Failure)) return start(root, undefined, joined);
  const { NoLink } = await import('./guest/link-over.tsx');
  render(<NoLink why={joined.message} />, root);
}

async function boot(root: HTMLElement): Promise<void> {
  const asGuest = guestAddress(location.pathname);
  if (asGuest !== undefined) return bootGuest(root, asGuest);
  const elsewhere = await finishSignIn({ location, history, api: pageApi() });
  if (elsewhere !== undefined) return render(<NoSession trouble={elsewhere.message} />, root);
  // Whoever has the line of a cloud is at home.
  if (location.hash.startsWith('#token=')) setPublicComputer(localStorage, false);
  const refused = await signIn({ location, history, fetch: (...input) => fetch(...input) });
  if (refused?.code !== 'not_ready') return start(root, refused);
  render(<SignIn kind="no-device" retry={() => location.reload()} />, root);
}

const root = document.getElementById('app');
if (root !== null) void boot(root);
