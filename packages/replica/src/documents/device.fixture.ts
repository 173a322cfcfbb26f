/** The documents of a device on a simulated disk, which can lose its power at any moment, and somebody who types. */
import { decodeFrame, encodeFrame, type DocumentId, type Failure } from '@markco/protocol';
import * as Y from 'yjs';
import { createSimulatedDisk, type SimulatedDisk } from '../store/simulated.ts';
import type { Store } from '../store/store.ts';
import { createDocuments } from './documents.ts';
import { createLog, type StorageState } from './log.ts';
import type { OutFrame } from './out-frame.ts';
import type { Room } from './room.ts';
import type { Member } from './seat.ts';
import { createRooms, type RoomsParts } from './rooms.ts';
import { createViews } from './views.ts';

export const DOCUMENT = '00000000-0000-7000-8000-0000000000d1' as DocumentId;

export type Device = ReturnType<typeof startDevice>;

export type DeviceOptions = {
  readonly beginning?: RoomsParts['beginning'];
  readonly begun?: RoomsParts['begun'];
  readonly now?: () => number;
  /** How long each write takes. */ readonly delay?: () => Promise<void>;
};

/** One life of a device. Several lives may follow each other on one disk. */
export function startDevice(disk: SimulatedDisk = createSimulatedDisk(), options: DeviceOptions = {}) {
  let alive = true;
  const never = new Promise<never>(() => {});
  let before: Promise<unknown> = Promise.resolve();
  const store: Store = {
    ...disk.store,
    // A dead process hears of nothing that it asked for.
    async write(batch, how) {
      if (options.delay !== undefined) {
        // Writes are done in the order they were asked for, however long each takes.
        before = before.then(options.delay);
        await before;
      }
      if (!alive) return never;
      await disk.store.write(batch, how);
      if (!alive) return never;
    },
    writeNow(batch) {
      if (options.delay !== undefined) return false;
      // A dead process never learns what became of it; what it says after this is heard by nobody.
      return alive ? disk.store.writeNow(batch) : true;
    },
    reopen: async () => (alive ? disk.store.reopen() : never),
  };
  const now = options.now ?? (() => 1_700_000_000_000);
  const storage: StorageState[] = [];
  const troubles: unknown[] = [];
  const log = createLog({ store, now, onStorage: (state) => void storage.push(state) });
  const views = createViews({ now });
  const rooms = createRooms({
    store,
    log,
    views,
    now,
    beginning: options.beginning ?? (async () => 'empty'),
    begun: options.begun ?? (async () => {}),
    onTrouble: (_id, _doing, cause) => void troubles.push(cause),
    onRelease: () => {},
  });
  return {
    disk,
    store,
    log,
    views,
    rooms,
    documents: createDocuments({ store, rooms, views }),
    storage,
    /** What was logged as trouble with a document. */
    troubles,
    /** The process is gone, as by `kill -9`. */
    kill(): void {
      alive = false;
      void rooms.close();
    },
    /** The machine is gone: of what was not synced the first `keep` batches are on its disk. */
    cutPower(keep: number): void {
      alive = false;
      void rooms.close();
      disk.cutPower(keep);
    },
    async close(): Promise<void> {
      await rooms.close();
      await log.close();
    },
  };
}

/** Somebody with the document open, by the bytes of the protocol alone. */
export type Typist = {
  readonly doc: Y.Doc;
  readonly member: Member;
  /** Frames received, oldest first. */
  readonly received: OutFrame[];
  readonly refusals: Failure[];
  /** Writes a marker and sends it. */
  type(marker: string): void;
  /** Markers the device has said are on its disk. */
  saved(): string[];
  /** Frames of one type, decoded. */
  frames(type: ReturnType<typeof decodeFrame>['type']): number;
};

export function sitDown(
  room: Room,
  { readOnly = false, clientId }: { readonly readOnly?: boolean; readonly clientId?: number } = {},
): Typist {
  const doc = new Y.Doc({ guid: DOCUMENT });
  if (clientId !== undefined) doc.clientID = clientId;
  for (const update of room.updates()) Y.applyUpdate(doc, update, 'device');
  const received: OutFrame[] = [];
  const refusals: Failure[] = [];
  const sent: string[] = [];
  let count = 0;
  const member: Member = {
    readOnly,
    send(frame) {
      received.push(frame);
      const message = decodeFrame(frame.payload);
      if (message.type === 'update' || message.type === 'step2') Y.applyUpdate(doc, message.update, 'device');
      if (message.type === 'saved') count = message.count;
    },
    refuse(failure) {
      refusals.push(failure);
      room.leave(member);
    },
  };
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'device') room.receive(member, encodeFrame({ type: 'update', update }));
  });
  room.join(member);
  return {
    doc,
    member,
    received,
    refusals,
    type(marker) {
      sent.push(marker);
      const text = doc.getText('content');
      text.insert((marker.length * 7 + sent.length * 31) % (text.length + 1) === 0 ? 0 : text.length, marker);
    },
    saved: () => sent.slice(0, count),
    frames: (type) => received.filter(({ payload }) => decodeFrame(payload).type === type).length,
  };
}

export function textOf(room: Room): string {
  const doc = new Y.Doc({ guid: DOCUMENT });
  for (const update of room.updates()) Y.applyUpdate(doc, update);
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null)
    throw new Error('something waits inside the document');
  return doc.getText('content').toString();
}

/** How often each marker is in the text. */
export function timesIn(text: string, marker: string): number {
  return text.split(marker).length - 1;
}

export function laterTurns(turns: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number): void => void (left === 0 ? resolve() : setImmediate(() => next(left - 1)));
    next(turns);
  });
}

/** For connections whose waiting nobody measures. */
export const UNTIMED = { opened(): void {}, acknowledged(): void {} };
