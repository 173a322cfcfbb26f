/**
 * Automerge's sync protocol on streams between devices of the user, one to each that is connected.
 *
 *   message := document[16] sync         a message of Automerge's sync protocol, and the record it is about
 *            | 0[16] document[16] id[16]*   which record the sender keeps, and to whom it is connected with it
 *
 * 1. Nothing comes in or goes out but to a device of the user, as their log says it in that moment.
 * 2. A message is tried on a copy first. One that cannot be read, is too large, or would make the record larger than
 *    allowed, ends its stream and changes nothing. One about another record is passed over: a device that is just being
 *    added to those of another user still speaks of its own.
 * 3. What changes is told to neighbors (`neighbors.ts`) only, but whoever speaks of the record is answered. Both sides
 *    keep what they know of each other for as long as the stream lasts, so who becomes a neighbor later is told what it
 *    lacks by then. A device that does not say whom it is connected to is a neighbor once it has spoken.
 *    It takes SETTLE_MS until it is known who is one, where there is a third at all.
 * 4. What changes within FLUSH_MS is told together.
 */
import {
  clone,
  decodeSyncMessage,
  generateSyncMessage,
  getActorId,
  initSyncState,
  receiveSyncMessage,
  save,
  stats,
  type Doc,
  type SyncState,
} from '@automerge/automerge';
import { Failure, formatUuid, LIMITS, parseUuid, type DeviceId } from '@markco/protocol';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { RawRecord } from './beginning.ts';
import { areNeighbors } from './neighbors.ts';

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
const FLUSH_MS = 100;
/** By then those that both are connected to have said so. Told before, who comes anew would get all from all of them. */
const SETTLE_MS = 300;
const ID_BYTES = 16;
/** In place of a record's name. */
const LINKS = new Uint8Array(ID_BYTES);

export type RecordNetworkParts = {
  readonly self: DeviceId;
  readonly isMember: (device: DeviceId) => boolean;
  readonly now: () => number;
  /** The record that is kept now. */
  readonly current: () => { readonly name: Uint8Array; readonly doc: Doc<RawRecord> } | null;
  /** The record with what another device has told. */
  readonly take: (doc: Doc<RawRecord>) => void;
  /** Whether the disk takes what comes. */
  readonly canKeep: () => boolean;
};

export type RecordNetwork = {
  /** From now on the record is kept equal with this device, until the stream ends. */
  join(stream: MessageStream, device: DeviceId): void;
  /** The record has changed here. */
  changed(): void;
  /** It is another record from now on. */
  renamed(): void;
  /** Who is no device of the user any more hears nothing further. */
  expel(): void;
  close(): void;
};

