/**
 * What the page knows of the world, as signals: projects, the documents of the one in view, its runs, and how the
 * device is reached. Everything is shown from the own copy first and corrected by the device's answer.
 *
 * 1. A list read from the own copy never replaces one that came from the device.
 * 2. After each return of the device every list is asked for again: what happened meanwhile was not told.
 * 3. At most `runsKept` runs are kept; older ones are on the device.
 * 4. Typing in a document changes what is known of it (its time, its title) with every key. That is gathered for a
 *    moment, so that a keystroke costs no list and no tree.
 */
import {
  DocumentSchema,
  ProjectSchema,
  runMachine,
  type Copies,
  type Document,
  type DocumentId,
  type ProjectHere,
  type ProjectId,
  type Run,
  type RunId,
  type SessionHere,
} from '@markco/protocol';
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import type { Client, Connection } from '@markco/client';
import * as z from 'zod/mini';
import type { FileTrouble } from '../status/save-status.ts';
import type { OwnCopy } from '../own-copy/own-copy.ts';
import type { Router } from '../router/router.ts';
import { buildTree, flattenTree, type TreeNode } from '@markco/protocol/notebook/order';

const runsKept = 200;
const gatherMs = 500;
const listWriteMs = 2_000;
/** A run of many cells tells of many beginnings and ends. */
const sessionsMs = 150;
const awaitedMs = 3_000;

export type Workspace = {
  readonly connection: ReadonlySignal<Connection>;
  /** `undefined`: nobody has said yet. */
  readonly projects: ReadonlySignal<readonly ProjectHere[] | undefined>;
  readonly project: ReadonlySignal<ProjectHere | undefined>;
  readonly documents: ReadonlySignal<readonly Document[] | undefined>;
  readonly document: ReadonlySignal<Document | undefined>;
  readonly tree: ReadonlySignal<readonly TreeNode[]>;
  /** The documents as the tree shows them, top to bottom. */
  readonly inOrder: ReadonlySignal<readonly Document[]>;
  readonly runs: ReadonlySignal<readonly Run[]>;
  /** Of all devices that are connected. */
  readonly sessions: ReadonlySignal<readonly SessionHere[]>;
  /** Names of devices that are connected and did not say in time what sessions they have. */
  readonly silentDevices: ReadonlySignal<readonly string[]>;
  /** By path in the project. */
  readonly troubles: ReadonlySignal<ReadonlyMap<string, FileTrouble>>;
  /** The device asks for a sign-in. */
  readonly signedOut: ReadonlySignal<boolean>;
  readonly host: ReadonlySignal<HostFacts | undefined>;
  /** Called after something was made here, so that it is there before the device tells of it. */
  noteProject(project: ProjectHere): void;
  forgetProject(id: ProjectId): void;
  noteDocuments(documents: readonly Document[]): void;
  forgetDocuments(ids: readonly DocumentId[]): void;
  noteRun(run: Run): void;
  /** The run whose whole output is in view belongs to this project. */
  noteRunInView(run: Run): void;
  /** Asks the device for the last runs and the sessions again. */
  refreshRuns(): void;
  /** Asks for the sessions again; many such wishes at once are one question. */
  refreshSessions(): void;
  close(): void;
};

export type HostFacts = { readonly name: string; readonly home: string; readonly version: string };

export type WorkspaceParts = {
  readonly client: Client;
  readonly ownCopy: OwnCopy;
  readonly router: Router;
  /** On which devices a document is that is open here. */
  readonly onCopies: (copies: Copies) => void;
};

const ProjectsCopy = z.array(z.extend(ProjectSchema, { localRootPath: z.optional(z.string()) }));
const DocumentsCopy = z.array(DocumentSchema);

/** Where the own copy has the documents of a project. */
export const listKey = (projectId: string): string => `documents:${projectId}`;

function byCreation(left: Run, right: Run): number {
  return right.createdAt.localeCompare(left.createdAt);
}

