/** For tests: a folder on a real disk, with documents in memory beside it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentId, ProjectId } from '@markco/protocol';
import type { Catalog, DocumentRecord } from '@markco/replica/documents/document-record';
import { createMemoryCatalog } from './catalog-memory.ts';
import type { FolderEvent } from './events.ts';
import type { Files } from './files.ts';
import { createDiskFiles } from './files-disk.ts';
import { createFolder, type Folder } from './folder.ts';
import { createMemoryTexts, type MemoryTexts } from './texts-memory.ts';
import { systemTimer } from './timer.ts';
import { nativeWatcher } from './watcher-native.ts';
import type { Watcher } from './watcher.ts';

export const PROJECT = '00000000-0000-7000-8000-00000000abcd' as ProjectId;
export const never = new AbortController().signal;

export type TestFolder = AsyncDisposable & {
  readonly root: string;
  readonly catalog: Catalog;
  readonly texts: MemoryTexts;
  readonly events: FolderEvent[];
  readonly lags: number[];
  folder: Folder;
  /** A new device on the same folder, catalog and texts. */
  restart(): Promise<void>;
  read(path: string): Promise<string>;
  record(path: string): DocumentRecord;
  import(path: string): Promise<DocumentId>;
  type(path: string, insert: string, at?: number): void;
};

export async function createTestFolder(
  options: { readonly root?: string; readonly watcher?: Watcher; readonly wrap?: (files: Files) => Files } = {},
): Promise<TestFolder> {
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'markco-files-')));
  const catalog = createMemoryCatalog();
  const texts = createMemoryTexts();
  const events: FolderEvent[] = [];
  const lags: number[] = [];
  const make = (): Folder => {
    const disk = createDiskFiles(root);
    const folder = createFolder(
      {
        files: options.wrap?.(disk) ?? disk,
        catalog,
        texts,
        ids: { now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) },
        timer: systemTimer,
        watcher: options.watcher ?? nativeWatcher,
        lagMs: (ms) => lags.push(ms),
      },
      { root, projectId: PROJECT },
    );
    folder.onEvent((event) => events.push(event));
    return folder;
  };
  const record = (path: string): DocumentRecord => {
    const found = catalog.byPath(PROJECT, path);
    if (found === undefined) throw new Error(`no document ${path}`);
    return found;
  };
  const test: TestFolder = {
    root,
    catalog,
    texts,
    events,
    lags,
    folder: make(),
    async restart() {
      await test.folder.close();
      test.folder = make();
      await test.folder.open(never);
    },
    read: (path) => readFile(join(root, path), 'utf8'),
    record,
    async import(path) {
      const { id } = record(path);
      const { text, file } = await test.folder.initialText(id);
      const row = record(path);
      await catalog.put([{ ...row, file: { ...file, seq: texts.import(id, text) } }]);
      return id;
    },
    type: (path, insert, at = 0) => texts.type(record(path).id, { at, remove: 0, insert }),
    async [Symbol.asyncDispose]() {
      await test.folder.close();
      await rm(root, { recursive: true, force: true });
    },
  };
  return test;
}

/** Waits until `fact` holds, five seconds at most. */
export async function eventually(fact: () => boolean | Promise<boolean>, what: string): Promise<number> {
  const startedAt = performance.now();
  while (!(await fact())) {
    if (performance.now() - startedAt > 5_000) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  return performance.now() - startedAt;
}
