/**
 * The public server: it keeps documents and answers for them. Every part is made here and handed what it needs; this
 * is the one file that knows them all.
 *
 * It runs nobody's code, and has no key of any device: what it can do with what it keeps is withhold it or spoil it.
 */
import {
  DeviceIdSchema,
  Failure,
  newId,
  type DeviceId,
  type IdSource,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import type { StorageTrouble } from '@markco/replica/documents/log';
import type { DocumentTiming } from '@markco/replica/listen/document-member';
import { documentRoutes } from '@markco/replica/listen/document-routes';
import { createGuard, type Guard, type Subject } from '@markco/replica/listen/guard';
import { createHttp } from '@markco/replica/listen/http';
import { listen, type ServerParts } from '@markco/replica/listen/server';
import { serveStream } from '@markco/replica/listen/stream';
import { serveSyncSocket } from '@markco/replica/listen/sync-socket';
import { createTicketStore } from '@markco/replica/listen/ticket-store';
import { createTickets } from '@markco/replica/listen/tickets';
import { createWatch } from '@markco/replica/listen/watch';
import { createAudit } from '@markco/replica/observe/audit';
import { nameKey } from '@markco/replica/store/key';
import { openLevelStore } from '@markco/replica/store/level';
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { Store } from '@markco/replica/store/store';
import { chmod, mkdir } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { openAdmission } from './accounts/admission.ts';
import { openAgents, ROUTING_OFF, type Agents } from './agents/agents.ts';
import { agentRoutes, runsOfStream } from './agents/routes.ts';
import { createCopies } from './copies/copies.ts';
import { copyRoutes } from './copies/routes.ts';
import { createUserData } from './deletion/user-data.ts';
import { openKept } from './documents/kept.ts';
import { createPublishing } from './publish/publishing.ts';
import { createPipes } from './peers/pipes.ts';
import { createMailbox } from './processes/mailbox.ts';
import { createDeviceLinks } from './sync/link.ts';
import { createDocumentsTable } from './store/documents-table.ts';
import { createTicketsTable } from './store/tickets-table.ts';
import { openPostgresStore } from './store/postgres.ts';
import { openSharedPostgresStore } from './store/shared-postgres.ts';
import { createMetrics } from './observe/metrics.ts';
import type { RendezvousConfig, RendezvousParts } from './rendezvous-parts.ts';
import { operatorRoutes } from './operator/routes.ts';
import { createRecent, SAMPLE_MS } from './operator/recent.ts';
import { guestStream } from './shares/guests.ts';
import { agentObserver } from './observe/agents.ts';
import { createNotes } from './observe/notes.ts';
import { createModeHere } from './sync/mode.ts';
import { createResolve, type SocketTarget } from './sync/resolve.ts';
import { createSignaling } from './sync/signal.ts';

/** WebSockets of one process: further ones are told to come again, and find another process or a quieter moment. */
const SOCKETS_MAX = 15_000;

export type Rendezvous = {
  readonly port: number;
  /** What a device of the owner comes with. */
  readonly token: string;
  close(): Promise<void>;
};

/** @throws Failure when the home is in use, the store cannot be opened or the port is taken; then nothing is left running */
export async function createRendezvous(config: RendezvousConfig, parts: RendezvousParts): Promise<Rendezvous> {
  const { ids, log: logger } = parts;
  const startedAt = ids.now();
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  await chmod(config.home, 0o700);
  const { databaseUrl, natsUrl } = config;
  if (natsUrl !== null && databaseUrl === null)
    throw new Failure('bad_request', 'NATS_URL is for processes that share a database. Set DATABASE_URL too.');
  const shared = databaseUrl === null || natsUrl === null ? null : await openSharedPostgresStore(databaseUrl);
  const database = shared ?? (databaseUrl === null ? null : await openPostgresStore(databaseUrl));
  const store = database ?? (await openLevelStore(join(config.home, 'store')));
  const stops: (() => Promise<void>)[] = [() => store.close()];
  let reloadAccounts = (): Promise<void> => Promise.resolve();
  let agentsHere: Agents | undefined;
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    const self = await loadSelf(store, shared, ids);
    const onTrouble = (doing: string, cause: unknown): void => logger.error('rendezvous.trouble', { doing }, cause);
    const signaling = createSignaling((json) => processes?.signal(json));
    const processes =
      natsUrl === null || shared === null
        ? null
        : (await import('./processes/processes.ts')).openProcesses({
            ...{ url: natsUrl, space: `markco-${self}`, process: newId(ids), now: ids.now, onTrouble },
            mailbox: createMailbox(shared),
            onSignal: signaling.hear,
            onAgents: (from, message) => agentsHere?.hear(from, message),
            onBus: (isUp) => logger.info(isUp ? 'processes.reached' : 'processes.away'),
          });
    if (processes !== null) stops.push(() => processes.close());
    let connections = 0;
    const metrics = createMetrics({
      residentBytes: parts.residentBytes,
      openDocuments: () => kept.rooms.size,
      devices: () => links.count + agents.count,
      processes: () => processes?.count ?? 0,
      isStoring: () => kept.log.storage.ok,
      isBusUp: () => processes?.isBusUp === true,
    });
    const { residentBytes, runs } = parts;
    const recent = createRecent({ residentBytes, runs, connections: () => connections, devices: () => links.count });
    const timing: DocumentTiming = {
      opened(ms, isLoaded) {
        (isLoaded ? metrics.docSwitch : metrics.docOpen).observe(ms);
        recent.opened(ms);
      },
      acknowledged(ms) {
        metrics.syncRtt.observe(ms);
        recent.acknowledged(ms);
      },
    };
    const table = database === null ? null : createDocumentsTable(database);
    const kept = await openKept({
      onSync(ms) {
        metrics.persist.observe(ms);
        recent.persisted(ms);
      },
      ...{ store, ids, self, onTrouble },
      table,
      sharing:
        processes === null || shared === null
          ? null
          : {
              ...{ ...processes.hooks, store: shared, opened: processes.begin },
              onName: () =>
                void reloadAccounts().catch((cause: unknown) => onTrouble('reading who may come in', cause)),
              onPath: (path) => agentsHere?.changed(path),
            },
      ...(database === null ? {} : { describe: describeDatabase, retryMs: databaseRetryMs }),
      onStorage(state, cause) {
        if (state.ok) logger.info('storage.recovered');
        else logger.error('storage.failing', { reason: state.code }, cause);
        watch.storage(state);
      },
    });
    stops.push(() => kept.close());
    const sampling = setInterval(() => recent.sample(ids.now()), SAMPLE_MS).unref();
    stops.push(async () => clearInterval(sampling));
    kept.rooms.onChange(({ origin, count, isElsewhere }) => {
      metrics.updates.inc({ origin: isElsewhere === true ? 'elsewhere' : origin }, count);
      recent.updated(count);
    });
    const documents = (): number =>
      [...kept.catalog.projects()].reduce((sum, { project }) => sum + kept.catalog.count(project.id), 0);
    const watch = createWatch({ catalog: kept.catalog });
    const audit = createAudit({
      ...{ file: join(config.home, 'audit.jsonl'), now: ids.now },
      onTrouble: (cause) => onTrouble('writing the audit', cause),
    });
    stops.push(audit.close);
    const { note, ...notes } = createNotes(logger, audit);
    function onDevice(device: DeviceId, userId: UserId, isOnline: boolean, reason?: string): void {
      metrics.deviceChanges.inc({ to: isOnline ? 'online' : 'offline' });
      notes.device(device, userId, isOnline, reason ?? 'link', reason === undefined ? 'device' : 'agent');
    }
    let { port } = config;
    const hosts = (): string[] => [
      ...new Set([
        ...config.names,
        ...[port, config.syncPort ?? port].flatMap((each) =>
          [...config.addresses, 'localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${each}`),
        ),
        ...(config.syncPort === null
          ? []
          : config.names.map((name) => `${name.replace(/:\d+$/, '')}:${config.syncPort}`)),
      ]),
    ];
    const admission = await openAdmission({
      ...{ ...config, store, shared, log: kept.log, ids, self, hosts, onTrouble, version: parts.version },
      projects: kept.of,
      textOf: async (id) => (await kept.documents.read(id)).text,
      textAt: async (id, seq) => (seq === 0 ? '' : kept.documents.textAt(id, seq)),
      data: createUserData({ store, table, kept }),
      name: config.names[0] ?? config.addresses[0] ?? 'cloud',
      note,
    });
    stops.push(async () => admission.close());
    reloadAccounts = admission.reload;
    const links = createDeviceLinks({
      kept,
      self,
      mode: config.syncMode,
      now: ids.now,
      admission,
      onDevice,
      onTrouble,
    });
    const mode = createModeHere(config.syncMode);
    const guard = createGuard({
      hosts,
      origins: () => hosts().flatMap((host) => [`http://${host}`, `https://${host}`]),
      self: 'This cloud',
      whose: admission.whose,
      takesTokensInAddresses: config.takesTokensInAddresses,
      howToSignIn:
        'Send the token of this cloud: `Authorization: Bearer TOKEN`, or `?token=TOKEN` with a WebSocket. `markco cloud` prints it.',
    });
    const copies = createCopies({ store, log: kept.log, now: ids.now });
    const observer = agentObserver({ metrics, log: logger, audit, now: ids.now });
    const agents = await openAgents({
      ...{ store, kept, copies, watch, ids, self, onDevice, onTrouble, hold: admission.hold, tokens: admission.agents },
      ...{ shared, others: processes, secret: admission.token },
      ...{ isOpen: config.letsAgentsIn, passesRunsOn: config.passesRunsOn },
      ...observer,
    });
    agentsHere = agents;
    stops.push(agents.close);
    const publishing = createPublishing({
      ...{ store, kept, copies, guard, publishOrigin: config.publishOrigin, now: ids.now },
      of: (subject) => kept.of(required(subject)),
      note: (event, { projectId, userId, userName, name }) =>
        audit.note(event, { user_id: userId, project_id: projectId, reason: `/@${userName}/${name}` }),
      onError: (error) => logger.error('publish.failed', {}, error),
    });
    const pipes = createPipes({
      ...{ target: parts.peer, now: ids.now },
      isKnown: ({ headers }) => isSignedIn(guard, headers),
    });
    const resolve = mode.resolve(createResolve(kept, config.letsAgentsIn, observer.onBad));
    const tickets = createTickets({
      // Of several processes any takes what another one gave.
      store: shared === null ? createTicketStore(ids.now) : createTicketsTable(shared),
      ...{ resolve, again: admission.again, randomBytes: ids.randomBytes },
    });
    const http = createHttp({
      guard,
      limit: admission.limit,
      ownerOf: (_kind, { id }) => kept.catalog.project(id as ProjectId)?.project.userId ?? null,
      handlers: {
        health: () => ({ status: 'ok' }),
        stats: () => ({
          documents: documents(),
          openDocuments: kept.rooms.size,
          devices: links.count,
          agents: agents.count,
          connections,
          syncMode: config.syncMode,
          pipes: pipes.count,
          residentBytes: parts.residentBytes(),
          storage: kept.log.storage.ok ? 'ok' : kept.log.storage.code,
        }),
        metrics: async () => new Response(await metrics.text(), { headers: { 'content-type': metrics.contentType } }),
        ...operatorRoutes({
          recent,
          now: () => ({
            ...{ version: parts.version, startedAt, now: ids.now(), documents: documents() },
            ...{ openDocuments: kept.rooms.size, isBusUp: processes?.isBusUp ?? null },
            storage: kept.log.storage.ok ? null : kept.log.storage.message,
          }),
        }),
        ...documentRoutes({
          of: (subject) => kept.of(required(subject)),
          documents: kept.documents,
          author: kept.author,
        }),
        ...{ registerLocal: ({ subject, body }) => kept.of(required(subject)).register(body) },
        ...publishing.routes,
        ...copyRoutes({ of: (subject) => kept.of(required(subject)), copies, namedBy: kept.namedBy }),
        ...mode.handlers,
        ...tickets.routes,
        ...agentRoutes({ agents, ids, tokens: admission.agents, documents: kept.documents }),
        ...admission.handlers,
        peerDoor() {
          const { peerId = null, showing = [] } = parts.peer() ?? {};
          const closed = config.passesRunsOn ? {} : { closed: ROUTING_OFF };
          return { peerId, showing: [...showing], ...closed };
        },
      },
      page: parts.page,
      onError(route, error) {
        metrics.requestErrors.inc({ route });
        recent.failed();
        logger.error('http.failed', { route }, error);
      },
    });
    const listener: ServerParts<SocketTarget> = {
      ...{ guard, tickets, resolve },
      http: publishing.door(http),
      // A browser asks devices for runs through here, and for nothing else.
      passOn: (request, socket, head) =>
        (config.passesRunsOn || request.headers.origin === undefined) && pipes.take(request, socket, head),
      socketsMax: SOCKETS_MAX,
      serve(target, connection, subject) {
        const { userId } = subject;
        if (target.kind === 'link') return mode.refuses(connection) ? undefined : links.serve(connection, subject);
        if (target.kind === 'agents') return subject.role === 'agent' ? agents.serve(connection, subject) : undefined;
        admission.hold(connection, subject);
        if (target.kind === 'guest') serveStream(connection, { timing, ...guestStream({ kept, watch }, target.guest) });
        else if (target.kind === 'signal') signaling.serve(connection, userId);
        else if (target.kind === 'stream') {
          const mine = kept.of(userId);
          serveStream(connection, {
            ...{ ...runsOfStream(agents, userId), rooms: kept.rooms, sleeps: true, timing },
            refusal: mode.refusal(mine.refusal),
            watch(projectId, tell) {
              mine.project(projectId);
              return watch.project(projectId, tell);
            },
          });
        } else serveSyncSocket(connection, kept.rooms, timing, target.documentId, target.readOnly);
      },
      onSocket(kind, change) {
        connections += change;
        metrics.sockets.inc({ kind }, change);
      },
      onSocketError(reason) {
        metrics.socketErrors.inc({ reason });
        recent.failed();
        logger.info('socket.refused', { reason });
      },
    };
    // With others, whoever is here goes on there.
    const closeCode = processes === null ? 1001 : 1012;
    const door = await listen(listener, config.port, config.host);
    stops.push(
      () => door.close(closeCode),
      async () => pipes.close(),
    );
    if (config.syncPort !== null) {
      const onlySync: typeof resolve = (url, subject) => {
        if (url.pathname.startsWith('/sync/')) return resolve(url, subject);
        throw new Failure('not_found', 'Documents are to be had here, below /sync, and nothing else.');
      };
      const side = await listen({ ...listener, resolve: onlySync }, config.syncPort, config.host);
      stops.push(() => side.close(closeCode));
    }
    const address = door.server.address();
    if (address !== null && typeof address === 'object') port = address.port;
    logger.info('rendezvous.ready', { port });
    return { port, token: admission.token, close: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isSignedIn(guard: Guard, headers: IncomingHttpHeaders): boolean {
  try {
    return guard.subject(headers).role === 'owner';
  } catch {
    return false;
  }
}

function required(subject: Subject | null): UserId {
  if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
  return subject.userId;
}

const describeDatabase = (cause: unknown): StorageTrouble => ({
  code: 'storage_failed',
  message:
    cause instanceof Failure && cause.code !== 'not_ready'
      ? cause.message
      : 'The database of this cloud does not answer, so edits are not being saved there. They are as soon as it does.',
});
const databaseRetryMs = (tries: number): number => Math.min(8_000, 250 * 2 ** tries);

/** Made once: names given here carry it. */
async function loadSelf(store: Store, shared: SharedStore | null, ids: IdSource): Promise<DeviceId> {
  const key = nameKey('self');
  let row = await store.read(key);
  if (row === undefined && shared !== null) {
    // Of processes that start at once one says it.
    const value = new TextEncoder().encode(newId(ids));
    await shared.commit([{ guard: { key, was: 0, next: 1 }, batch: [{ key, value }] }]);
    row = await store.read(key);
  }
  if (row !== undefined) {
    const known = DeviceIdSchema.safeParse(new TextDecoder().decode(row));
    if (known.success) return known.data;
    throw new Failure('storage_failed', 'The store does not say who this cloud is. Restore it from a copy.');
  }
  const self = newId<DeviceId>(ids);
  await store.write([{ key, value: new TextEncoder().encode(self) }], { sync: true });
  return self;
}