export function createWorkspace({ client, ownCopy, router, onCopies }: WorkspaceParts): Workspace {
  const connection = signal<Connection>(client.connection.get());
  const projects = signal<readonly ProjectHere[] | undefined>(undefined);
  const documents = signal<readonly Document[] | undefined>(undefined);
  const runs = signal<readonly Run[]>([]);
  const sessions = signal<readonly SessionHere[]>([]);
  const silentDevices = signal<readonly string[]>([]);
  const troubles = signal<ReadonlyMap<string, FileTrouble>>(new Map());
  const refused = signal(false);
  const runProject = signal<{ readonly runId: RunId; readonly id: ProjectId } | undefined>(undefined);
  const host = signal<HostFacts | undefined>(undefined);

  let seenLast: ProjectId | undefined;
  const project = computed(() => {
    const place = router.place.value;
    if (place.at === 'home') return undefined;
    // Of a run the address says no project: the one in view stays, until the run says which is its own.
    const id = runProject.value?.runId === (place.at === 'run' ? place.runId : '') ? runProject.value?.id : seenLast;
    const found = projects.value?.find((one) => (place.at === 'run' ? one.id === id : one.slug === place.slug));
    seenLast = found?.id ?? seenLast;
    return found;
  });
  const document = computed(() => {
    const place = router.place.value;
    return place.at === 'document' ? documents.value?.find((candidate) => candidate.path === place.path) : undefined;
  });
  const titles = computed(
    () =>
      new Map(
        (documents.value ?? []).flatMap((one) => (one.title === undefined ? [] : [[one.path, one.title] as const])),
      ),
  );
  const tree = computed(() =>
    buildTree(
      (documents.value ?? []).map((one) => one.path),
      (path) => titles.value.get(path),
    ),
  );
  const inOrder = computed(() => {
    const byPath = new Map((documents.value ?? []).map((one) => [one.path, one]));
    return flattenTree(tree.value).flatMap((node) => byPath.get(node.path) ?? []);
  });
  const projectId = computed(() => project.value?.id);
  const gathered = new Map<DocumentId, Document>();
  let gatherTimer: ReturnType<typeof setTimeout> | undefined;
  const unwritten = new Map<ProjectId, readonly Document[]>();
  let listTimer: ReturnType<typeof setTimeout> | undefined;
  let sessionsTimer: ReturnType<typeof setTimeout> | undefined;
  const online = computed(() => connection.value.state === 'online');

  const noteDocuments = (changed: readonly Document[]): void => {
    const byId = new Map((documents.peek() ?? []).map((known) => [known.id, known]));
    for (const one of changed) {
      gathered.delete(one.id);
      if (one.projectId === projectId.peek()) byId.set(one.id, one);
    }
    documents.value = [...byId.values()];
  };
  /** What the device tells: a document that is new, or elsewhere, at once; the rest is gathered. */
  const hearOfDocuments = (changed: readonly Document[]): void => {
    const isPlain = (one: Document): boolean => documents.peek()?.find(({ id }) => id === one.id)?.path === one.path;
    const moved = changed.filter((one) => !isPlain(one));
    if (moved.length > 0) noteDocuments(moved);
    for (const one of changed) if (!moved.includes(one)) gathered.set(one.id, one);
    if (gathered.size > 0) gatherTimer ??= setTimeout(noteGathered, gatherMs);
  };
  const noteGathered = (): void => {
    gatherTimer = undefined;
    if (gathered.size > 0) noteDocuments([...gathered.values()]);
  };
  const forgetDocuments = (ids: readonly DocumentId[]): void => {
    const gone = new Set(ids);
    for (const id of ids) gathered.delete(id);
    documents.value = documents.peek()?.filter((known) => !gone.has(known.id));
  };
  const noteRun = (run: Run): void => {
    if (run.projectId !== projectId.peek()) return;
    runs.value = [run, ...runs.peek().filter((known) => known.id !== run.id)].toSorted(byCreation).slice(0, runsKept);
  };

  /** At once, then at most once in `listWriteMs`: a list may be long, and with every key something in it changes. */
  const keepList = (id: ProjectId, list: readonly Document[]): void => {
    unwritten.set(id, list);
    if (listTimer === undefined) writeLists();
  };
  const writeLists = (): void => {
    listTimer = unwritten.size === 0 ? undefined : setTimeout(writeLists, listWriteMs);
    for (const [id, list] of unwritten) void ownCopy.write(listKey(id), list);
    unwritten.clear();
  };

  /** An answer that never came is told by the connection, so a question may be dropped in silence here. */
  const ask = <T>(question: Promise<T>, then: (answer: T) => void): void => {
    question.then(then, (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'unauthorized') refused.value = true;
    });
  };

  const refreshProjects = (): void =>
    ask(client.api('projects', {}), (answer) => {
      projects.value = answer.projects;
      refused.value = false;
      void ownCopy.write('projects', answer.projects);
    });
  const readSessions = (): void => {
    sessionsTimer = undefined;
    ask(client.api('sessions', {}), (answer) => {
      sessions.value = answer.sessions;
      const names = (answer.silentDevices ?? []).map(({ name }) => name);
      if (names.join() !== silentDevices.peek().join()) silentDevices.value = names;
    });
  };
  const refreshSessions = (): void => void (sessionsTimer ??= setTimeout(readSessions, sessionsMs));
  const refreshRuns = (): void => {
    const id = projectId.peek();
    if (id === undefined) return;
    ask(client.api('runs', { query: { projectId: id, limit: '50' } }), (answer) => {
      if (projectId.peek() === id) runs.value = answer.runs.toSorted(byCreation);
    });
    refreshSessions();
  };
  const refreshProject = (id: ProjectId): void => {
    const stillHere = (): boolean => projectId.peek() === id;
    ask(client.api('documents', { params: { id } }), (answer) => {
      if (!stillHere()) return;
      gathered.clear();
      documents.value = answer.documents;
    });
    refreshRuns();
  };

  ownCopy.read('projects', ProjectsCopy).then(
    (kept) => {
      if (projects.peek() === undefined && kept !== undefined) projects.value = kept;
    },
    () => undefined,
  );
  refreshProjects();

  /** The address names a project that is not here, or there is none at all: a device may be about to bring it. */
  const isAwaited = computed(() => {
    const here = projects.value;
    return here !== undefined && (here.length === 0 || ('slug' in router.place.value && project.value === undefined));
  });

  const stops = [
    effect(() => {
      if (!online.value || !isAwaited.value) return undefined;
      const timer = setInterval(refreshProjects, awaitedMs);
      return () => clearInterval(timer);
    }),
    client.connection.subscribe((next) => {
      const was = connection.peek().state;
      connection.value = next;
      if (next.state === 'offline' && next.refused === true) refused.value = true;
      if (next.state === 'online' && was !== 'online') refreshProjects();
    }),
    effect(() => {
      if (!online.value) return;
      ask(client.api('device', {}), ({ device, home, version }) => (host.value = { name: device.name, home, version }));
    }),
    effect(() => {
      const id = projectId.value;
      documents.value = undefined;
      gathered.clear();
      runs.value = [];
      troubles.value = new Map();
      if (id === undefined) return undefined;
      ownCopy.read(listKey(id), DocumentsCopy).then(
        (kept) => {
          if (projectId.peek() === id && documents.peek() === undefined && kept !== undefined) documents.value = kept;
        },
        () => undefined,
      );
      return client.watchProject(id, (change) => {
        if (change.documents !== undefined) hearOfDocuments(change.documents);
        if (change.removed !== undefined) forgetDocuments(change.removed);
        if (change.copies !== undefined) onCopies(change.copies);
        if (change.run !== undefined) {
          noteRun(change.run);
          if (change.run.state === 'running' || runMachine.isTerminal(change.run.state)) refreshSessions();
        }
        if (change.trouble !== undefined) {
          const { path, recovered, code, message } = change.trouble;
          const next = new Map(troubles.peek());
          if (recovered) next.delete(path);
          else next.set(path, { path, code, message });
          troubles.value = next;
        }
      });
    }),
    effect(() => {
      const id = projectId.value;
      if (id !== undefined && online.value) refreshProject(id);
    }),
    effect(() => {
      const id = projectId.value;
      const list = documents.value;
      if (id !== undefined && list !== undefined && list.every((one) => one.projectId === id)) keepList(id, list);
    }),
    () => {
      clearTimeout(gatherTimer);
      clearTimeout(listTimer);
      clearTimeout(sessionsTimer);
    },
  ];

  return {
    connection,
    projects,
    project,
    documents,
    document,
    tree,
    inOrder,
    runs,
    sessions,
    silentDevices,
    troubles,
    signedOut: refused,
    host,
    noteProject(made) {
      projects.value = [made, ...(projects.peek() ?? []).filter((known) => known.id !== made.id)];
      void ownCopy.write('projects', projects.peek());
    },
    forgetProject(id) {
      projects.value = projects.peek()?.filter((known) => known.id !== id);
      void ownCopy.write('projects', projects.peek() ?? []);
    },
    noteDocuments,
    forgetDocuments,
    noteRun,
    noteRunInView(run) {
      runProject.value = { runId: run.id, id: run.projectId };
    },
    refreshRuns,
    refreshSessions,
    close() {
      for (const stop of stops) stop();
    },
  };
}
