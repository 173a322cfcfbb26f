/** Whoever notes what another replica says of itself, so that one that is not trusted can be held to its words. */
import type { DeviceId, DocumentId } from '@markco/protocol';
import type { Message } from './messages.ts';

/** How far each writer's edits are there. */
export type Clocks = ReadonlyMap<number, number>;

export type Witness = {
  /** It said that it keeps at least this. */
  has(id: DocumentId, clocks: Clocks): void;
  /** It said that this is all that it has. */
  shows(id: DocumentId, clocks: Clocks): void;
  /** It brings an edit. */
  brings(id: DocumentId, update: Uint8Array): void;
};

export type KeptMessage = Extract<Message, { op: 'kept' }>;

/** What two devices tell each other of what a third replica said to them. */
export type Testimony = {
  open(
    device: DeviceId,
    say: (message: KeptMessage) => void,
    wasted: (cost: number) => void,
  ): { receive(message: KeptMessage): void; end(): void };
};
