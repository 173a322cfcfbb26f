/**
 * The mesh record: what the user's devices know of each other, in one Automerge document that each of them keeps. Who
 * is a device of the user is not decided here but by the signed log.
 *
 * 1. Every device begins it with the same change, so that it is there at once and never waited for.
 * 2. A device writes as an author that has its id in its name, another one each time it starts: had the disk lost the
 *    end of what was told to others, the same author would otherwise say two things with one number.
 * 3. What this device changed is on disk when `change` resolves.
 * 4. Nothing is written when nothing changed, and nothing here wakes a device that is idle.
 */
import { clone, getActorId, getHeads, save, type Doc } from '@automerge/automerge';
import {
  interpretAsDocumentId,
  Repo,
  type BinaryDocumentId,
  type DocHandle,
  type DocumentId as RecordId,
  type PeerId,
} from '@automerge/automerge-repo';
import { parseUuid, type DeviceId, type IdSource, type UserId } from '@markco/protocol';
import { createHash } from 'node:crypto';
import type { LocalStore } from '@markco/replica/store/store';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { BEGINNING, type RawRecord } from './beginning.ts';
import { loadRecord } from './load.ts';
import { createRecordNetwork } from './network.ts';
import { recordStorage } from './storage.ts';
import { readRecord, type RecordView } from './view.ts';

export type RecordParts = {
  readonly store: LocalStore;
  readonly ids: IdSource;
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  readonly isMember: (device: DeviceId) => boolean;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type MeshRecord = {
  view(): RecordView;
  /** As Automerge has it, for its history. */
  raw(): Doc<RawRecord>;
  /** @throws Failure `storage_failed` when the disk refuses; it is tried again with the next change */
  change(edit: (draft: RawRecord) => void): Promise<void>;
  /** Told when anybody changed it. */
  onChange(listener: () => void): void;
  /** Keeps it equal with a device of the user, until the stream ends. */
  join(stream: MessageStream, device: DeviceId): void;
  /** The devices of the user have changed, or whose they are: with another user another record begins. */
  refresh(userId: UserId): Promise<void>;
  close(): Promise<void>;
};

const ACTOR_BYTES = 8;

export async function openRecord(parts: RecordParts): Promise<MeshRecord> {
  const { store, ids, deviceId } = parts;
  const storage = recordStorage(store, () => setImmediate(() => void pack()), parts.onTrouble);
  const actor = Buffer.concat([parseUuid(deviceId), ids.randomBytes(ACTOR_BYTES)]).toString('hex');
  const listeners: (() => void)[] = [];
  const passedOver = new Set<string>();
  let user = parts.userId;
  let handle: DocHandle<RawRecord> | undefined;
  let name: Uint8Array = parseUuid(user);
  /** A document of Automerge is another object once it has changed. */
  let seen: { readonly doc: Doc<RawRecord>; readonly view: RecordView } | undefined;

  const network = createRecordNetwork({
    ...{ self: deviceId, isMember: parts.isMember, now: ids.now },
    current: () => (handle === undefined ? null : { name, doc: handle.doc() }),
    take: (doc) => handle?.update(() => doc),
    canKeep: () => !storage.isBehind,
  });
  const repo = new Repo({ peerId: deviceId as string as PeerId, storage });

  // As its own, but for reading all chunks as one document: it applies them to an empty one change by change, which takes
  // three times as long. For want of knowing what was read, it then writes a whole snapshot with the first change.
  const chunks = repo.storageSubsystem;
  if (chunks !== undefined)
    chunks.loadDoc = async <T>(id: RecordId) => {
      const read = await chunks.loadDocData(id);
      return read === null ? null : loadRecord<T>(read, actor);
    };

  async function open(of: UserId): Promise<void> {
    const bytes = parseUuid(of);
    const id = interpretAsDocumentId(bytes as BinaryDocumentId);
    if ((await storage.loadRange([id, 'snapshot'])).length === 0)
      await storage.save([id, 'snapshot', 'beginning'], BEGINNING);
    const found = await repo.find<RawRecord>(id);
    found.update((doc) => (getActorId(doc) === actor ? doc : clone(doc, { actor })));
    user = of;
    seen = undefined;
    name = bytes;
    handle = found;
    found.on('heads-changed', () => {
      if (handle !== found) return;
      network.changed();
      for (const listener of listeners) listener();
    });
    network.renamed();
  }

  async function pack(): Promise<void> {
    const packed = handle;
    if (packed === undefined) return;
    await storage
      .pack(packed.documentId, () => {
        const doc = packed.doc();
        const name = createHash('sha256').update(getHeads(doc).toSorted().join()).digest('hex');
        return { name, data: save(doc) };
      })
      .catch((cause: unknown) => parts.onTrouble('packing the record', cause));
  }

  const raw = (): Doc<RawRecord> => {
    if (handle === undefined) throw new Error('the record is not open');
    return handle.doc();
  };
  await open(user);
  // It was not, when the device was killed just after it had come.
  await pack();

  return {
    raw,
    view() {
      const doc = raw();
      if (seen?.doc !== doc)
        seen = {
          doc,
          view: readRecord(doc, {
            userId: user,
            isMember: parts.isMember,
            onPassedOver(what) {
              if (passedOver.has(what) || passedOver.size >= PASSED_OVER_MAX) return;
              passedOver.add(what);
              parts.onTrouble(`reading ${what} of the record`, undefined);
            },
          }),
        };
      return seen.view;
    },
    async change(edit) {
      const target = handle;
      target?.change(edit, { time: Math.floor(ids.now() / 1_000) });
      if (target !== undefined) await repo.flush([target.documentId]);
      await storage.settle();
    },
    onChange: (listener) => void listeners.push(listener),
    join: (stream, device) => network.join(stream, device),
    async refresh(of) {
      seen = undefined;
      network.expel();
      if (of === user) return;
      const before = handle?.documentId;
      await open(of);
      if (before !== undefined) {
        // Saved by now, so that no save of it comes later.
        await repo.flush([before]);
        await storage.removeRange([before]);
      }
    },
    async close() {
      network.close();
      await repo.flush();
      await pack();
      await storage.settle().catch((cause: unknown) => parts.onTrouble('keeping the record', cause));
    },
  };
}

/** Rows that could not be read and were told of; of further ones nothing is said. */
const PASSED_OVER_MAX = 100;
