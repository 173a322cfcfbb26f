/** What a member wrote goes to all others, once: devices that hear each other are not told the same by each of them. */
import { updateFrame } from './out-frame.ts';
import type { Member, Seat } from './seat.ts';
import type { Taken } from './taken.ts';
import * as Y from 'yjs';

/** @param isPlaced false when its position may still move: then nobody is to note it */
export function passOn(taken: Taken<Seat>, members: Iterable<Member>, isPlaced: boolean): void {
  if (taken.isPassedOn) return;
  taken.isPassedOn = true;
  const { update, news, seq, sender } = taken;
  const frame = updateFrame(update, isPlaced ? seq : undefined);
  const from = sender?.member.device;
  for (const member of members)
    if (member !== sender?.member && (from === undefined || member.hears?.(from, news, seq) !== true))
      member.send(frame);
}

/** For so many readers it is cheaper to join the edits of a turn into one than to write each of them to each reader. */
const JOINED_FOR = 8;
/** Joining more at once costs more than the sum. */
const JOINED_MAX = 64;

/** What came in one turn, in order. What one connection told goes to many readers as one update; devices get it as it came. */
export function passOnTurn(turn: readonly Taken<Seat>[], seats: Iterable<Member>, isPlaced: boolean): void {
  const members = [...seats];
  const devices = members.filter(({ device }) => device !== undefined);
  for (let at = 0; at < turn.length; at += JOINED_MAX) {
    const part = turn.slice(at, at + JOINED_MAX);
    const [first, last] = [part[0], part.at(-1)];
    const isJoined =
      part.length > 1 && members.length >= JOINED_FOR && part.every(({ sender }) => sender === first?.sender);
    for (const taken of part) passOn(taken, isJoined ? devices : members, isPlaced);
    if (!isJoined || last === undefined) continue;
    const update = Y.mergeUpdates(part.map((taken) => taken.update));
    const frame = updateFrame(update, isPlaced ? last.seq : undefined);
    for (const member of members) if (member.device === undefined && member !== last.sender?.member) member.send(frame);
  }
}

/** Whether a member tells another one itself who is there at it. */
export const tellsItself =
  (to: Member) =>
  (from: Member | undefined): boolean =>
    from?.device !== undefined && to.isLinked?.(from.device) === true;
