/**
 * Of several processes that take out what one account had, one goes on: each change builds on the last one, whoever made it,
 * and so does the word that nothing is left. One that is behind changes nothing more, however late it goes on, so that it
 * never takes out what the same person has brought since.
 */
import type { Log } from '@markco/replica/documents/log';
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { StoreWrite } from '@markco/replica/store/store';

/** Another process is at it, or has done it. */
export class Superseded extends Error {}

export type Fence = {
  /** @throws Superseded */
  write(batch: readonly StoreWrite[]): Promise<void>;
  /** What was said of the versions of these keys, as long as nobody else has gone on. */
  forget(keys: readonly Uint8Array[]): Promise<void>;
};

export type FenceParts = {
  readonly log: Pick<Log, 'writeIf'>;
  /** Null where this process alone writes. */
  readonly shared: Pick<SharedStore, 'forget' | 'versions'> | null;
};

export async function openFence({ log, shared }: FenceParts, key: Uint8Array): Promise<Fence> {
  const known = (await shared?.versions(String.fromCharCode(key[0] ?? 0))) ?? [];
  let version = known.find((each) => Buffer.compare(each.key, key) === 0)?.version ?? 0;
  return {
    async write(batch) {
      const guard = { key, was: version, next: version + 1 };
      if (!(await log.writeIf({ guard, batch }))) throw new Superseded();
      version = guard.next;
    },
    forget: async (keys) => shared?.forget(keys, { key, version }),
  };
}
