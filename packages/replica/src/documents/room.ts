/**
 * One open document: its bytes, who has it open, and the order of events between them.
 *
 * No Y.Doc is kept: the state is a base and the updates since (`tail`), both as bytes. So every update is inspected
 * before it is taken in; a bad one changes nothing.
 *
 * Invariants
 * 1. Inspected and bounded, then written, then passed on (never to its sender), then synced, then acknowledged. Where the
 *    log is far, passed on before it is written; acknowledged after.
 * 2. Nothing is answered before the document is loaded, or with updates that are not passed on yet.
 * 3. A read-only member's updates are never looked at.
 */
import {
  absorb,
  digestOf,
  Failure,
  inspectUpdate,
  LIMITS,
  type DocumentId,
  type News,
  type Summary,
} from '@markco/protocol';
import { answerTo, questionOf, wholeAnswer } from './answer.ts';
import type { Authors } from './authors.ts';
import type { Loaded } from './loaded.ts';
import type { Log } from './log.ts';
import type { Origin } from './record.ts';
import { readFrame, readStateVector } from './read.ts';
import { repeatsFaithfully } from './repeat.ts';
import { Changes, type RoomChange } from './changes.ts';
import { updateFrame, type OutFrame } from './out-frame.ts';
import { Here } from './here.ts';
import { passOn, passOnTurn, tellsItself } from './pass-on.ts';
import { attempts, without, type NotOf } from './parts.ts';
import { acknowledge, asksAfterGap, newSeat, noteWriter, notOf, savedFrame, type Member, type Seat } from './seat.ts';
import { TakenUpdate, type Taken, type TakenBy } from './taken.ts';
import { reach, type Waiting } from './waiting.ts';

export type RoomParts = {
  readonly log: Log;
  readonly authors: Authors;
  readonly now: () => number;
  /** Told once a turn of what was written in it, after its members. */
  readonly onChange: (change: RoomChange) => void;
  /** Somebody looks at it who is no other device. */
  readonly onSeen: () => void;
  /** Who is here has changed, as an awareness message. */
  readonly onPresence?: ((id: DocumentId, frame: Uint8Array) => void) | undefined;
};

export class Room implements TakenBy<Seat> {
  readonly id: DocumentId;
  base: Uint8Array | undefined;
  baseSeq: number;
  tail: Uint8Array[];
  tailBytes: number;
  summary: Summary;
  readonly #parts: RoomParts;
  readonly #seats = new Map<Member, Seat>();
  readonly here: Here;
  /** Updates taken in but not yet written, and what waits for them. */
  #unwritten = 0;
  #undurable = 0;
  #whenWritten: Waiting[] = [];
  #whenDurable: Waiting[] = [];
  readonly #changes: Changes;
  #answer: OutFrame | undefined;
  readonly #turn: Taken<Seat>[] = [];
  #digest: { seq: number; digest: Uint8Array } | undefined;
  /** Whoever works on the document without being a member; it is not evicted meanwhile. */
  holds = 0;
  idleSince = 0;
  /** Whether what it says last was taken in by this process: then that is the one to compact it. */
  isWrittenHere = true;
  /** Its position at the last sweep of the rooms. */
  sweptSeq = 0;

  constructor(id: DocumentId, loaded: Loaded, parts: RoomParts) {
    this.id = id;
    this.base = loaded.base;
    this.baseSeq = loaded.baseSeq;
    this.tail = [...loaded.tail];
    this.tailBytes = loaded.tail.reduce((sum, update) => sum + update.length, 0);
    this.summary = loaded.summary;
    this.#parts = parts;
    this.#changes = new Changes(id, parts.onChange);
    this.here = new Here({
      now: parts.now,
      send: (frame, except) => this.#passOn(frame, except),
      tell: (frame) => parts.onPresence?.(id, frame),
    });
  }

  get seq(): number {
    return this.baseSeq + this.tail.length;
  }

