/** Who is in one document: told to its members, and to other processes that serve the same document. */
import type { OutFrame } from './out-frame.ts';
import { createPresence, type Presence } from './presence.ts';
import type { Member } from './seat.ts';

type IsLeftOut = (speaker: Member | undefined) => boolean;

export type HereParts = {
  readonly now: () => number;
  readonly send: (frame: OutFrame, except: Member) => void;
  /** For other processes; never of what they told. */
  readonly tell: (frame: Uint8Array) => void;
};

export class Here {
  readonly #parts: HereParts;
  /** Made when somebody says who they are. */
  #presence: Presence<Member> | undefined;

  constructor(parts: HereParts) {
    this.#parts = parts;
  }

  /** A member says who is at it. Throws a Failure for bytes that are no awareness. */
  receive(member: Member, update: Uint8Array): void {
    this.#pass(this.#made().receive(member, update), member, true);
  }

  leave(member: Member): void {
    this.#pass(this.#presence?.leave(member), member, true);
  }

  /** Another process tells who is there. */
  hear(process: Member, update: Uint8Array): void {
    this.#pass(this.#made().receive(process, update, false), process, false);
  }

  processGone(process: Member): void {
    this.#pass(this.#presence?.leave(process), process, false);
  }

  /** Everybody, without those that some speak for; undefined when nobody is left. */
  others(isLeftOut: IsLeftOut): OutFrame | undefined {
    return this.#presence?.hasOthers(isLeftOut) === true ? this.#presence.present(isLeftOut) : undefined;
  }

  all(): OutFrame {
    return this.#made().present();
  }

  #made(): Presence<Member> {
    return (this.#presence ??= createPresence(this.#parts));
  }

  #pass(news: OutFrame | undefined, from: Member, isOurs: boolean): void {
    if (news === undefined) return;
    if (isOurs) this.#parts.tell(news.payload);
    this.#parts.send(news, from);
  }
}
