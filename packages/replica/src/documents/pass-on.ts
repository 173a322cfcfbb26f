/** What a member wrote goes to all others, once: devices that hear each other are not told the same by each of them. */
import { updateFrame } from './out-frame.ts';
import type { Member, Seat } from './seat.ts';
import type { Taken } from './taken.ts';

/** @param isPlaced false when its position may still move: then nobody is to note it */
export function passOn({ update, news, seq, sender }: Taken<Seat>, members: Iterable<Member>, isPlaced: boolean): void {
  const frame = updateFrame(update, isPlaced ? seq : undefined);
  const from = sender?.member.device;
  for (const member of members)
    if (member !== sender?.member && (from === undefined || member.hears?.(from, news, seq) !== true))
      member.send(frame);
}

/** Whether a member tells another one itself who is there at it. */
export const tellsItself =
  (to: Member) =>
  (from: Member | undefined): boolean =>
    from?.device !== undefined && to.isLinked?.(from.device) === true;
