/**
 * The rows of who may come in, as they are written: all of them have one version, and a change names the one that it
 * builds on. So of two processes that change them at once the second reads first what the other did.
 */
import { Failure } from '@markco/protocol';
import type { Log } from '@markco/replica/documents/log';
import { nameKey } from '@markco/replica/store/key';
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { StoreWrite } from '@markco/replica/store/store';

const VERSION = nameKey('admission');
const TRIES_MAX = 5;

export type Rows = {
  /**
   * What to write is asked anew when another process was quicker; it throws when that has made it impossible.
   * @throws Failure `conflict` when others were quicker again and again
   */
  write(batch: () => readonly StoreWrite[]): Promise<void>;
  /** Reads everything anew. */
  reload(): Promise<void>;
  /** Whoever keeps rows in memory reads them again when they were changed elsewhere. */
  onReload(read: () => Promise<void>): void;
};

export async function openRows({
  log,
  shared,
}: {
  readonly log: Pick<Log, 'writeIf'>;
  /** Null where nobody else writes. */
  readonly shared: Pick<SharedStore, 'versions'> | null;
}): Promise<Rows> {
  const readers: (() => Promise<void>)[] = [];
  let version = 0;
  let reloading: Promise<void> = Promise.resolve();

  /** The version before the rows: rows that are newer than it only cost another try. */
  async function readVersion(): Promise<void> {
    const known = (await shared?.versions('m')) ?? [];
    version = known.find(({ key }) => Buffer.compare(key, VERSION) === 0)?.version ?? version;
  }

  function reload(): Promise<void> {
    reloading = reloading
      .catch(() => undefined)
      .then(async () => {
        await readVersion();
        for (const read of readers) await read();
      });
    return reloading;
  }

  await readVersion();
  return {
    async write(batch) {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const [was, next] = [version, version + 1];
        const value = new TextEncoder().encode(String(next));
        if (await log.writeIf({ guard: { key: VERSION, was, next }, batch: [...batch(), { key: VERSION, value }] })) {
          version = Math.max(version, next);
          return;
        }
        await reload();
      }
      throw new Failure('conflict', 'Others changed accounts of this cloud in the same moment. Try again.', {
        retryable: true,
      });
    },
    reload,
    onReload: (read) => void readers.push(read),
  };
}
