/** A store on LevelDB. Its log is written with one `write` a batch, and `fdatasync` when asked to. */
import { Failure } from '@markco/protocol';
import { Level } from 'level';
import type { Store } from './store.ts';

export async function openLevelStore(folder: string): Promise<Store> {
  const level = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
  try {
    await level.open();
  } catch (cause) {
    throw openFailure(folder, cause);
  }
  return {
    get: (key) => level.getSync(key),
    async write(batch, { sync }) {
      const [only] = batch;
      if (batch.length === 1 && only !== undefined && only.value !== null) {
        await level.put(only.key, only.value, { sync });
        return;
      }
      const operations = batch.map(({ key, value }) => (value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value }));
      await level.batch(operations, { sync });
    },
    range: ({ gte, lt, reverse = false, limit = -1 }) => level.iterator({ gte, lt, reverse, limit }),
    async reopen() {
      await level.close();
      await level.open();
    },
    close: () => level.close(),
  };
}

function openFailure(folder: string, cause: unknown): Failure {
  const inner = cause instanceof Error ? cause.cause : undefined;
  if (inner instanceof Error && 'code' in inner && inner.code === 'LEVEL_LOCKED') {
    return new Failure('conflict', `Another MarkCo uses ${folder}. Stop it, or set MARKCO_HOME to a folder of its own.`, { cause });
  }
  return new Failure('storage_failed', `Cannot open the store in ${folder}. Nothing was changed; free space or repair the disk, then start again.`, { cause });
}
