/** Who has a document open, and how far each of them is. */
import { encodeFrame, Failure, type DeviceId, type DocumentId, type News } from '@markco/protocol';
import type { Authors } from './authors.ts';
import { outFrame, type OutFrame } from './out-frame.ts';

/** A connection that has the document open. */
export type Member = {
  readonly readOnly: boolean;
  /** Another device, which has it whether anybody there looks at it or not. */
  readonly device?: DeviceId | undefined;
  /** It sent what is here already, or refers to what is not. */
  wasted?(update: Uint8Array): void;
  /** True when it gets what this device told here from that device itself, and will say so. */
  hears?(from: DeviceId, news: News, seq: number): boolean;
  /** Whether it is connected to that device itself. */
  isLinked?(to: DeviceId): boolean;
  send(frame: OutFrame): void;
  /** The connection broke a rule or cannot be served; it is no member any more. */
  refuse(failure: Failure): void;
};

export type Seat = {
  readonly member: Member;
  /** Updates received, and how many of them are acknowledged. */
  received: number;
  acknowledged: number;
  /** It is about to be told how many: one message for all that one sync made durable. */
  telling: boolean;
  /**
   * Updates refused since the last whole answer because they refer to what is not here. Until that answer has come
   * nothing is acknowledged: a count of messages would take them in.
   */
  gaps: number;
  /** How often it was asked for that since. */
  questions: number;
  /** It has been asked, and has not answered yet: one answer has all that it refers to meanwhile. */
  asked: boolean;
  /** Another device passed on what its writer had not said here yet: it is asked again once that has come. */
  early: boolean;
  /** What else it told then, as far as it refers to that and may be taken from it (`parts.ts`). */
  part: Uint8Array | undefined;
  /** Client ids that it writes with here, each with how to say that it has left; at most AUTHORS_MAX. Most write nothing. */
  authors: Map<number, () => void> | undefined;
};

/** Of one connection. A client has one; a program that passes on what others write may have many. */
const AUTHORS_MAX = 100;

/** Answers that do not help mean a client that will never have what it refers to. */
export const QUESTIONS_MAX = 20;

/** What somebody writes until the first answer has come, over a slow line too. None of it is kept. */
export const GAPS_MAX = 1000;

export const newSeat = (member: Member): Seat => ({
  member,
  received: 0,
  acknowledged: 0,
  telling: false,
  gaps: 0,
  questions: 0,
  asked: false,
  early: false,
  part: undefined,
  authors: undefined,
});

export const savedFrame = ({ acknowledged }: Seat): OutFrame =>
  outFrame(encodeFrame({ type: 'saved', count: acknowledged }));

/** So many of its updates are saved; it is told once for all that one sync made durable. */
export function acknowledge(seat: Seat, upTo: number, isThere: () => boolean): void {
  if (upTo <= seat.acknowledged || seat.gaps > 0) return;
  seat.acknowledged = upTo;
  if (seat.telling) return;
  seat.telling = true;
  queueMicrotask(() => {
    seat.telling = false;
    if (isThere()) seat.member.send(savedFrame(seat));
  });
}

/**
 * It told what refers to what is not here. Whether it is to be asked for that now.
 * @throws Failure `bad_request` once it is not worth asking again
 */
export function asksAfterGap(seat: Seat): boolean {
  if (seat.early) return false;
  const asks = !seat.asked;
  seat.asked = true;
  if (++seat.gaps > GAPS_MAX || (asks && ++seat.questions > QUESTIONS_MAX)) {
    throw new Failure('bad_request', 'Edits keep referring to text that is not here. Reload the page.');
  }
  return asks;
}

/** Those of these ids whose edits may not be taken from this member (`authors.ts`). */
export function notOf(
  authors: Authors,
  documentId: DocumentId,
  { member: { device } }: Seat,
  clients: readonly number[],
): readonly number[] {
  return device === undefined ? [] : clients.filter((client) => !authors.mayTell(device, documentId, client));
}

/** Notes who writes at a page. What it brings whole may be of others, as may what is of several. */
export function noteWriter(authors: Authors, documentId: DocumentId, seat: Seat, clients: readonly number[]): void {
  const [client, ...others] = clients;
  if (seat.member.device !== undefined || client === undefined || others.length > 0) return;
  seat.authors ??= new Map();
  if (seat.authors.has(client) || seat.authors.size >= AUTHORS_MAX) return;
  seat.authors.set(client, authors.writes(documentId, client));
}
