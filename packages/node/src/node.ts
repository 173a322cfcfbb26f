/**
 * A device: every part made and handed what it needs. The only file that knows them all.
 *
 * Order matters twice. Starting: the store before what lives in it, the listener last. Stopping: the listener first,
 * so that nothing new comes, then runs and files, the store last.
 */
import type { User } from '@markco/protocol';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createSessionWishes } from './cells/session-wish.ts';
import type { Config } from './config.ts';
import { createCapability } from './device/capability/capability.ts';
import { keepUser, loadIdentity } from './device/identity.ts';
import { announced } from './device/policy.ts';
import { createPreferences } from './device/preferences.ts';
import { createBeside } from './cloud/beside.ts';
import { createCallBeside } from './cloud/call-beside.ts';
import { createCloudHere } from './cloud/cloud-here.ts';
import { openReplica } from '@markco/replica/documents/open-replica';
import { createElsewhere } from './elsewhere.ts';
import { createFolder } from './files/folder.ts';
import { createDiskFiles } from './files/files-disk.ts';
import { systemTimer } from './files/timer.ts';
import { nativeWatcher } from './files/watcher-native.ts';
import type { DocumentTiming } from '@markco/replica/listen/document-member';
import { servePage } from './listen/page.ts';
import { tellFiles } from './listen/tell-files.ts';
import { createServe } from './listen/serve.ts';
import { openFrontDoor } from './listen/front-door.ts';
import type { CloudOnly, Handlers } from '@markco/replica/listen/handlers';
import { projectRoutes, type ProjectRoutesParts } from './listen/routes/projects.ts';
import { deviceRoutes } from './listen/routes/device.ts';
import { meshRoutes } from './listen/routes/mesh.ts';
import { mrpRoutes } from './listen/routes/mrp.ts';
import { placementRoutes } from './listen/routes/placement.ts';
import { runRoutes } from './listen/routes/runs.ts';
import { recordRoutes } from './listen/routes/record.ts';
import { createResolve } from './listen/resolve.ts';
import type { StreamParts } from '@markco/replica/listen/stream';
import type { OpenMeshParts } from './mesh/open-mesh.ts';
import { createOthers } from './mesh/others.ts';
import { peerDoorOf } from './mesh/peer-door.ts';
import { servedToDevices } from './mesh/served-to-devices.ts';
import { passOnSessions } from './mesh/sessions/pass-on.ts';
import { createTellCopies } from './listen/tell-copies.ts';
import { createWatch } from '@markco/replica/listen/watch';
import { createAudit } from '@markco/replica/observe/audit';
import { noteDecision, noteDevices } from './observe/device-audit.ts';
import { createFolderObserver } from './observe/folder.ts';
import { createLogger, flatLog } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { createRunMetrics } from './observe/run-metrics.ts';
import { readProjectFile } from './projects/assets.ts';
import { createProjects } from './projects/projects.ts';
import { createJournalStore } from './runs/journal-store.ts';
import { assetsHere } from './mrp/assets.ts';
import { createPlace } from './runs/place.ts';
import { openLevelStore } from '@markco/replica/store/level';
import type { Node, NodeParts } from './node-parts.ts';
import { createRunsHere } from './runs-here.ts';
import { createSessionFor, createSubmit, requireHere } from './submit.ts';

