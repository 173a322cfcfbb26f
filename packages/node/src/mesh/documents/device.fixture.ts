/** A device that has documents and files and nothing else, and a connection between two of them that can be cut. */
import {
  Failure,
  newId,
  type DeviceId,
  type DocumentId,
  type IdSource,
  type Project,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCatalog } from '@markco/replica/documents/catalog';
import { createDocuments } from '@markco/replica/documents/documents';
import { createLog } from '@markco/replica/documents/log';
import { createRooms, type Rooms } from '@markco/replica/documents/rooms';
import { createViews } from '@markco/replica/documents/views';
import type { FolderEvent } from '../../files/events.ts';
import { createFolder } from '../../files/folder.ts';
import { createDiskFiles } from '../../files/files-disk.ts';
import { systemTimer } from '../../files/timer.ts';
import { nativeWatcher } from '../../files/watcher-native.ts';
import { createLogger } from '../../observe/log.ts';
import { createProjects } from '../../projects/projects.ts';
import { openLevelStore } from '@markco/replica/store/level';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { createDigests } from '@markco/replica/replicate/digests';
import { createLinks } from '@markco/replica/replicate/links';
import type { ReplicateParts } from '@markco/replica/replicate/replicate-parts';
import { replicate, type Replication } from '@markco/replica/replicate/replicate';

export type ReplicaDevice = Awaited<ReturnType<typeof replicaDevice>>;

