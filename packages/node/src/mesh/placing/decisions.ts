/** Why runs went where they went: the scheduler's records, kept for the last KEPT_MAX runs that were placed. */
import type { RunId } from '@markco/protocol';
import type { DecisionRecord } from '@markco/scheduler';
import { nameKey } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';

const KEPT_MAX = 2_000;
const PREFIX = 'decision/';

export type Decisions = Awaited<ReturnType<typeof createDecisions>>;

export async function createDecisions(store: LocalStore, onTrouble: (doing: string, cause: unknown) => void) {
  const keyOf = (id: RunId): Uint8Array => nameKey(PREFIX + id);
  /** Oldest first. */
  const kept = new Set<RunId>();
  for await (const [key] of store.range({ gte: nameKey(PREFIX), lt: nameKey(`${PREFIX}~`) }))
    kept.add(new TextDecoder().decode(key).slice(1 + PREFIX.length) as RunId);

  return {
    /** Of a run that was placed anew, the last decision. */
    note(record: DecisionRecord): void {
      kept.delete(record.runId);
      kept.add(record.runId);
      const [oldest] = kept;
      const gone = kept.size > KEPT_MAX && oldest !== undefined ? [{ key: keyOf(oldest), value: null }] : [];
      if (oldest !== undefined && gone.length > 0) kept.delete(oldest);
      const value = new TextEncoder().encode(JSON.stringify(record));
      store
        .write([{ key: keyOf(record.runId), value }, ...gone], { sync: false })
        .catch((error: unknown) => onTrouble('keeping why a run was placed', error));
    },

    get(id: RunId): DecisionRecord | null {
      const found = store.get(keyOf(id));
      return found === undefined ? null : (JSON.parse(new TextDecoder().decode(found)) as DecisionRecord);
    },
  };
}
