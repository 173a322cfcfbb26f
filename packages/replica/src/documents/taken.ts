/** An update that a room has taken in, on its way through the log. A class, because there is one for every letter. */
import type { DocumentId, News } from '@markco/protocol';
import type { Append } from './log.ts';
import type { Origin } from './record.ts';

export type Taken<Sender> = Append & {
  /** What was new in it. */
  readonly news: News;
  /** Who is told once it is durable, and up to which of its updates. */
  readonly sender: Sender | undefined;
  readonly upTo: number;
  isPassedOn: boolean;
};

export type TakenBy<Sender> = {
  readonly id: DocumentId;
  readonly members: number;
  passOn(taken: Taken<Sender>, isPlaced: boolean): void;
  wasWritten(taken: Taken<Sender>, isPlaced: boolean): void;
  wasDurable(taken: Taken<Sender>): void;
};

export class TakenUpdate<Sender> implements Taken<Sender> {
  readonly documentId: DocumentId;
  seq: number;
  readonly origin: Origin;
  readonly at: number;
  readonly update: Uint8Array;
  readonly news: News;
  readonly sender: Sender | undefined;
  readonly upTo: number;
  /** Others have it, although it may not be written yet. */
  isPassedOn = false;
  readonly #by: TakenBy<Sender>;

  constructor(
    by: TakenBy<Sender>,
    {
      seq,
      origin,
      at,
      update,
      news,
      sender,
      upTo,
    }: Omit<Taken<Sender>, 'documentId' | 'isPassedOn' | 'readers' | 'passOn' | 'written' | 'durable'>,
  ) {
    this.documentId = by.id;
    this.seq = seq;
    this.origin = origin;
    this.at = at;
    this.update = update;
    this.news = news;
    this.sender = sender;
    this.upTo = upTo;
    this.#by = by;
  }

  get readers(): number {
    return this.#by.members;
  }

  passOn(isPlaced: boolean): void {
    this.#by.passOn(this, isPlaced);
  }

  written(isPlaced = true): void {
    this.#by.wasWritten(this, isPlaced);
  }

  durable(): void {
    this.#by.wasDurable(this);
  }
}
