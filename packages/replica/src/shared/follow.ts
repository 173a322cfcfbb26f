/** Reads what other processes changed, and has it taken in. */
import { formatUuid, type DocumentId, type ProjectId } from '@markco/protocol';
import { decodeProject, decodeRecord, type CatalogElsewhere, type DocumentCatalog } from '../documents/catalog.ts';
import type { Changed, SharedStore } from '../store/shared-store.ts';
import type { SharedLog } from './shared-log.ts';

export type Follow = {
  /** Resolves once all that was committed when this was called is taken in here. Rejects as the store does. */
  pull(): Promise<void>;
  /** This process changed a row itself, so that it is no news. */
  wrote(key: Uint8Array, version: number): void;
};

export type FollowParts = {
  readonly store: Pick<SharedStore, 'changes'>;
  /** Where to begin. */
  readonly cursor: string;
  readonly log: Pick<SharedLog, 'isAt' | 'catchUp'>;
  readonly catalog: () => Pick<DocumentCatalog, 'take'>;
  /** A row of its own was written. */
  readonly onName: (name: string) => void;
  /** Something below a path of its own was written, here or elsewhere. */
  readonly onPath: (path: string) => void;
};

export function createFollow({ store, log, catalog, onName, onPath, ...parts }: FollowParts): Follow {
  let { cursor } = parts;
  let running: Promise<void> | undefined;
  let again: Promise<void> | undefined;
  /** The version of each row that was taken in last: the same may come twice. */
  const seen = new Map<string, number>();

  async function pullNow(): Promise<void> {
    for (;;) {
      const answer = await store.changes(cursor);
      take(answer.changed);
      cursor = answer.cursor;
      if (answer.isAll) break;
    }
    log.catchUp();
  }

  function take(changed: readonly Changed[]): void {
    const rows: CatalogElsewhere['rows'][number][] = [];
    const projects: CatalogElsewhere['projects'][number][] = [];
    const versions: (readonly [ProjectId | null, number])[] = [];
    for (const { key, version, value } of changed) {
      const letter = String.fromCharCode(key[0] ?? 0);
      if (letter === 'u') log.isAt(idOf(key) as DocumentId, version);
      if (letter === 'c') versions.push([key.length === 1 ? null : (idOf(key) as ProjectId), version]);
      if (letter === 'n') onPath(new TextDecoder().decode(key.subarray(1)));
      if (value === null || !isNews(key, version)) continue;
      if (letter === 'd') rows.push(decodeRecord(value));
      else if (letter === 'p') projects.push(decodeProject(value));
      else if (letter === 'm') onName(new TextDecoder().decode(key.subarray(1)));
    }
    if (rows.length + projects.length + versions.length > 0) catalog().take({ rows, projects, versions });
  }

  function isNews(key: Uint8Array, version: number): boolean {
    const text = Buffer.from(key).toString('latin1');
    if ((seen.get(text) ?? 0) >= version) return false;
    seen.set(text, version);
    return true;
  }

  function start(): Promise<void> {
    running = pullNow().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    wrote: (key, version) => void isNews(key, version),
    pull() {
      if (running === undefined) return start();
      // What runs may have read before.
      again ??= running
        .catch(() => undefined)
        .then(() => {
          again = undefined;
          return start();
        });
      return again;
    },
  };
}

const idOf = (key: Uint8Array): string => formatUuid(key.subarray(1, 17));
