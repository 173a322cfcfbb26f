/**
 * On which of the user's devices' disks a document is, as it is now: from facts, and never more than they say.
 *
 * 1. A device has a document when it acknowledged everything in it, or said that its copy is the same. What it had when
 *    it was last connected it still has.
 * 2. Devices count that have the project open, as far as they have said so since this one started.
 */
import type { Copies, DeviceId, DocumentId, ProjectId } from '@markco/protocol';
import type { Rooms } from '@markco/replica/documents/rooms';
import type { Peer } from '@markco/client/mesh/peers';

/** `at`: since when, in Unix milliseconds. */
type Held = { readonly seq: number; readonly at: number };

export type HeldCopies = {
  /** What a device has on its disk of a document, as a position of the log here. */
  hold(id: DocumentId, device: DeviceId, seq: number): void;
  /** Devices that have all of a document as it is here. */
  holders(id: DocumentId): readonly DeviceId[];
  /** Null while no other device is known to have its project, or nobody has it open here. */
  of(id: DocumentId): Copies | null;
  onChange(listener: (id: DocumentId) => void): void;
};

export type HeldCopiesParts = {
  readonly rooms: Pick<Rooms, 'peek'>;
  readonly now: () => number;
  readonly self: { readonly name: string };
  readonly peers: () => readonly Pick<Peer, 'deviceId' | 'name' | 'state' | 'since'>[];
  readonly projectOf: (id: DocumentId) => ProjectId | undefined;
  /** Whether a device said that it has a project. */
  readonly shares: (device: DeviceId, project: ProjectId) => boolean;
};

export function createHeldCopies(parts: HeldCopiesParts): HeldCopies {
  const held = new Map<DocumentId, Map<DeviceId, Held>>();
  const listeners: ((id: DocumentId) => void)[] = [];

  /** Since when a device has all of it; null when it is not known to. */
  function heldSince(id: DocumentId, device: DeviceId): number | null {
    const of = held.get(id)?.get(device);
    const seq = parts.rooms.peek(id)?.seq;
    return of === undefined || (seq !== undefined && of.seq < seq) ? null : of.at;
  }

  return {
    hold(id, device, seq) {
      const of = held.get(id) ?? new Map<DeviceId, Held>();
      const before = of.get(device);
      if (before === undefined || seq > before.seq) held.set(id, of.set(device, { seq, at: parts.now() }));
      for (const listener of listeners) listener(id);
    },
    holders: (id) =>
      parts
        .peers()
        .map(({ deviceId }) => deviceId)
        .filter((device) => heldSince(id, device) !== null),
    of(id) {
      const room = parts.rooms.peek(id);
      const project = parts.projectOf(id);
      if (room === undefined || project === undefined) return null;
      const others = parts.peers().filter(({ deviceId }) => parts.shares(deviceId, project));
      if (others.length === 0) return null;
      const devices = others.map(({ deviceId, name, state, since }) => {
        const at = heldSince(id, deviceId);
        return { name, has: at !== null, online: state === 'connected', since: at ?? since };
      });
      const self = { name: parts.self.name, has: true, online: true, since: parts.now() };
      return { documentId: id, digest: Buffer.from(room.digest).toString('hex'), devices: [self, ...devices] };
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