export async function replicaDevice(skewMs = 0) {
  const root = await mkdtemp(path.join(tmpdir(), 'markco-mesh-'));
  const clock = { skewMs };
  const ids: IdSource = { now: () => Date.now() + clock.skewMs, randomBytes: (length) => randomBytes(length) };
  const { now } = ids;
  const troubles: unknown[] = [];
  const user = newId<UserId>(ids);
  /** Who hears what happens in the folder, besides the documents. */
  const folder: { heard?: (id: ProjectId, event: FolderEvent) => void } = {};
  const home = path.join(root, 'home');
  await mkdir(home);
  const store = await openLevelStore(path.join(home, 'store'));
  const log = createLog({ store, now, onStorage: () => undefined, onSync: () => undefined });
  const views = createViews({ now });
  const rooms: Rooms = createRooms({
    store,
    log,
    views,
    now,
    beginning: (id) => projects.beginning(id),
    begun: (id) => projects.begun(id),
    onTrouble: (id, doing, cause) => void troubles.push([id, doing, cause]),
    onRelease: () => undefined,
  });
  const deviceId = newId<DeviceId>(ids);
  const catalog = await openCatalog({ store, log, device: deviceId, now });
  const documents = createDocuments({ store, rooms, views });
  const projects = createProjects({
    catalog,
    documents,
    ids,
    author: () => randomBytes(4).readUInt32BE(),
    userId: () => user,
    home,
    log: createLogger('silent', {}, { write: () => undefined }),
    createFolder: (projectId, notes) =>
      createFolder(
        {
          files: createDiskFiles(notes),
          catalog,
          texts: documents,
          ids,
          timer: systemTimer,
          watcher: nativeWatcher,
        },
        { root: notes, projectId },
      ),
    disconnect: (id, failure) => rooms.peek(id)?.refuseAll(failure),
    onFolderEvent: (id, event) => folder.heard?.(id, event),
  });
  const digests = createDigests(rooms);
  const links = createLinks();
  const replications = new Set<Replication>();
  const heard: { projects: readonly Project[] } = { projects: [] };
  const held = new Map<DocumentId, number>();
  /** What the other device told that was not new. */
  const waste = { cost: 0 };
  return {
    root,
    home,
    ids,
    /** How far its clock is ahead. */
    clock,
    deviceId,
    store,
    rooms,
    digests,
    links,
    catalog,
    documents,
    projects,
    /** Of the other device. */
    heard,
    held,
    waste,
    troubles,
    onFolderEvent: (heard: (id: ProjectId, event: FolderEvent) => void): void => void (folder.heard = heard),
    async open(files: Readonly<Record<string, string>>): Promise<ProjectId> {
      const notes = path.join(root, 'notes');
      for (const [file, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(notes, file)), { recursive: true });
        await writeFile(path.join(notes, file), text);
      }
      const { project } = await projects.openLocal(notes, undefined, AbortSignal.timeout(30_000));
      for (const replication of replications) replication.tellProjects();
      return project.id;
    },
    /** Resolves once everything that has come was dealt with. */
    async quiet(): Promise<void> {
      for (const replication of replications) await replication.settled();
    },
    /** The project that the other device says it has. */
    async hears(): Promise<Project> {
      for (;;) {
        const [project] = heard.projects;
        if (project !== undefined) return project;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async join(project: Project): Promise<void> {
      await projects.join(project, path.join(root, 'notes'), AbortSignal.timeout(30_000));
      for (const replication of replications) replication.tellProjects();
    },
    file: (name: string): Promise<string> => readFile(path.join(root, 'notes', name), 'utf8').catch(() => ''),
    write: (name: string, text: string): Promise<void> => writeFile(path.join(root, 'notes', name), text),
    idOf: (projectId: ProjectId, file: string): DocumentId => {
      const id = catalog.byPath(projectId, file)?.id;
      if (id === undefined) throw new Failure('not_found', `There is no ${file}.`);
      return id;
    },
    async type(id: DocumentId, at: number, insert: string): Promise<void> {
      const { seq } = await documents.read(id);
      await documents.edit(
        id,
        seq,
        [{ author: randomBytes(4).readUInt32BE(), edits: [{ at, remove: 0, insert }] }],
        'page',
      );
    },
    replicate(stream: MessageStream, leads: boolean, device: DeviceId): Replication {
      const parts: ReplicateParts = {
        rooms,
        catalog,
        digests,
        links,
        device,
        isAuthor: true,
        now,
        projects: projects.shared,
        refusal: (id) => projects.refusal(id),
        take: projects.takeRows,
        onProjects: (all) => void (heard.projects = all),
        onHeld: (id, seq) => void held.set(id, seq),
        onTrouble: (doing, cause) => void troubles.push([doing, cause]),
        wasted: (cost) => void (waste.cost += cost),
      };
      const made = replicate(stream, leads, parts);
      replications.add(made);
      stream.onClose(() => replications.delete(made));
      return made;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const replication of replications) replication.close();
      await projects.close();
      await rooms.close();
      await log.close();
      await store.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export type Wire = { readonly bytes: number; readonly messages: number; cut(): void };

/** Connects two devices; messages arrive in later turns, in order, until it is cut. */
export function connect(
  a: ReplicaDevice,
  b: ReplicaDevice,
  spy: (from: string, message: Uint8Array | string) => void = () => undefined,
  arrives: (from: string) => boolean = () => true,
  /** What is sent from there waits for it, and so does all behind that. */
  held: (from: string) => Promise<void> | undefined = () => undefined,
): Wire {
  const counted = { bytes: 0, messages: 0 };
  const ends = [end(a.troubles), end(b.troubles)] as const;
  ends.forEach((mine, index) => {
    const other = ends[1 - index];
    mine.deliver = (message) => {
      spy(index === 0 ? 'a' : 'b', message);
      counted.bytes += message.length;
      counted.messages += 1;
      if (!arrives(index === 0 ? 'a' : 'b')) return;
      const until = held(index === 0 ? 'a' : 'b');
      if (until === undefined) setImmediate(() => other?.receive(message));
      else void until.then(() => other?.receive(message));
    };
    mine.cut = () => {
      for (const each of ends) each.closed();
    };
  });
  a.replicate(ends[0].stream, true, b.deviceId);
  b.replicate(ends[1].stream, false, a.deviceId);
  return {
    get bytes() {
      return counted.bytes;
    },
    get messages() {
      return counted.messages;
    },
    cut: () => ends[0].cut(),
  };
}

function end(wired: unknown[]) {
  let listener: (message: Uint8Array | string) => void = () => undefined;
  const closers: ((why: Failure | null) => void)[] = [];
  let isOpen = true;
  const made = {
    deliver: (_message: Uint8Array | string): void => undefined,
    cut: (): void => undefined,
    receive(message: Uint8Array | string): void {
      if (isOpen) listener(message);
    },
    closed(): void {
      if (!isOpen) return;
      isOpen = false;
      for (const close of closers) close(null);
    },
    stream: {
      sendBytes: (message) => void (isOpen && made.deliver(message.slice())),
      sendText: (text) => void (isOpen && made.deliver(text)),
      waiting: () => 0,
      onMessage: (next) => void (listener = next),
      onDrain: () => undefined,
      onClose: (close) => void closers.push(close),
      close: () => made.cut(),
      abort: (why) => {
        wired.push(why);
        made.cut();
      },
    } satisfies MessageStream as MessageStream,
  };
  return made;
}