const RESUME_TIMEOUT_MS = 120_000;
/** @throws Failure when the home is in use, the store cannot be opened or the port is taken; then nothing is left running */
export async function createNode(config: Config, parts: NodeParts): Promise<Node> {
  const { ids } = parts;
  const { now } = ids;
  const startedAt = now();
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  await chmod(config.home, 0o700);
  // The store's lock is what keeps a second program out, before it could make an identity of its own.
  const store = await openLevelStore(join(config.home, 'store'));
  const giveUp = async (error: unknown): Promise<never> => {
    await store.close();
    throw error;
  };
  const identity = await loadIdentity(
    config.home,
    { ...parts.machine, name: config.name ?? parts.machine.name, version: parts.version },
    ids,
  ).catch(giveUp);
  /** Its name changes with its owner's mind. */
  const device = { ...identity.device, ...(config.isFallback ? { kind: 'server-agent' as const } : {}) };
  /** Another one from the moment this device joins those of another user. */
  const user: { -readonly [K in keyof User]: User[K] } = { ...identity.user };
  const logger = createLogger(config.logLevel, { user_id: user.id, device_id: device.id }, parts.logTo);
  const author = (): number => Buffer.from(ids.randomBytes(4)).readUInt32BE();

  const { log, views, rooms, catalog, documents, digests, links } = await openReplica({
    ...{ store, now, self: device.id },
    onStorage(state, cause) {
      if (state.ok) logger.info('storage.recovered');
      else logger.error('storage.failing', { reason: state.code }, cause);
      watch.storage(state);
    },
    onSync: (ms) => metrics.logSync.observe(ms),
    beginning: (id) => projects.beginning(id),
    begun: (id) => projects.begun(id),
    onTrouble: (id, doing, cause) =>
      logger.error(
        'document.trouble',
        { project_id: catalog.get(id)?.projectId, doc_path: catalog.get(id)?.path, doing },
        cause,
      ),
  });
  const metrics = createMetrics({
    openDocuments: () => rooms.size,
    liveDocuments: () => views.size,
    queuedRuns: () => runMetrics.queued,
    residentBytes: parts.residentBytes,
  });
  const watch = createWatch({ catalog });
  const tellCopies = createTellCopies({
    rooms,
    projectOf: (id) => catalog.get(id)?.projectId,
    of: (id) => others.now()?.mesh.copies.of(id) ?? null,
    tell: watch.copies,
  });
  watch.onWatch(tellCopies.allChanged);
  const runMetrics = createRunMetrics(metrics, now);
  const audit = createAudit({
    ...{ file: join(config.home, 'audit.jsonl'), now, base: () => ({ user_id: user.id, device_id: device.id }) },
    onTrouble: (cause) => logger.error('audit.failing', {}, cause),
  });

  const projects = createProjects({
    catalog,
    documents,
    ids,
    author,
    userId: () => user.id,
    home: config.home,
    log: logger,
    createFolder: (projectId, root) =>
      createFolder(
        {
          files: createDiskFiles(root),
          catalog,
          texts: documents,
          ids,
          timer: systemTimer,
          watcher: nativeWatcher,
          lagMs: (ms) => metrics.projectionLag.observe(ms),
        },
        { root, projectId },
      ),
    disconnect: (id, failure) => rooms.peek(id)?.refuseAll(failure),
    onFolderEvent(projectId, event) {
      tellFiles(watch, projectId, event);
      observeFolder(projectId, event);
      if (event.type !== 'others') return;
      others.now()?.mesh.assets.changed(projectId, event.paths);
      cloud.filesChanged(projectId);
    },
  });
  const observeFolder = createFolderObserver({ catalog, metrics, log: logger, now, startedAt });
  rooms.onChange(({ origin, count }) => metrics.updates.inc({ origin }, count));

  const inContainers = config.containers && { ...config.containers, home: config.home, kill: parts.kill };
  const containers =
    inContainers && (await import('./runtimes/containers/containers.ts')).createContainers(inContainers);
  const own = createCapability({
    ...{ deviceId: device.id, home: config.home, log: logger, table: containers?.runtimes },
    ...{ env: parts.env, platform: parts.machine.os, kill: parts.kill, now },
  });

  await Promise.all(
    ['runs', 'sessions'].map((name) => mkdir(join(config.home, name), { recursive: true, mode: 0o700 })),
  );
  const runs = await createRunsHere({
    ...{ config, parts, user, device, documents, author, ...(containers && { containers }) },
    ...{ projects, log: logger, store: createJournalStore({ store, log }) },
    place: createPlace({
      device,
      now,
      capability: own.capability,
      hint: async (language) => (await own.runtimes()).find((row) => row.language === language)?.hint,
      queuedRuns: () => runMetrics.queued,
      documentPath: (id) => catalog.get(id)?.path,
      log: {
        info(event, fields) {
          logger.info(event, fields);
          audit.note(event, fields);
        },
      },
      routed: (reason) => runMetrics.ranHere(reason),
    }),
  });
  runs.onChange((run) => {
    watch.run(run);
    runMetrics.observe(run);
  });

  await projects.resume(AbortSignal.timeout(RESUME_TIMEOUT_MS));
  await runs.recover();

  const sessionFor = createSessionFor(createSessionWishes({ catalog, documents }));
  const submitHere = createSubmit({ runs, projects, device, ids, sessionFor });
  const timing: DocumentTiming = {
    opened: (ms, isLoaded) => (isLoaded ? metrics.docSwitch : metrics.docOpen).observe(ms),
    acknowledged: (ms) => metrics.syncRtt.observe(ms),
  };
  /** What a client may do; another device gets runs of this one alone, and starts none but by a grant. */
  const streamParts = (
    of: Pick<StreamParts, 'submit' | 'follow' | 'run' | 'answer' | 'cancel' | 'interrupt'>,
  ): StreamParts => ({
    ...of,
    rooms,
    timing,
    refusal: (id) => projects.refusal(id),
    watch: (projectId, tell) => {
      projects.get(projectId);
      runs.sessions.warm(projectId);
      return watch.project(projectId, tell);
    },
  });
  const preferences = createPreferences(store, { opensAll: config.isFallback });
  const elsewhere = createElsewhere({
    ...{ runs, store, device, ids, submitHere, home: config.home, others: () => others.now() },
    known: () => others.known(),
    projects: projects.list,
    log: flatLog(logger),
  });
  const { submit, runs: anywhere, sessions: sessionsAnywhere } = elsewhere;
  const readFile: ProjectRoutesParts['readFile'] = (id, path, request) =>
    others.now()?.mesh.assets.read(id, path, request) ?? readProjectFile(projects.root(id), path, request);
  /** For the sessions of this device; runs wherever they are. */
  const sessionRoutes = {
    ...runRoutes({
      ...{ runs, projects, documents, submit, sessionFor, anywhere, migrate: elsewhere.migrate },
      requireHere: (runOn) => requireHere(device, runOn),
    }),
    ...mrpRoutes({
      ...{ runs, projects, ids, sessionFor, readFile, runtimes: own.runtimes },
      ...{ env: parts.env, version: parts.version, home: config.home },
      anywhere: elsewhere.execution,
    }),
  };
  const meshParts = (): OpenMeshParts => ({
    ...{ config, home: config.home, userId: user.id, ids, store, device, rooms, catalog, projects, runs, submitHere },
    ...{ digests, links, testimony: cloud.testimony },
    ...{ capability: own.capability, policy: own.policy.read, queuedRuns: () => runMetrics.queued, log: logger },
    ...{ sessionFor, preferences: preferences.read, onTraffic: metrics.traffic, note: audit.note },
    onRun(run) {
      watch.run(run);
      elsewhere.changed(run);
      runMetrics.observeElsewhere(run);
    },
    onGranted: elsewhere.granted,
    onDecided(record, isAsked) {
      runMetrics.decided(record.reason);
      noteDecision(audit, record, isAsked);
    },
    async onUser(id) {
      await keepUser(config.home, { device: { ...device, userId: id }, user: Object.assign(user, { id }) });
      await cloud.resume();
    },
    onError: (route, error) => logger.error('http.failed', { route }, error),
    ...servedToDevices({
      ...{ runs, documents, streamParts, submitted: anywhere.submitted, watch: watch.project },
      ...{ assetsOf: assetsHere(projects), arrived: async (id) => others.now()?.placing.arrived(id) },
    }),
    sessionRoutes,
  });
  const others = createOthers({
    home: config.home,
    open: async () => {
      const opened = await (await import('./mesh/open-mesh.ts')).openMesh(meshParts());
      opened.mesh.copies.onChange(tellCopies.changed);
      opened.mesh.onDevices(tellCopies.allChanged);
      opened.mesh.peers.onPeer(beside.look);
      noteDevices(audit, opened);
      return elsewhere.opened(opened);
    },
    onTrouble: (cause) => logger.error('mesh.failed', {}, cause),
  });

  const cloud = createCloudHere({
    ...{ rooms, catalog, digests, links, ids, projects, logger, others, home: config.home },
    ...{ usesKeychain: config.usesKeychain, mode: config.syncMode, metrics, name: () => device.name },
    self: () => ({ deviceId: device.id, userId: user.id }),
    chance: () => author() / 2 ** 32,
  });
  const beside = createBeside({
    cloud: cloud.link,
    isOneOfSeveral: () => (others.now()?.mesh.peers.list().length ?? 0) > 0,
    onTrouble: (cause) => logger.error('cloud.trouble', { doing: 'joining the cloud on this machine' }, cause),
  });

  const callBeside = createCallBeside({ cloud: cloud.link, mesh: () => others.now()?.mesh });
  const handlers: Omit<Handlers, CloudOnly | 'ticket'> = {
    ...cloud.routes,
    ...projectRoutes({ projects, documents, ids, author, readFile, folder: config.projectsFolder }),
    ...sessionRoutes,
    ...passOnSessions(sessionRoutes, sessionsAnywhere),
    ...placementRoutes({ others }),
    ...meshRoutes({
      ...{ others, projects, device, now, userId: () => user.id },
      ...{ capability: own.capability, onCode: () => void callBeside() },
    }),
    ...recordRoutes({
      ...{ others, device, preferences },
      async rename(name) {
        await keepUser(config.home, { device: { ...device, userId: user.id, name }, user });
        device.name = name;
      },
    }),
    ...deviceRoutes({
      identity: { ...identity, device, user },
      version: parts.version,
      home: config.home,
      metrics,
      ...own,
      policy: announced(own.policy, () => others.now()?.rulesChanged()),
      stats: () => ({
        projects: projects.list().length,
        documents: projects.list().reduce((sum, project) => sum + catalog.count(project.id), 0),
        openDocuments: rooms.size,
        liveDocuments: views.size,
        connections: connections,
        queuedRuns: runMetrics.queued,
        residentBytes: parts.residentBytes(),
        storage: log.storage.ok ? 'ok' : log.storage.code,
      }),
    }),
  };

  let connections = 0;
  const door = await openFrontDoor({
    host: config.host,
    port: config.port,
    home: config.home,
    pid: parts.pid,
    token: identity.token,
    userId: () => user.id,
    page: (path, method) => servePage(parts.pageFolder, path, method),
    ...{ handlers, ids },
    onError: (route, error) => logger.error('http.failed', { route }, error),
    resolve: createResolve({ projects, userId: () => user.id }),
    serve: createServe({
      ...{ rooms, timing, runs: anywhere },
      stream: () =>
        streamParts({
          ...anywhere,
          submit,
          run: anywhere.require,
          answer: anywhere.input,
          interrupt: sessionsAnywhere.interrupt,
        }),
    }),
    onSocket(kind, change) {
      connections += change;
      metrics.sockets.inc({ kind }, change);
    },
    onSocketError: (reason) => metrics.socketErrors.inc({ reason }),
  }).catch(async (error: unknown) => {
    await stop(false);
    throw error;
  });
  others.resume();
  cloud.resume().catch((cause: unknown) => logger.error('cloud.trouble', { doing: 'joining it again' }, cause));
  logger.info('device.ready', { port: door.port });

  async function stop(stopRuns: boolean): Promise<void> {
    await cloud.close();
    await elsewhere.close();
    await others.close();
    await runs.close({ keepSessions: !stopRuns });
    await projects.close();
    await rooms.close();
    await log.close();
    await audit.close();
    await store.close();
  }

  let closing: Promise<void> | undefined;
  return {
    origin: door.origin,
    url: `${door.origin}/#token=${identity.token}`,
    port: door.port,
    home: config.home,
    runtimes: own.runtimes,
    async openProject(folder) {
      const { project } = await projects.openLocal(folder, undefined, AbortSignal.timeout(RESUME_TIMEOUT_MS));
      return { slug: project.slug, displayName: project.displayName };
    },
    keepWith: beside.keepWith,
    runCounts: runMetrics.counts,
    peerDoor() {
      const mesh = others.now()?.mesh;
      return mesh === undefined ? null : peerDoorOf(mesh, config.peerHost);
    },
    close({ stopRuns = false } = {}) {
      closing ??= door.close().then(() => stop(stopRuns));
      return closing;
    },
  };
}
