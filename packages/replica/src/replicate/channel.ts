/**
 * One document between two devices: a member of its room here, joined to a member of its room there. Both rooms take
 * in what they lack and pass on what is new; neither knows that the other is no page.
 */
import {
  decodeFrame,
  decodeStateVector,
  encodeFrame,
  encodeStateVector,
  NO_DIGEST,
  sameBytes,
  type DeviceId,
  type DocumentId,
  type Failure,
} from '@markco/protocol';
import type { Room } from '../documents/room.ts';
import type { Member } from '../documents/seat.ts';
import type { Rooms } from '../documents/rooms.ts';
import { COST, costOf } from './cost.ts';
import { joinDocument } from '../listen/document-member.ts';
import { createOwing } from './owed.ts';
import type { Clocks, Witness } from './witness.ts';

/** What the first comparing of a document may cost before it is paid for: of ten thousand documents each is compared. */
const FREE = 8;
/** What it lacks of a large document takes long to find out. */
const BYTES_OF_QUESTION = 64 * 1024;
const NOT_TIMED = { opened: () => undefined, acknowledged: () => undefined };

export type ChannelParts = {
  readonly rooms: Rooms;
  readonly documentId: DocumentId;
  readonly device: DeviceId;
  readonly readOnly: boolean;
  readonly now: () => number;
  /** False when the other device is behind and nothing was written. */
  readonly send: (payload: Uint8Array) => boolean;
  readonly refuse: (failure: Failure) => void;
  /** It has been decided whether the other device has all of it, and it may have changed since. */
  readonly onHeld: () => void;
  /** It is the first time on this connection that the document is opened. */
  readonly isFirst: boolean;
  /** The other device told nothing new. */
  readonly wasted: (cost: number) => void;
  /** Whether the other device hears this one itself. */
  readonly isLinked: (from: DeviceId) => boolean;
  /** Notes what the other one says of itself. */
  readonly witness?: Witness | undefined;
};

export type DocumentChannel = {
  readonly documentId: DocumentId;
  receive(payload: Uint8Array): void;
  caughtUp(): void;
  leave(): void;
  /** The other device said that its copy is the same. */
  equal(): void;
  /** The last time anything was said, Unix milliseconds. */
  readonly usedAt: number;
  /** Nothing is on its way that was not acknowledged. */
  readonly isSettled: boolean;
  /** Up to which position of the room here the other device has it on its disk; null until that is known. */
  readonly heldSeq: number | null;
};

type Opened = { readonly room: Room; readonly member: Member };