type Joined = {
  readonly device: DeviceId;
  readonly stream: MessageStream;
  /** What both know of each other's record. */
  sync: SyncState;
  hasSpoken: boolean;
  settles: NodeJS.Timeout | undefined;
  /** Of which record it speaks, and whom it is connected to; null while it has not said so. */
  links: { readonly name: string; readonly devices: ReadonlySet<DeviceId> } | null;
  /** What it was told last of whom this device is connected to. */
  told: string;
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function createRecordNetwork(parts: RecordNetworkParts): RecordNetwork {
  const { self, current, isMember } = parts;
  const joined = new Map<DeviceId, Joined>();
  let timer: NodeJS.Timeout | undefined;

  function linksOf(name: string): (device: DeviceId) => ReadonlySet<DeviceId> | undefined {
    const mine = new Set(joined.keys());
    return (device) => {
      if (device === self) return mine;
      const its = joined.get(device)?.links;
      return its?.name === name ? its.devices : undefined;
    };
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const record = current();
    if (record === null) return;
    const name = hex(record.name);
    const links = linksOf(name);
    for (const each of [...joined.values()]) {
      tellLinks(each, record.name);
      if (each.settles !== undefined && joined.size > 1) continue;
      const isNeighbor =
        each.links === null ? each.hasSpoken : each.links.name === name && areNeighbors(self, each.device, links);
      if (isNeighbor) tell(each);
    }
  }

  const flushSoon = (): void => void (timer ??= setTimeout(flush, FLUSH_MS).unref());

  function tellLinks(to: Joined, name: Uint8Array): void {
    const devices = [...joined.keys()].filter((device) => device !== to.device).slice(0, LIMITS.devicesMax);
    const now = `${hex(name)} ${devices.toSorted().join()}`;
    if (now === to.told) return;
    to.told = now;
    send(to, [LINKS, name, ...devices.map((device) => parseUuid(device))]);
  }

  /** What it lacks, as far as that is known, and has not been sent. */
  function tell(to: Joined): void {
    const record = current();
    if (record === null) return;
    const [sync, message] = generateSyncMessage(record.doc, to.sync);
    to.sync = sync;
    if (message !== null) send(to, [record.name, message]);
  }

  function send(to: Joined, chunks: readonly Uint8Array[]): void {
    const { device, stream } = to;
    if (!isMember(device)) return;
    const bytes = new Uint8Array(Buffer.concat(chunks));
    if (stream.waiting() + bytes.length > WAITING_BYTES_MAX) {
      leave(to);
      return stream.abort(new Failure('not_ready', 'This device does not read what it is sent.'));
    }
    stream.sendBytes(bytes);
  }

  function receive(message: Uint8Array | string, from: Joined): void {
    const record = current();
    if (!isMember(from.device)) throw new Failure('forbidden', 'refused');
    if (typeof message === 'string' || message.length < ID_BYTES)
      throw new Failure('bad_request', 'A message could not be read.');
    if (message.length > RECORD_MESSAGE_BYTES_MAX)
      throw new Failure('too_large', `A message is at most ${RECORD_MESSAGE_BYTES_MAX} bytes here.`);
    const name = message.subarray(0, ID_BYTES);
    if (Buffer.compare(name, LINKS) === 0) return hearLinks(message.subarray(ID_BYTES), from);
    if (record === null || Buffer.compare(name, record.name) !== 0) return;
    const data = message.slice(ID_BYTES);
    const [tried, sync] = receiveSyncMessage(clone(record.doc, { actor: getActorId(record.doc) }), from.sync, data);
    const grows = decodeSyncMessage(data).changes.length > 0;
    if (grows && !parts.canKeep()) throw new Failure('not_ready', 'The disk takes nothing now.');
    if (grows && (stats(tried).numOps > OPERATIONS_MAX || save(tried).length > RECORD_BYTES_MAX))
      throw new Failure('too_large', `What your devices share of themselves is at most ${RECORD_BYTES_MAX} bytes.`);
    from.sync = sync;
    from.hasSpoken = true;
    if (grows) parts.take(tried);
    tell(from);
  }

  function hearLinks(bytes: Uint8Array, from: Joined): void {
    if (bytes.length % ID_BYTES !== 0 || bytes.length === 0 || bytes.length > (1 + LIMITS.devicesMax) * ID_BYTES)
      throw new Failure('bad_request', 'A message could not be read.');
    const ids = Array.from({ length: bytes.length / ID_BYTES }, (_, at) =>
      bytes.slice(at * ID_BYTES, (at + 1) * ID_BYTES),
    );
    const name = hex(ids[0] ?? LINKS);
    // It begins anew with another record: what it was sent of that before, it passed over.
    if (from.links !== null && from.links.name !== name) from.sync = initSyncState();
    from.links = { name, devices: new Set(ids.slice(1).map((id) => formatUuid(id) as DeviceId)) };
    flushSoon();
  }

  function leave(one: Joined): void {
    if (joined.get(one.device) !== one) return;
    joined.delete(one.device);
    clearTimeout(one.settles);
    flushSoon();
  }

  return {
    join(stream, device) {
      const before = joined.get(device);
      if (before !== undefined) {
        leave(before);
        before.stream.close();
      }
      const settles = setTimeout(() => {
        one.settles = undefined;
        flush();
      }, SETTLE_MS).unref();
      const begun = { sync: initSyncState(), hasSpoken: false, links: null, told: '' };
      const one: Joined = { device, stream, settles, ...begun };
      joined.set(device, one);
      let second = 0;
      let count = 0;
      stream.onClose(() => leave(one));
      stream.onMessage((message) => {
        if (joined.get(device) !== one) return;
        const now = Math.floor(parts.now() / 1_000);
        count = now === second ? count + 1 : 1;
        second = now;
        try {
          if (count > MESSAGES_PER_SECOND_MAX) throw new Failure('too_many', 'These are too many messages at once.');
          receive(message, one);
        } catch (cause) {
          leave(one);
          stream.abort(
            cause instanceof Failure ? cause : new Failure('bad_request', 'A message could not be read.', { cause }),
          );
        }
      });
      const record = current();
      if (record !== null) tellLinks(one, record.name);
      flushSoon();
    },
    changed: flushSoon,
    renamed() {
      for (const one of joined.values()) {
        one.sync = initSyncState();
        one.hasSpoken = false;
      }
      flushSoon();
    },
    expel() {
      for (const one of [...joined.values()])
        if (!isMember(one.device)) {
          leave(one);
          one.stream.abort(new Failure('forbidden', 'refused'));
        }
    },
    close() {
      for (const one of [...joined.values()]) {
        one.stream.close();
        leave(one);
      }
      clearTimeout(timer);
    },
  };
}
