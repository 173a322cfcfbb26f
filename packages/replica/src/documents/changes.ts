/**
 * What was written of a document, told once a turn: whoever projects, counts or compacts need not hear of each letter,
 * and the document's members come first.
 */
import type { DeviceId, DocumentId } from '@markco/protocol';
import type { Origin } from './record.ts';

/** `count` updates of one origin, the last of them at `seq`. */
export type RoomChange = {
  readonly id: DocumentId;
  readonly origin: Origin;
  readonly seq: number;
  readonly count: number;
  /** The device that told it; undefined when it was told here. */
  readonly from?: DeviceId | undefined;
  /** Another process took it in, and sees to all that follows from it. */
  readonly isElsewhere?: boolean;
};

export class Changes {
  readonly #id: DocumentId;
  readonly #tell: (change: RoomChange) => void;
  #waiting:
    | { id: DocumentId; origin: Origin; from: DeviceId | undefined; isElsewhere: boolean; seq: number; count: number }
    | undefined;

  constructor(id: DocumentId, tell: (change: RoomChange) => void) {
    this.#id = id;
    this.#tell = tell;
  }

  add(seq: number, origin: Origin, from?: DeviceId, isElsewhere = false): void {
    const known = this.#waiting;
    if (known?.origin !== origin || known.from !== from || known.isElsewhere !== isElsewhere) {
      this.#flush();
      this.#waiting = { id: this.#id, origin, from, isElsewhere, seq, count: 0 };
      queueMicrotask(() => this.#flush());
    }
    if (this.#waiting === undefined) return;
    this.#waiting.seq = seq;
    this.#waiting.count++;
  }

  #flush(): void {
    const change = this.#waiting;
    this.#waiting = undefined;
    if (change !== undefined) this.#tell(change);
  }
}
