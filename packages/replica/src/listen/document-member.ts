/**
 * A connection's place in one document: it hears from the first moment, is answered once the document is loaded,
 * and is cut back to a catch-up when it reads too slowly.
 */
import { Failure, LIMITS, type DeviceId, type DocumentId } from '@markco/protocol';
import type { OutFrame } from '../documents/out-frame.ts';
import type { Room } from '../documents/room.ts';
import type { Member } from '../documents/seat.ts';
import type { Rooms } from '../documents/rooms.ts';

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
};

export function joinDocument({
  rooms,
  timing,
  documentId,
  readOnly,
  device,
  wasted = () => undefined,
  hears = () => false,
  isLinked = () => false,
  write,
  refuse,
  welcome,
}: DocumentMemberParts): DocumentMember {
  let room: Room | undefined;
  let early: Uint8Array[] = [];
  let earlyBytes = 0;
  let left = false;
  /** Position of the last change that was written; undefined before the first answer was. */
  let sentSeq: number | undefined;
  /** Something was left out since: all that is sent from then on, until it has caught up. */
  let behind = false;

  const askedAt = performance.now();
  const isLoaded = rooms.peek(documentId) !== undefined;
  /** When the first update came that is not acknowledged yet. */
  let updateAt: number | undefined;

  const member: Member = {
    readOnly,
    ...(device === undefined ? {} : { device }),
    wasted,
    hears,
    isLinked,
    send(frame) {
      if (updateAt !== undefined && isSaved(frame.payload)) {
        timing.acknowledged(performance.now() - updateAt);
        updateAt = undefined;
      }
      if (behind) return;
      if (!write(frame)) {
        behind = true;
        return;
      }
      if (frame.seq !== undefined) sentSeq = frame.seq;
    },
    refuse(failure) {
      leave();
      refuse(failure);
    },
  };

  function leave(): void {
    if (left) return;
    left = true;
    early = [];
    room?.leave(member);
  }

  function take(frame: Uint8Array): void {
    if (isUpdate(frame)) updateAt ??= performance.now();
    try {
      room?.receive(member, frame);
    } catch (error) {
      member.refuse(Failure.from(error));
    }
  }

  rooms.open(documentId).then(
    (opened) => {
      if (left) return;
      room = opened;
      room.join(member);
      welcome(room, member);
      timing.opened(performance.now() - askedAt, isLoaded);
      const waiting = early;
      early = [];
      for (const frame of waiting) take(frame);
    },
    (error: unknown) => member.refuse(Failure.from(error)),
  );

  return {
    receive(frame) {
      if (left) return;
      if (room !== undefined) {
        take(frame);
        return;
      }
      earlyBytes += frame.length;
      if (earlyBytes > LIMITS.messageBytesMax) {
        member.refuse(
          new Failure('too_large', 'More was sent than can wait while the document is being loaded. Try again.'),
        );
        return;
      }
      early.push(frame.slice());
    },
    caughtUp() {
      if (!behind || left) return;
      behind = false;
      room?.resume(member, sentSeq);
    },
    leave,
  };
}

/** The first two bytes of y-protocols messages: `sync/frame.ts` of the protocol has them all. */
const isUpdate = (frame: Uint8Array): boolean => frame[0] === 0 && frame[1] === 2;
const isSaved = (frame: Uint8Array): boolean => frame[0] === 2 && frame[1] === 0x4d;
