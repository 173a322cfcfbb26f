/**
 * Who is in one document and where their caret is, passed on as bytes.
 *
 * 1. A client is announced as gone when the connection that spoke for it last has gone, and by no other: a client that
 *    is back on a new connection stays when its old one is found dead.
 */
import {
  ABSENT,
  createAwarenessTable,
  decodeAwareness,
  encodeAwareness,
  encodeFrame,
  Failure,
  LIMITS,
} from '@markco/protocol';
import { outFrame, type OutFrame } from './out-frame.ts';

export type Presence<Member> = ReturnType<typeof createPresence<Member>>;

export function createPresence<Member>({ now }: { readonly now: () => number }) {
  const table = createAwarenessTable();
  const speakers = new Map<number, Member>();
  /** Frames of this second. */
  const frames = new Map<Member, number>();
  let countedIn = 0;

  /** Whether it may be looked at; past the limit frames are dropped until the second is over. */
  function admit(member: Member): boolean {
    const second = Math.floor(now() / 1_000);
    if (second !== countedIn) frames.clear();
    countedIn = second;
    const count = (frames.get(member) ?? 0) + 1;
    frames.set(member, count);
    return count <= LIMITS.awarenessFramesPerSecondMax;
  }

  return {
    /** What to tell the others. Throws a Failure for bytes that are no awareness. */
    receive(member: Member, update: Uint8Array, isBounded = true): OutFrame | undefined {
      if (isBounded && !admit(member)) return undefined;
      let entries: ReturnType<typeof decodeAwareness>;
      try {
        entries = decodeAwareness(update);
      } catch (cause) {
        throw new Failure('bad_request', 'A presence message could not be read. Reload the page.', { cause });
      }
      const fresh = table.accept(entries);
      if (fresh.length === 0) return undefined;
      for (const { client, state } of fresh) {
        if (state === ABSENT) speakers.delete(client);
        else speakers.set(client, member);
      }
      return outFrame(encodeFrame({ type: 'awareness', update: encodeAwareness(fresh) }));
    },

    /** What to tell the others when a connection has gone. */
    leave(member: Member): OutFrame | undefined {
      frames.delete(member);
      const clients = [...speakers].flatMap(([client, speaker]) => (speaker === member ? [client] : []));
      for (const client of clients) speakers.delete(client);
      const gone = table.remove(clients);
      return gone.length === 0
        ? undefined
        : outFrame(encodeFrame({ type: 'awareness', update: encodeAwareness(gone) }));
    },

    /** Everybody who is here, but whom somebody speaks for that is left out. */
    present(isLeftOut: (speaker: Member | undefined) => boolean = () => false): OutFrame {
      const here = table.present().filter(({ client }) => !isLeftOut(speakers.get(client)));
      return outFrame(encodeFrame({ type: 'awareness', update: encodeAwareness(here) }));
    },

    hasOthers: (isLeftOut: (speaker: Member) => boolean): boolean =>
      speakers.values().some((speaker) => !isLeftOut(speaker)),
  };
}
