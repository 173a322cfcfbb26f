/**
 * Automerge's storage on the store of this device.
 *
 * 1. Chunks are written in the order they were asked for and are synced to disk. What the disk refuses is kept here and
 *    goes first the next time; nothing is removed before what replaces it is written.
 * 2. Automerge packs its chunks into one only with the next change after they have outgrown it. A record that came whole
 *    from another device would be read change by change at each start until then, so `pack` is asked for besides.
 * 3. Nothing rejects but `settle`: Automerge saves on its own time, where nobody would hear of it.
 */
import type { Chunk, StorageAdapterInterface, StorageKey } from '@automerge/automerge-repo';
import { Failure } from '@markco/protocol';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { LocalStore, StoreWrite } from '@markco/replica/store/store';

export type RecordStorage = StorageAdapterInterface & {
  /** Puts one chunk in place of all there are of a document: of what is in them by then, and maybe more. */
  pack(document: string, whole: () => { readonly name: string; readonly data: Uint8Array }): Promise<void>;
  /** Resolves once all that was asked for is on disk. @throws Failure `storage_failed` while the disk refuses */
  settle(): Promise<void>;
  /** Whether something waits for a disk that refused it. */
  readonly isBehind: boolean;
};

/** As Automerge names what was changed since the snapshot. */
const STEP = 'incremental';
/** Chunks of a step that are larger than this, together, and than the snapshot, are packed. */
const LOOSE_BYTES_MAX = 32 * 1024;

/** @param onLoose told of a chunk that is so large that it should be packed */
export function recordStorage(
  store: LocalStore,
  onLoose: () => void,
  onTrouble: (doing: string, cause: unknown) => void,
): RecordStorage {
  let pending: StoreWrite[] = [];
  let work: Promise<unknown> = Promise.resolve();
  let refused: unknown;

  function put(writes: readonly StoreWrite[]): Promise<void> {
    pending.push(...writes);
    const written = work.then(async () => {
      const batch = pending;
      if (batch.length === 0) return;
      pending = [];
      try {
        await store.write(batch, { sync: true });
        refused = undefined;
      } catch (cause) {
        pending = [...batch, ...pending];
        if (refused === undefined) onTrouble('keeping the record', cause);
        refused = cause;
      }
    });
    work = written;
    return written;
  }

  async function chunks(prefix: StorageKey): Promise<Chunk[]> {
    const found: Chunk[] = [];
    for await (const [key, data] of store.range(pathRange('g', prefix)))
      found.push({ key: new TextDecoder().decode(key.subarray(1)).split('/'), data });
    return found;
  }

  return {
    load: async (key) => store.get(pathKey('g', key)),
    async save(key, data) {
      await put([{ key: pathKey('g', key), value: data.slice() }]);
      if (key[1] === STEP && data.length > LOOSE_BYTES_MAX) onLoose();
    },
    remove: (key) => put([{ key: pathKey('g', key), value: null }]),
    loadRange: chunks,
    async removeRange(prefix) {
      await put((await chunks(prefix)).map(({ key }) => ({ key: pathKey('g', key), value: null })));
    },
    async pack(document, whole) {
      const all = await chunks([document]);
      const bytes = { loose: 0, packed: 0 };
      for (const { key, data } of all) bytes[key[1] === STEP ? 'loose' : 'packed'] += data?.length ?? 0;
      if (bytes.loose <= Math.max(LOOSE_BYTES_MAX, bytes.packed)) return;
      const { name, data } = whole();
      // One batch: there is always one or the other.
      await put([
        ...all.map(({ key }) => ({ key: pathKey('g', key), value: null })),
        { key: pathKey('g', [document, 'snapshot', name]), value: data },
      ]);
    },
    async settle() {
      await put([]);
      // What others asked for meanwhile is on its way.
      if (refused !== undefined)
        throw new Failure('storage_failed', 'The disk took no change of what your devices have. Free some space.', {
          cause: refused,
          retryable: true,
        });
    },
    get isBehind() {
      return refused !== undefined;
    },
  };
}
