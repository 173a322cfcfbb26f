/**
 * Brings the files that documents name to the cloud: pictures, plots, data, so that they are shown there while this
 * device is off.
 *
 * 1. Only what a document names goes, from inside its project, and nothing that is reached by a link.
 * 2. Nothing here waits for it, and what failed is tried again when something changes, and now and then.
 */
import { Failure, filePathOf, namedFiles, type Project, type ProjectId, LIMITS } from '@markco/protocol';
import type { DocumentRecord } from '@markco/replica/documents/document-record';
import type { Api } from '@markco/client/api';
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { openToRead } from '../mesh/assets/inside.ts';

/** Changes come together: a run writes its plot, then its output. */
const REST_MS = 300;
const AGAIN_MS = 500;
const AGAIN_MAX_MS = 60_000;
const ANSWER_MS = 60_000;
const TEXT_BYTES_MAX = 10 * 1024 * 1024;

export type CarryFilesParts = {
  readonly isConnected: () => boolean;
  readonly api: (signal: AbortSignal) => Promise<Api>;
  readonly projects: () => readonly Project[];
  /** @throws Failure when the project has no folder here */
  readonly root: (id: ProjectId) => string;
  readonly documents: (id: ProjectId) => Iterable<DocumentRecord>;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

type Hashed = { readonly mtimeMs: number; readonly sizeBytes: number; readonly contentHash: string };
type Seen = {
  /** By document: which files it named when its text had this hash. */
  readonly named: Map<string, { readonly contentHash: string; readonly files: readonly string[] }>;
  readonly hashed: Map<string, Hashed>;
  /** What the cloud was told last, while no file has changed since: then only other names are worth looking at files for. */
  told: ReadonlySet<string> | null;
};

export type CarryFiles = {
  /** Documents of a project have changed. */
  changed(id: ProjectId): void;
  /** Files of it that are no documents have. */
  filesChanged(id: ProjectId): void;
  /** The cloud is there again, and may lack anything. */
  changedAll(): void;
  close(): void;
};

export function createCarryFiles(parts: CarryFilesParts): CarryFiles {
  const due = new Set<ProjectId>();
  const seen = new Map<ProjectId, Seen>();
  let timer: NodeJS.Timeout | undefined;
  let isWorking = false;
  let isClosed = false;
  let tries = 0;

  function plan(ms: number): void {
    if (isClosed || isWorking || !parts.isConnected()) return;
    timer ??= setTimeout(() => void work(), ms).unref();
  }

  async function work(): Promise<void> {
    timer = undefined;
    isWorking = true;
    const failed: ProjectId[] = [];
    for (const id of due) {
      due.delete(id);
      if (!parts.isConnected() || isClosed) break;
      await carry(id).catch((cause: unknown) => {
        failed.push(id);
        // The cloud hears of a project a moment after it was opened.
        if (!(cause instanceof Failure) || !['not_found', 'not_ready'].includes(cause.code))
          parts.onTrouble('bringing files to the cloud', cause);
      });
    }
    isWorking = false;
    tries = failed.length === 0 ? 0 : tries + 1;
    if (due.size > 0) plan(REST_MS);
    else if (failed.length > 0) plan(Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** tries));
    for (const id of failed) due.add(id);
  }

  async function carry(id: ProjectId): Promise<void> {
    if (!parts.projects().some((project) => project.id === id)) return;
    const root = await realpath(parts.root(id));
    let before = seen.get(id);
    if (before === undefined) seen.set(id, (before = { named: new Map(), hashed: new Map(), told: null }));
    const names = await namesIn(root, id, before);
    if (before.told !== null && names.symmetricDifference(before.told).size === 0) return;
    before.told = null;
    const files: ({ readonly path: string } & Omit<Hashed, 'mtimeMs'>)[] = [];
    for (const path of names) {
      const found = files.length < LIMITS.copiesMax ? await hashOf(root, path, before) : undefined;
      if (found !== undefined) files.push({ path, contentHash: found.contentHash, sizeBytes: found.sizeBytes });
    }
    for (const path of before.hashed.keys()) if (!names.has(path)) before.hashed.delete(path);
    if (files.length > 0) await bring(id, root, files);
    // A file that has changed meanwhile made this project due again.
    if (!due.has(id)) before.told = names;
  }

  async function bring(
    id: ProjectId,
    root: string,
    files: readonly ({ readonly path: string } & Omit<Hashed, 'mtimeMs'>)[],
  ): Promise<void> {
    const signal = (): AbortSignal => AbortSignal.timeout(ANSWER_MS);
    const api = await parts.api(signal());
    const { wanted } = await api('offerCopies', { params: { id }, body: { files: [...files] }, signal: signal() });
    for (const path of wanted) {
      const bytes = await readInside(root, path);
      if (bytes === undefined) continue;
      const contentHash = createHash('sha256').update(bytes).digest('hex');
      await api('putCopy', { params: { id, contentHash }, query: { path }, bytes, signal: signal() });
    }
  }

  async function namesIn(root: string, id: ProjectId, { named }: Seen): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    const ids = new Set<string>();
    for (const record of [...parts.documents(id)]) {
      ids.add(record.id);
      const known = named.get(record.id);
      let files = known?.contentHash === record.contentHash ? known.files : undefined;
      if (files === undefined) {
        const file = filePathOf(record);
        const bytes = await readInside(root, file, TEXT_BYTES_MAX);
        if (bytes === undefined) continue;
        files = namedFiles(new TextDecoder().decode(bytes), file);
        // A file that is ahead of its row is read again.
        if (createHash('sha256').update(bytes).digest('hex') === record.contentHash)
          named.set(record.id, { contentHash: record.contentHash, files });
      }
      for (const path of files) names.add(path);
    }
    for (const each of named.keys()) if (!ids.has(each)) named.delete(each);
    return names;
  }

  async function hashOf(root: string, path: string, { hashed }: Seen): Promise<Hashed | undefined> {
    try {
      await using file = await openToRead(root, path);
      const { mtimeMs, size: sizeBytes } = await file.stat();
      const known = hashed.get(path);
      if (known?.mtimeMs === mtimeMs && known.sizeBytes === sizeBytes) return known;
      const bytes = await readInside(root, path);
      if (bytes === undefined) return undefined;
      const contentHash = createHash('sha256').update(bytes).digest('hex');
      const found = { mtimeMs, sizeBytes: bytes.length, contentHash };
      hashed.set(path, found);
      return found;
    } catch {
      return undefined;
    }
  }

  const forget = (id: ProjectId): void => {
    const known = seen.get(id);
    if (known !== undefined) known.told = null;
  };

  return {
    changed(id) {
      due.add(id);
      plan(REST_MS);
    },
    filesChanged(id) {
      forget(id);
      this.changed(id);
    },
    changedAll() {
      for (const { id } of parts.projects()) {
        forget(id);
        due.add(id);
      }
      if (due.size > 0) plan(REST_MS);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** Undefined for what is no file, is not there, or is too large. */
async function readInside(
  root: string,
  path: string,
  max = LIMITS.copyBytesMax,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    await using file = await openToRead(root, path);
    const found = await file.stat();
    return found.isFile() && found.size <= max ? new Uint8Array(await file.readFile()) : undefined;
  } catch {
    return undefined;
  }
}
