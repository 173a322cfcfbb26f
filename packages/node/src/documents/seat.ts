/** Who has a document open, and how far each of them is. */
import type { DeviceId, DocumentId, Failure } from '@markco/protocol';
import type { Authors } from './authors.ts';
import type { OutFrame } from './out-frame.ts';

/** A connection that has the document open. */
export type Member = {
  readonly readOnly: boolean;
  /** Another device, which has it whether anybody there looks at it or not. */
  readonly device?: DeviceId;
  /** It sent what is here already, or refers to what is not. */
  wasted?(update: Uint8Array): void;
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
  /** Another device passed on what its writer had not said here yet: it is asked again once that has come. */
  early: boolean;
  /** Client ids that it writes with here, each with how to say that it has left; at most AUTHORS_MAX. */
  readonly authors: Map<number, () => void>;
};

/** Of one connection. A client has one; a program that passes on what others write may have many. */
const AUTHORS_MAX = 100;

/** Repeated gaps mean a client that will never have what it refers to. */
export const GAPS_MAX = 20;

export const newSeat = (member: Member): Seat => ({
  member,
  received: 0,
  acknowledged: 0,
  telling: false,
  gaps: 0,
  early: false,
  authors: new Map(),
});

/**
 * Whether edits come from where they are written, or from whom they may come (`authors.ts`).
 *
 * @param isAnswer what a client brings whole, which may be of others, as may what is of several
 */
export function isOfWriter(
  authors: Authors,
  documentId: DocumentId,
  seat: Seat,
  clocks: Iterable<readonly [client: number, clock: number]>,
  isAnswer: boolean,
): boolean {
  const { device } = seat.member;
  const clients = [...clocks].map(([client]) => client);
  if (device !== undefined) return clients.every((client) => authors.mayTell(device, documentId, client));
  const [client, ...others] = clients;
  if (client === undefined || others.length > 0 || isAnswer || seat.authors.has(client)) return true;
  if (seat.authors.size < AUTHORS_MAX) seat.authors.set(client, authors.writes(documentId, client));
  return true;
}
