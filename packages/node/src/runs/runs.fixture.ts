/** A device's runs for tests: real Python, real files in a temporary home, rows in memory. Ends every process it started. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import {
  newId,
  type DeviceId,
  type DocumentId,
  type ProjectId,
  type Run,
  type RunEvent,
  type RunId,
  type UserId,
} from '@markco/protocol';
import type { JournalStore } from './journal.ts';
import { createRuns, type RunRequest, type Runs, type RunsParts } from './runs.ts';

export const ids = { now: Date.now, randomBytes: (length: number): Uint8Array => new Uint8Array(randomBytes(length)) };
export const quiet = { info: (): void => undefined, warn: (): void => undefined };

/** Rows in memory; a put takes a turn of the event loop, as on a disk. */
export function memoryStore(): JournalStore & { readonly rows: Map<string, Uint8Array> } {
  const rows = new Map<string, Uint8Array>();
  return {
    rows,
    get: async (id) => rows.get(id) ?? null,
    put: async (id, value) => {
      await new Promise(setImmediate);
      rows.set(id, value);
    },
    async *list({ before }) {
      for (const id of [...rows.keys()].toSorted((a, b) => (a < b ? 1 : -1))) {
        const value = rows.get(id);
        if (value !== undefined && (before === null || id < before)) yield value;
      }
    },
  };
}

/** Rows as files, so that another process finds them. */
export function fileStore(folder: string): JournalStore {
  const fileOf = (id: string): string => path.join(folder, id);
  return {
    get: (id) => readFile(fileOf(id)).catch(() => null),
    async put(id, value) {
      await mkdir(folder, { recursive: true });
      await writeFile(`${fileOf(id)}.new`, value, { flush: true });
      await rename(`${fileOf(id)}.new`, fileOf(id));
    },
    async *list() {
      const names = await readdir(folder).catch(() => []);
      for (const name of names.toSorted((a, b) => (a < b ? 1 : -1)))
        if (!name.endsWith('.new')) yield await readFile(fileOf(name));
    },
  };
}

export type TestDevice = Awaited<ReturnType<typeof testDevice>>;

export async function testDevice(changes: Partial<RunsParts> = {}) {
  const home = changes.home ?? (await mkdtemp(path.join(tmpdir(), 'markco-runs-')));
  const project = path.join(home, 'project');
  await mkdir(project, { recursive: true });
  const projectId = newId<ProjectId>(ids);
  const written = new Map<RunId, string>();
  const parts: RunsParts = {
    home,
    store: memoryStore(),
    user: { id: newId<UserId>(ids) },
    device: { id: newId<DeviceId>(ids), name: 'laptop' },
    ids,
    env: { ...env, MARKCO_SECRET: 'not for cells' },
    kill,
    log: quiet,
    limits: { memoryBytes: 2 * 1024 ** 3, processes: 1_000, cpus: null },
    idleMs: null,
    projectFolder: async () => project,
    projectSlug: () => 'project',
    place: async () => ({ hostType: 'device', deviceId: parts.device.id, reason: 'session-affinity' }),
    barrier: async () => undefined,
    writeOutput: async (run, text) => void written.set(run.id, text),
    saveAsset: async (_run, content, mime) => {
      const bytes = 'file' in content ? await readFile(content.file) : content.bytes;
      const name = `asset-${bytes.length}.${mime.split('/')[1]}`;
      await writeFile(path.join(home, name), bytes);
      return name;
    },
    ...changes,
  };
  const hosts: Runs[] = [];

  async function host(): Promise<Runs> {
    const made = await createRuns(parts);
    hosts.push(made);
    return made;
  }

  return {
    home,
    project,
    parts,
    written,
    runs: await host(),
    /** Another host on the same home, as after a restart. */
    host,

    request: (code: string, changed: Partial<RunRequest> = {}): RunRequest => ({
      id: newId<RunId>(ids),
      session: { projectId, language: 'python', name: 'default' },
      code,
      documentId: null,
      cellId: null,
      docVersion: null,
      ...changed,
    }),

    inDocument: (code: string): RunRequest => ({
      id: newId<RunId>(ids),
      session: { projectId, language: 'python', name: 'default' },
      code,
      documentId: newId<DocumentId>(ids),
      cellId: 'cell',
      docVersion: null,
    }),

    /** Ends every worker of this home, whatever the test left. */
    async [Symbol.asyncDispose](): Promise<void> {
      const sessions = path.join(home, 'sessions');
      for (const name of await readdir(sessions).catch(() => [])) {
        const text = await readFile(path.join(sessions, name, 'session.json'), 'utf8').catch(() => 'null');
        const noted = (JSON.parse(text) as { process: { pid: number } | null } | null)?.process ?? null;
        try {
          if (noted !== null) kill(-noted.pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
      }
      for (const one of hosts) await one.close({ keepSessions: false }).catch(() => undefined);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** All events of a run, once it is over. */
export async function eventsOf(runs: Runs, id: RunId, fromSeq = 0): Promise<RunEvent[]> {
  return Array.fromAsync(runs.follow(id, fromSeq, AbortSignal.timeout(50_000)));
}

export async function finished(
  runs: Runs,
  request: RunRequest,
): Promise<{ run: Run; events: RunEvent[]; text: string }> {
  await runs.submit(request);
  const events = await eventsOf(runs, request.id);
  const run = await runs.get(request.id);
  if (run === null) throw new Error('the run is gone');
  return { run, events, text: textOf(events) };
}

/** What was printed, both streams together. */
export function textOf(events: readonly RunEvent[]): string {
  return events.map((event) => (event.type === 'stdout' || event.type === 'stderr' ? event.payload.text : '')).join('');
}

/** The first event that fits. */
export async function firstEvent(runs: Runs, id: RunId, fits: (event: RunEvent) => boolean): Promise<RunEvent> {
  for await (const event of runs.follow(id, 0, AbortSignal.timeout(20_000))) if (fits(event)) return event;
  throw new Error('the run ended without such an event');
}

/** Waits until a fact holds. */
export async function eventually(fact: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  for (let left = withinMs; left > 0; left -= 10) {
    if (await fact()) return;
    await delay(10);
  }
  throw new Error('it did not come true in time');
}
