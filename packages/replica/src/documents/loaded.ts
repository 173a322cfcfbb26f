/** A document as the log has it. */
import type { Summary } from '@markco/protocol';

export type Loaded = {
  readonly baseSeq: number;
  readonly base: Uint8Array | undefined;
  readonly tail: readonly Uint8Array[];
  readonly summary: Summary;
};
