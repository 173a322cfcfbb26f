/** The rows of runs in the device's store. */
import { keyOf, tableRange } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';
import type { Log } from '@markco/replica/documents/log';
import type { JournalStore } from './journal.ts';

export function createJournalStore({
  store,
  log,
}: {
  readonly store: LocalStore;
  readonly log: Pick<Log, 'write'>;
}): JournalStore {
  return {
    get: async (id) => store.get(keyOf('r', id)) ?? null,
    async put(id, value, { sync }) {
      const batch = [{ key: keyOf('r', id), value }];
      if (sync) await log.write(batch);
      else await store.write(batch, { sync });
    },
    async *list({ before }) {
      const { gte, lt } = tableRange('r');
      for await (const [, value] of store.range({ gte, lt: before === null ? lt : keyOf('r', before), reverse: true }))
        yield value;
    },
  };
}