  /** Up to where nothing moves any more. */
  get placedSeq(): number {
    return this.seq - this.#parts.log.waiting(this.id);
  }

  get members(): number {
    return this.#seats.size;
  }

  /** Whether somebody looks at it here. */
  get isSeen(): boolean {
    return this.#seats.keys().some(({ device }) => device === undefined);
  }

  get isIdle(): boolean {
    return this.#seats.size === 0 && this.holds === 0 && this.#undurable === 0;
  }

  get digest(): Uint8Array {
    if (this.#digest?.seq !== this.seq) this.#digest = { seq: this.seq, digest: digestOf(this.summary) };
    return this.#digest.digest;
  }

  join(member: Member): void {
    this.#seats.set(member, newSeat(member));
    if (member.device === undefined) this.#parts.onSeen();
  }

  leave(member: Member): void {
    const seat = this.#seats.get(member);
    if (!this.#seats.delete(member)) return;
    for (const left of seat?.authors?.values() ?? []) left();
    this.here.leave(member);
    if (this.isIdle) this.idleSince = this.#parts.now();
  }

  /** Asks a new member for what it has, and tells it who is here. */
  greet(member: Member): void {
    member.send(questionOf(this.summary));
    const others = this.here.others(tellsItself(member));
    if (others !== undefined) member.send(others);
  }

  /** All that a member may have missed since `seq`, or the whole document when it was not answered yet, and what was said to it alone. */
  resume(member: Member, seq: number | undefined): void {
    this.greet(member);
    const seat = this.#seats.get(member);
    if (seat !== undefined && seat.acknowledged > 0) member.send(savedFrame(seat));
    if (seq === undefined) this.sendAll(member);
    else this.#sendSince(member, seq);
  }

  /** Everything, for a member that has nothing. */
  sendAll(member: Member): void {
    const frame = this.#wholeState();
    this.#afterPassedOn(() => member.send(frame));
  }

  #sendSince(member: Member, seq: number): void {
    if (seq < this.baseSeq) return this.sendAll(member);
    const missed = this.tail.slice(seq - this.baseSeq);
    const { placedSeq } = this;
    this.#afterPassedOn(() => {
      let at = seq;
      for (const update of missed) member.send(updateFrame(update, ++at <= placedSeq ? at : undefined));
    });
  }

  /** One message of a member. Throws a Failure when the member broke a rule. */
  receive(member: Member, bytes: Uint8Array): void {
    const seat = this.#seats.get(member);
    if (seat === undefined) return;
    const frame = readFrame(bytes);
    switch (frame.type) {
      case 'step1':
        return this.#answerStep1(member, frame.stateVector);
      case 'step2':
      case 'update':
        if (member.readOnly) return;
        if (!this.#receiveUpdate(seat, frame.update, frame.type === 'step2')) member.send(questionOf(this.summary));
        return;
      case 'awareness':
        return this.here.receive(member, frame.update);
      case 'query-awareness':
        return member.send(this.here.all());
      default:
    }
  }

  /**
   * An edit made on this device itself. Resolves once durable.
   * @throws Failure `too_large`, or the disk's own while it refuses
   */
  submit(update: Uint8Array, origin: Origin): Promise<{ seq: number }> {
    const found = this.#inspect(update);
    if (found === undefined) throw new Failure('internal', 'An edit made here refers to text that is not here.');
    if (found.kind === 'known') return this.durable().then(() => ({ seq: this.seq }));
    absorb(this.summary, found);
    for (const [client] of found.clocks) this.#parts.authors.stepped(this.id, client);
    const taken = this.#append(update, found, origin, undefined);
    return this.durable().then(() => ({ seq: taken.seq }));
  }

  /** Resolves once everything taken in so far is on disk. */
  durable(): Promise<void> {
    if (this.#undurable === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenDurable.push({ seq: this.seq, action: resolve }));
  }

  /** Resolves once a kill loses nothing of what was taken in so far. */
  written(): Promise<void> {
    return new Promise((resolve) => this.#afterWritten(resolve));
  }

  /** Puts a compacted state in the place of everything up to `seq`. */
  rebase(seq: number, state: Uint8Array): void {
    this.tail = this.tail.slice(seq - this.baseSeq);
    this.tailBytes = this.tail.reduce((sum, update) => sum + update.length, 0);
    this.base = state;
    this.baseSeq = seq;
    this.#answer = undefined;
  }

  /** Takes note of what other processes wrote, once it is in place: `moved` positions for what waits here. */
  placed(frames: readonly OutFrame[], moved: number, origin: Origin): void {
    this.#answer = this.#digest = undefined;
    for (const waiting of [...this.#whenWritten, ...this.#whenDurable]) waiting.seq += moved;
    for (const frame of frames) for (const member of this.#seats.keys()) member.send(frame);
    this.isWrittenHere = false;
    this.#changes.add(this.placedSeq, origin, undefined, true);
    this.askAgain();
  }

  refuseAll(failure: Failure): void {
    for (const { member } of [...this.#seats.values()]) member.refuse(failure);
  }

  /** The whole state as updates to be applied in order. */
  updates(): Uint8Array[] {
    return this.base === undefined ? this.tail : [this.base, ...this.tail];
  }

  #answerStep1(member: Member, stateVector: Uint8Array): void {
    if (readStateVector(stateVector).size === 0) return this.sendAll(member);
    const frame = answerTo(this, stateVector);
    this.#afterPassedOn(() => member.send(frame));
  }

  /** The answer to a member that has nothing; kept for the next one. */
  #wholeState(): OutFrame {
    if (this.#answer?.seq !== this.seq) this.#answer = wholeAnswer(this);
    return this.#answer;
  }

  /** False when it refers to what is not here, and its sender is to be asked for that now. */
  #receiveUpdate(seat: Seat, update: Uint8Array, isAnswer: boolean): boolean {
    const found = this.#inspect(update);
    seat.received++;
    if (isAnswer) seat.asked = false;
    if (found === undefined || found.kind === 'known') seat.member.wasted?.(update);
    if (found === undefined) return !asksAfterGap(seat);
    if (found.kind === 'fresh') {
      const clients = Array.from(found.clocks, ([client]) => client);
      const refused = this.#notOf(seat, clients);
      if (refused.length > 0) {
        seat.member.wasted?.(update);
        seat.gaps ||= 1;
        seat.early = true;
        seat.part = without(update, refused);
        this.#takeParts(seat);
        return true;
      }
      if (!isAnswer) noteWriter(this.#parts.authors, this.id, seat, clients);
    }
    if (isAnswer) {
      seat.gaps = seat.questions = 0;
      seat.part = undefined;
    }
    if (found.kind === 'known') {
      const upTo = seat.received;
      void this.durable().then(() => this.#acknowledge(seat, upTo));
      return true;
    }
    absorb(this.summary, found);
    this.#append(update, found, 'page', seat);
    this.askAgain();
    return true;
  }

  /** Takes in what of this seat's part can be put in place, alone or together with those of others. */
  #takeParts(seat: Seat): void {
    for (const update of attempts(this.#seats.values(), seat, this.#notOf)) {
      const tellers = update === seat.part ? [seat] : [...this.#seats.values()];
      try {
        const found = this.#inspect(update);
        if (found?.kind !== 'fresh') continue;
        for (const each of tellers) each.part = undefined;
        absorb(this.summary, found);
        this.#append(update, found, 'page', seat);
        return this.askAgain();
      } catch (cause) {
        if (tellers.length === 1) throw cause;
        // What another one told is at fault, and not for whoever has just spoken to pay.
        for (const each of tellers) if (each !== seat) each.part = undefined;
        return;
      }
    }
  }

  /** Asks those devices again whose edits were not taken because their writer had not said them here itself. */
  askAgain(): void {
    for (const seat of this.#seats.values()) {
      if (!seat.early) continue;
      seat.early = false;
      seat.member.send(questionOf(this.summary));
    }
  }

  /** What is new in it; undefined when something it needs is missing. Throws when it may not be taken in at all. */
  #inspect(update: Uint8Array) {
    if (update.length > LIMITS.bulkUpdateBytesMax) {
      throw new Failure(
        'too_large',
        'This edit is larger than 16 MiB. Split it, or keep the text in a file beside the document.',
      );
    }
    const found = inspectUpdate(this.summary, update);
    if (found.kind === 'invalid') throw new Failure('bad_request', `An edit was refused because ${found.why}.`);
    if (found.kind === 'gap') return undefined;
    if (found.overlap && !repeatsFaithfully(this.updates(), update)) {
      throw new Failure(
        'conflict',
        'An edit claims a place that other text already has, so it was refused. Reload the page to go on.',
      );
    }
    if (found.kind === 'fresh') {
      const bytes = (this.base?.length ?? 0) + this.tailBytes + update.length;
      if (bytes > LIMITS.documentStateBytesMax) {
        throw new Failure(
          'too_large',
          'This document has grown past 64 MiB with its history. Split it into several; nothing of it was lost.',
        );
      }
      this.#parts.log.admit(update.length);
    }
    return found;
  }

  #append(update: Uint8Array, news: News, origin: Origin, sender: Seat | undefined): Taken<Seat> {
    // Kept for long: a view into a socket's buffer would keep all of that buffer.
    const kept = update.slice();
    this.tail.push(kept);
    this.tailBytes += kept.length;
    this.#unwritten++;
    this.#undurable++;
    const { seq } = this;
    const at = this.#parts.now();
    const taken = new TakenUpdate(this, { seq, origin, at, update: kept, news, sender, upTo: sender?.received ?? 0 });
    this.isWrittenHere = true;
    this.#parts.log.append(taken);
    return taken;
  }

  /** Called by the log, as the next two are. */
  passOn(taken: Taken<Seat>, isPlaced: boolean): void {
    if (this.#turn.push(taken) > 1) return;
    queueMicrotask(() => passOnTurn(this.#turn.splice(0), this.#seats.keys(), isPlaced));
  }

  wasWritten(taken: Taken<Seat>, isPlaced: boolean): void {
    this.#unwritten--;
    if (!this.#parts.log.passesOnFirst) passOn(taken, this.#seats.keys(), isPlaced);
    if (this.#whenWritten.length > 0) reach(this.#whenWritten, this.seq - this.#unwritten);
    this.#changes.add(taken.seq, taken.origin, taken.sender?.member.device);
  }

  wasDurable({ sender, upTo }: Taken<Seat>): void {
    this.#undurable--;
    if (sender !== undefined) this.#acknowledge(sender, upTo);
    if (this.#whenDurable.length > 0) reach(this.#whenDurable, this.seq - this.#undurable);
    if (this.isIdle) this.idleSince = this.#parts.now();
  }

  #acknowledge(seat: Seat, upTo: number): void {
    acknowledge(seat, upTo, () => this.#seats.has(seat.member));
  }

  readonly #notOf: NotOf = (seat, clients) => notOf(this.#parts.authors, this.id, seat, clients);

  #passOn(frame: OutFrame, except: Member): void {
    for (const member of this.#seats.keys()) if (member !== except && !tellsItself(member)(except)) member.send(frame);
  }

  #afterPassedOn(action: () => void): void {
    if (!this.#parts.log.passesOnFirst) this.#afterWritten(action);
    else action();
  }

  #afterWritten(action: () => void): void {
    if (this.#unwritten === 0) action();
    else this.#whenWritten.push({ seq: this.seq, action });
  }
}