/** @param opens told the digest to send, when this device begins. @param digest what the other device sent, when it began */
export function joinChannel(
  parts: ChannelParts,
  begun: { readonly opens: (digest: Uint8Array) => void } | { readonly digest: Uint8Array; readonly equal: () => void },
): DocumentChannel {
  const { now, witness, documentId } = parts;
  let opened: Opened | null = null;
  let usedAt = now();
  let heldSeq: number | null = null;
  /** Messages that the other device has to acknowledge, and how many of them it has. */
  let sent = 0;
  let acknowledged = 0;
  /** Whether it was sent all that it lacked when this began. */
  let greeted = false;
  let asked = false;
  /** What was here when the digest was sent that the other one compares. */
  let atOpening: Clocks | undefined;
  /** Something was left out because the other device reads slowly: it has not been sent all since. */
  let isBehind = false;
  let free = parts.isFirst ? FREE : 0;
  const wasted = (cost: number): void => {
    if (free >= cost) free -= cost;
    else parts.wasted(cost);
  };

  const clocksOf = (room: Room): Clocks | undefined =>
    witness === undefined ? undefined : new Map(room.summary.clocks);

  function note(payload: Uint8Array): void {
    if (witness === undefined) return;
    const frame = decodeFrame(payload);
    if (frame.type === 'step1') witness.shows(documentId, decodeStateVector(frame.stateVector));
    else if (frame.type === 'step2' || frame.type === 'update') witness.brings(documentId, frame.update);
  }

  function hold(seq: number): void {
    if (heldSeq !== null && seq <= heldSeq) return;
    heldSeq = seq;
    parts.onHeld();
  }

  /**
   * Everything here was sent there or came from there, once it is written here; so the other device has all of it
   * when nothing is left to be acknowledged.
   */
  function settle(): void {
    if (opened === null || !greeted || isBehind || !owing.isClear) return;
    const { room } = opened;
    const { seq } = room;
    const clocks = clocksOf(room);
    void room.written().then(() => {
      if (acknowledged < sent || isBehind || !owing.isClear) return;
      if (clocks !== undefined) witness?.has(documentId, clocks);
      hold(seq);
    });
  }

  const owing = createOwing({
    isLinked: parts.isLinked,
    say(summary) {
      // "Held" promises that it is on disk.
      void opened?.room.durable().then(() => parts.send(encodeFrame({ type: 'held', summary })));
    },
    passOn: (seq) => opened?.room.resume(opened.member, seq),
    cleared: settle,
  });

  const member = joinDocument({
    rooms: parts.rooms,
    timing: NOT_TIMED,
    documentId: parts.documentId,
    readOnly: parts.readOnly,
    device: parts.device,
    wasted: (update) => wasted(costOf(COST.repeat, update)),
    hears: owing.hears,
    isLinked: parts.isLinked,
    write(frame) {
      usedAt = now();
      if (!parts.send(frame.payload)) {
        isBehind = true;
        return false;
      }
      if (isUpdate(frame.payload)) sent++;
      return true;
    },
    refuse: parts.refuse,
    welcome(room, joined) {
      opened = { room, member: joined };
      if ('opens' in begun) {
        // Who has nothing gets everything unasked.
        asked = room.seq === 0;
        atOpening = clocksOf(room);
        begun.opens(asked ? NO_DIGEST : room.digest);
        return;
      }
      if (sameBytes(begun.digest, room.digest)) {
        const { seq } = room;
        witness?.has(documentId, new Map(room.summary.clocks));
        // "Equal" promises that it is on disk.
        void room.durable().then(() => {
          greeted = true;
          begun.equal();
          hold(seq);
        });
        return;
      }
      asked = true;
      room.greet(joined);
      if (!sameBytes(begun.digest, NO_DIGEST)) return;
      witness?.shows(documentId, new Map());
      room.sendAll(joined);
      greeted = true;
    },
  });

  return {
    documentId: parts.documentId,
    get usedAt() {
      return usedAt;
    },
    get isSettled() {
      return heldSeq !== null && acknowledged >= sent && owing.isClear;
    },
    get heldSeq() {
      return heldSeq;
    },
    receive(payload) {
      usedAt = now();
      note(payload);
      if (opened === null) return member.receive(payload);
      if (isUpdate(payload)) {
        member.receive(payload);
        return settle();
      }
      const { room } = opened;
      const frame = decodeFrame(payload);
      if (frame.type === 'saved') {
        if (frame.count <= acknowledged) wasted(COST.repeat);
        acknowledged = Math.max(acknowledged, frame.count);
        return settle();
      }
      if (frame.type === 'held') {
        wasted(COST.presence);
        return owing.heard(frame.summary);
      }
      if (frame.type === 'step1') wasted(COST.question + Math.floor(sizeOf(room) / BYTES_OF_QUESTION));
      else wasted(COST.presence);
      member.receive(payload);
      if (frame.type === 'step1') greeted = true;
      if (frame.type === 'step1' && !asked) {
        // Who began with a copy of its own has to ask for what it lacks itself.
        asked = true;
        parts.send(encodeFrame({ type: 'step1', stateVector: encodeStateVector(room.summary.clocks) }));
      }
    },
    caughtUp() {
      isBehind = false;
      member.caughtUp();
    },
    leave() {
      owing.end();
      member.leave();
    },
    equal() {
      greeted = true;
      if (atOpening !== undefined) witness?.shows(documentId, atOpening);
      settle();
    },
  };
}

const sizeOf = (room: Room): number => (room.base?.length ?? 0) + room.tailBytes;
const isUpdate = (payload: Uint8Array): boolean => payload[0] === 0 && (payload[1] === 1 || payload[1] === 2);
