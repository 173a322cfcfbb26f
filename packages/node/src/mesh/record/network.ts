/**
 * Automerge's network on streams between devices of the user, one to each that is connected.
 *
 *   message := document[16] sync       a message of Automerge's sync protocol, and the record it is about
 *
 * 1. Nothing comes in or goes out but to a device of the user, as their log says it in that moment.
 * 2. A message is tried on a copy first. One that cannot be read, is too large, or would make the record larger than
 *    allowed, ends its stream and changes nothing. One about another record is passed over: a device that is just being
 *    added to those of another user still speaks of its own.
 */
import {
  clone,
  decodeSyncMessage,
  initSyncState,
  receiveSyncMessage,
  save,
  stats,
  type Doc,
} from '@automerge/automerge';
import {
  NetworkAdapter,
  type DocumentId as RecordId,
  type Message,
  type PeerId,
  type PeerMetadata,
} from '@automerge/automerge-repo';
import { Failure, type DeviceId } from '@markco/protocol';
import type { MessageStream } from '../message-stream.ts';
import type { RawRecord } from './beginning.ts';

/** One message: at most a whole record and its envelope. A larger one ends the stream. */
export const RECORD_MESSAGE_BYTES_MAX = 5 * 1024 * 1024;
/** A record with its whole history, as it is stored. Of messages that would make it larger none is taken. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024;
/** Steps of its history. It is far above what fits into the bytes by honest use. */
const OPERATIONS_MAX = 400_000;
/** Messages of one device within a second; more end its stream. */
const MESSAGES_PER_SECOND_MAX = 100;
/** Bytes that wait for a device that does not read them. */
const WAITING_BYTES_MAX = 2 * RECORD_MESSAGE_BYTES_MAX;
const ID_BYTES = 16;

export type RecordNetworkParts = {
  readonly isMember: (device: DeviceId) => boolean;
  readonly now: () => number;
  /** The record that is kept now. */
  readonly current: () => { readonly id: RecordId; readonly name: Uint8Array; readonly doc: Doc<RawRecord> } | null;
  /** Whether the disk takes what comes. */
  readonly canKeep: () => boolean;
};

export class RecordNetwork extends NetworkAdapter {
  readonly #parts: RecordNetworkParts;
  readonly #streams = new Map<PeerId, MessageStream>();

  constructor(parts: RecordNetworkParts) {
    super();
    this.#parts = parts;
  }

  isReady(): boolean {
    return true;
  }

  async whenReady(): Promise<void> {}

  connect(peerId: PeerId, peerMetadata?: PeerMetadata): void {
    this.peerId = peerId;
    if (peerMetadata !== undefined) this.peerMetadata = peerMetadata;
  }

  disconnect(): void {
    for (const stream of this.#streams.values()) stream.close();
  }

  /** From now on the record is kept equal with this device, until the stream ends. */
  join(stream: MessageStream, device: DeviceId): void {
    const peer = device as string as PeerId;
    const before = this.#streams.get(peer);
    if (before !== undefined) {
      this.#leave(peer, before);
      before.close();
    }
    this.#streams.set(peer, stream);
    let second = 0;
    let count = 0;
    stream.onClose(() => this.#leave(peer, stream));
    stream.onMessage((message) => {
      const now = Math.floor(this.#parts.now() / 1_000);
      count = now === second ? count + 1 : 1;
      second = now;
      try {
        if (count > MESSAGES_PER_SECOND_MAX) throw new Failure('too_many', 'These are too many messages at once.');
        this.#take(message, device);
      } catch (cause) {
        this.#leave(peer, stream);
        stream.abort(
          cause instanceof Failure ? cause : new Failure('bad_request', 'A message could not be read.', { cause }),
        );
      }
    });
    this.emit('peer-candidate', { peerId: peer, peerMetadata: { isEphemeral: true } });
  }

  /** Who is no device of the user any more hears nothing further. */
  expel(): void {
    for (const [peer, stream] of this.#streams)
      if (!this.#parts.isMember(peer as string as DeviceId)) {
        this.#leave(peer, stream);
        stream.abort(new Failure('forbidden', 'refused'));
      }
  }

  send(message: Message): void {
    const stream = this.#streams.get(message.targetId);
    const current = this.#parts.current();
    if (stream === undefined || current === null || current.id !== message.documentId || message.type !== 'sync')
      return;
    if (!this.#parts.isMember(message.targetId as string as DeviceId)) return;
    const data = message.data ?? new Uint8Array();
    if (stream.waiting() + data.length > WAITING_BYTES_MAX) {
      this.#leave(message.targetId, stream);
      return stream.abort(new Failure('not_ready', 'This device does not read what it is sent.'));
    }
    const bytes = new Uint8Array(ID_BYTES + data.length);
    bytes.set(current.name);
    bytes.set(data, ID_BYTES);
    stream.sendBytes(bytes);
  }

  #take(message: Uint8Array | string, from: DeviceId): void {
    const current = this.#parts.current();
    if (!this.#parts.isMember(from)) throw new Failure('forbidden', 'refused');
    if (typeof message === 'string' || message.length < ID_BYTES)
      throw new Failure('bad_request', 'A message could not be read.');
    if (message.length > RECORD_MESSAGE_BYTES_MAX)
      throw new Failure('too_large', `A message is at most ${RECORD_MESSAGE_BYTES_MAX} bytes here.`);
    if (current === null || Buffer.compare(message.subarray(0, ID_BYTES), current.name) !== 0) return;
    const data = message.slice(ID_BYTES);
    const [tried] = receiveSyncMessage(clone(current.doc), initSyncState(), data);
    const grows = decodeSyncMessage(data).changes.length > 0;
    if (grows && !this.#parts.canKeep()) throw new Failure('not_ready', 'The disk takes nothing now.');
    if (grows && (stats(tried).numOps > OPERATIONS_MAX || save(tried).length > RECORD_BYTES_MAX))
      throw new Failure('too_large', `What your devices share of themselves is at most ${RECORD_BYTES_MAX} bytes.`);
    this.emit('message', {
      type: 'sync',
      senderId: from as string as PeerId,
      targetId: this.peerId ?? ('' as PeerId),
      documentId: current.id,
      data,
    });
  }

  #leave(peer: PeerId, stream: MessageStream): void {
    if (this.#streams.get(peer) !== stream) return;
    this.#streams.delete(peer);
    this.emit('peer-disconnected', { peerId: peer });
  }
}
