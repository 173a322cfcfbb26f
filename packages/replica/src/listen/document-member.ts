/**
 * A connection's place in one document: it hears from the first moment, is answered once the document is loaded,
 * and is cut back to a catch-up when it reads too slowly.
 */
import { Failure, LIMITS, type DeviceId, type DocumentId, type News } from '@markco/protocol';
import type { OutFrame } from '../documents/out-frame.ts';
import type { Room } from '../documents/room.ts';
import type { Member } from '../documents/seat.ts';
import type { Rooms } from '../documents/rooms.ts';
import type { Sleeper } from '../documents/sleepers.ts';

export type DocumentMember = {
  receive(frame: Uint8Array): void;
  /** The connection can be written to again. */
  caughtUp(): void;
  leave(): void;
};

/** How long this device lets a client wait, in milliseconds. */
export type DocumentTiming = {
  /** From the wish to open a document to its first answer. `isLoaded`: somebody had it open before. */
  opened(ms: number, isLoaded: boolean): void;
  /** From an update to its acknowledgement; of several on their way the first one counts. */
  acknowledged(ms: number): void;
};

export type DocumentMemberParts = {
  readonly rooms: Rooms;
  readonly timing: DocumentTiming;
  readonly documentId: DocumentId;
  readonly readOnly: boolean;
  /** Of another device of the user; none for a client of this one. */
  readonly device?: DeviceId;
  /** It sent what is here already, or refers to what is not. */
  readonly wasted?: (update: Uint8Array) => void;
  readonly hears?: Member['hears'];
  readonly isLinked?: Member['isLinked'];
  /** False when it was not written because the reader is behind. */
  readonly write: (frame: OutFrame) => boolean;
  readonly refuse: (failure: Failure) => void;
  /** The document is loaded and this member is in it. */
  readonly welcome: (room: Room, member: Member) => void;
  /** What it has. Where that is all that is here, the document is not loaded for it, and `slept` is called instead. */
  readonly sleep?: { readonly digest: Uint8Array; readonly slept: () => void };
};

export function joinDocument(parts: DocumentMemberParts): DocumentMember {
  const joined = new JoinedDocument(parts);
  joined.begin();
  return joined;
}

/** A class, because a connection that does nothing is little else: each method would be memory of each. */
class JoinedDocument implements DocumentMember, Member, Sleeper {
  readonly readOnly: boolean;
  readonly device: DeviceId | undefined;
  readonly #parts: DocumentMemberParts;
  #room: Room | undefined;
  /** What came before the document was loaded. */
  #early: Uint8Array[] | undefined;
  #earlyBytes = 0;
  #left = false;
  #sleeps = false;
  /** Position of the last change that was written; undefined before the first answer was. */
  #sentSeq: number | undefined;
  /** Something was left out since: all that is sent from then on, until it has caught up. */
  #behind = false;
  /** When the first update came that is not acknowledged yet. */
  #updateAt: number | undefined;

  constructor(parts: DocumentMemberParts) {
    this.#parts = parts;
    this.readOnly = parts.readOnly;
    this.device = parts.device;
  }

  begin(): void {
    const { rooms, documentId, sleep, timing } = this.#parts;
    if (
      sleep === undefined ||
      rooms.peek(documentId) !== undefined ||
      !rooms.sleepers.restsAt(documentId, sleep.digest)
    )
      return this.#open();
    this.#sleeps = true;
    rooms.sleepers.add(documentId, this);
    timing.opened(0, true);
    sleep.slept();
  }

  wake(): void {
    if (!this.#sleeps) return;
    this.#endSleep();
    this.#open();
  }

  #endSleep(): void {
    if (!this.#sleeps) return;
    this.#sleeps = false;
    this.#parts.rooms.sleepers.delete(this.#parts.documentId, this);
  }

  #open(): void {
    const { rooms, documentId, timing } = this.#parts;
    const askedAt = performance.now();
    const isLoaded = rooms.peek(documentId) !== undefined;
    rooms.open(documentId).then(
      (room) => {
        if (this.#left) return;
        this.#room = room;
        room.join(this);
        this.#parts.welcome(room, this);
        timing.opened(performance.now() - askedAt, isLoaded);
        const waiting = this.#early ?? [];
        this.#early = undefined;
        for (const frame of waiting) this.#take(frame);
      },
      (error: unknown) => this.refuse(Failure.from(error)),
    );
  }

  receive(frame: Uint8Array): void {
    if (this.#left) return;
    if (this.#room !== undefined) {
      this.#take(frame);
      return;
    }
    this.#earlyBytes += frame.length;
    if (this.#earlyBytes > LIMITS.messageBytesMax) {
      this.refuse(
        new Failure('too_large', 'More was sent than can wait while the document is being loaded. Try again.'),
      );
      return;
    }
    (this.#early ??= []).push(frame.slice());
    this.wake();
  }

  #take(frame: Uint8Array): void {
    if (isUpdate(frame)) this.#updateAt ??= performance.now();
    try {
      this.#room?.receive(this, frame);
    } catch (error) {
      this.refuse(Failure.from(error));
    }
  }

  caughtUp(): void {
    if (!this.#behind || this.#left) return;
    this.#behind = false;
    this.#room?.resume(this, this.#sentSeq);
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#early = undefined;
    this.#endSleep();
    this.#room?.leave(this);
  }

  send(frame: OutFrame): void {
    if (this.#updateAt !== undefined && isSaved(frame.payload)) {
      this.#parts.timing.acknowledged(performance.now() - this.#updateAt);
      this.#updateAt = undefined;
    }
    if (this.#behind) return;
    if (!this.#parts.write(frame)) {
      this.#behind = true;
      return;
    }
    if (frame.seq !== undefined) this.#sentSeq = frame.seq;
  }

  refuse(failure: Failure): void {
    this.leave();
    this.#parts.refuse(failure);
  }

  wasted(update: Uint8Array): void {
    this.#parts.wasted?.(update);
  }

  hears(from: DeviceId, news: News, seq: number): boolean {
    return this.#parts.hears?.(from, news, seq) === true;
  }

  isLinked(to: DeviceId): boolean {
    return this.#parts.isLinked?.(to) === true;
  }
}

/** The first two bytes of y-protocols messages: `sync/frame.ts` of the protocol has them all. */
const isUpdate = (frame: Uint8Array): boolean => frame[0] === 0 && frame[1] === 2;
const isSaved = (frame: Uint8Array): boolean => frame[0] === 2 && frame[1] === 0x4d;
