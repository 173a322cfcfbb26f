/**
 * Who the user's devices are: a pure function of the set of entries, so that the same set, whatever order it came
 * in, gives the same answer on every device.
 *
 * 1. An entry counts if its author was a device at that time. That was judged by the entry's own past when it came
 *    in (`user-log.ts`) and never changes.
 * 2. A revocation cuts its device's chain. An entry beyond a cut counts for nothing, whoever heard of it when, and
 *    neither does what devices did that only such an entry added.
 * 3. Whether a revocation itself holds is judged by its past alone: two that revoke each other are both out. Only a
 *    cut that the root made is above that, so that who has the recovery phrase can undo what a thief revoked.
 * 4. What contradicts itself is nobody: one device with two keys, or two devices with one key. Of several additions
 *    that agree, the caps that all of them give count.
 */
import type { DeviceId, UserId } from '../id.ts';
import { bytesToHex } from '@noble/hashes/utils.js';
import { DEVICE_CAPS, type DeviceCap, type DeviceKind } from './caps.ts';
import type { Author, EntryBody, EntryId, LogEntry } from './entry.ts';

/** What every log of one user begins with. */
export type LogRoot = {
  readonly id: EntryId;
  readonly userId: UserId;
  readonly key: Uint8Array;
  /** `rootHashOf(key)`. */
  readonly hash: string;
};

export type Member = {
  readonly deviceId: DeviceId;
  readonly publicKey: Uint8Array;
  readonly name: string;
  readonly kind: DeviceKind;
  readonly caps: readonly DeviceCap[];
  /** The additions that made it a device; most often one. */
  readonly added: readonly EntryId[];
};

export type Revoked = { readonly name: string; readonly by: Author; readonly reason: string };

export type Membership = {
  readonly root: LogRoot;
  readonly members: ReadonlyMap<DeviceId, Member>;
  /** Devices that were and are no more. They never come back: the same machine gets a new id and key. */
  readonly revoked: ReadonlyMap<DeviceId, Revoked>;
  /** Every device that any addition names, whether it counts or not. */
  readonly named: ReadonlySet<DeviceId>;
  /** Authors with two entries of one number: a device restored from a copy, or a stolen one. To be told, not judged. */
  readonly forked: ReadonlySet<Author>;
  /** How often the keys were changed. */
  readonly epoch: number;
};

type With<T extends EntryBody['type']> = LogEntry & { readonly body: Extract<EntryBody, { type: T }> };

const isOf =
  <T extends EntryBody['type']>(type: T) =>
  (entry: LogEntry): entry is With<T> =>
    entry.body.type === type;

/** `entries`: each after all those it names. */
export function membershipOf(root: LogRoot, entries: readonly LogEntry[]): Membership {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const revocations = entries.filter(isOf('revokeDevice'));
  const cutByRoot = standing(
    entries,
    byId,
    revocations.filter(({ author }) => author === 'root'),
  );
  const holding = revocations.filter(({ id }) => cutByRoot.has(id)).toSorted(byHash);
  const counting = standing(entries, byId, holding);

  const additions = entries.filter(isOf('addDevice'));
  const revoked = new Map<DeviceId, Revoked>();
  for (const { author, body } of holding) {
    const name = additions.filter((each) => each.body.device === body.device).toSorted(byHash)[0]?.body.name ?? '';
    if (!revoked.has(body.device)) revoked.set(body.device, { name, by: author, reason: body.reason });
  }
  return {
    root,
    members: membersOf(
      additions.filter(({ id }) => counting.has(id)),
      revoked,
    ),
    revoked,
    named: new Set(additions.map(({ body }) => body.device)),
    forked: forkedOf(entries),
    epoch: entries.filter(({ id, body }) => body.type === 'rotateEpoch' && counting.has(id)).length,
  };
}

const byHash = (a: LogEntry, b: LogEntry): number => (a.id < b.id ? -1 : 1);

/** The entries that count when just these revocations hold. */
function standing(
  entries: readonly LogEntry[],
  byId: ReadonlyMap<EntryId, LogEntry>,
  revocations: readonly With<'revokeDevice'>[],
): ReadonlySet<EntryId> {
  const lastKept = new Map<Author, LogEntry | undefined>();
  const before = (entry: LogEntry): LogEntry | undefined => (entry.prev === null ? undefined : byId.get(entry.prev));
  for (const { body } of revocations) {
    const cut = body.cut === null ? undefined : byId.get(body.cut);
    lastKept.set(body.device, lastKept.has(body.device) ? common(lastKept.get(body.device), cut, before) : cut);
  }
  const kept = new Set<EntryId>();
  for (let at of lastKept.values()) for (; at !== undefined; at = before(at)) kept.add(at.id);

  const counting = new Set<EntryId>();
  for (const { id, author, authority } of entries) {
    if (lastKept.has(author) && !kept.has(id)) continue;
    if (author === 'root' || authority.some((addition) => counting.has(addition))) counting.add(id);
  }
  return counting;
}

/** The last entry that is on both chains. */
function common(
  a: LogEntry | undefined,
  b: LogEntry | undefined,
  before: (entry: LogEntry) => LogEntry | undefined,
): LogEntry | undefined {
  while (a !== b) {
    if (a === undefined || b === undefined) return undefined;
    const [ofA, ofB]: readonly [number, number] = [a.seq, b.seq];
    if (ofA >= ofB) a = before(a);
    if (ofB >= ofA) b = before(b);
  }
  return a;
}

function membersOf(
  additions: readonly With<'addDevice'>[],
  revoked: ReadonlyMap<DeviceId, Revoked>,
): ReadonlyMap<DeviceId, Member> {
  const ofDevice = Map.groupBy(additions.toSorted(byHash), ({ body }) => body.device);
  const devicesOfKey = new Map<string, Set<DeviceId>>();
  const keysOfDevice = new Map<DeviceId, Set<string>>();
  for (const { body } of additions) {
    const key = bytesToHex(body.key);
    devicesOfKey.set(key, (devicesOfKey.get(key) ?? new Set()).add(body.device));
    keysOfDevice.set(body.device, (keysOfDevice.get(body.device) ?? new Set()).add(key));
  }
  const members = new Map<DeviceId, Member>();
  for (const deviceId of [...ofDevice.keys()].toSorted()) {
    const all = ofDevice.get(deviceId) ?? [];
    const [first] = all;
    const keys = [...(keysOfDevice.get(deviceId) ?? [])];
    if (first === undefined || revoked.has(deviceId) || keys.length > 1) continue;
    if (keys.some((key) => (devicesOfKey.get(key)?.size ?? 0) > 1)) continue;
    members.set(deviceId, {
      deviceId,
      publicKey: first.body.key,
      name: first.body.name,
      kind: first.body.kind,
      caps: DEVICE_CAPS.filter((cap) => all.every(({ body }) => body.caps.includes(cap))),
      added: all.map(({ id }) => id),
    });
  }
  return members;
}

function forkedOf(entries: readonly LogEntry[]): ReadonlySet<Author> {
  const seen = new Set<string>();
  const forked = new Set<Author>();
  for (const { author, seq } of entries) {
    if (seen.has(`${author} ${seq}`)) forked.add(author);
    seen.add(`${author} ${seq}`);
  }
  return forked;
}
