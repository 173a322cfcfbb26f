/**
 * Whose device this is and which others are: its keys, the user's log and this device's certificate, kept in its home.
 *
 * 1. What is kept is on disk before anybody acts by it; a file that cannot be read stops the device, and is not replaced.
 * 2. The log only grows. Only joining another user's devices puts another in its place, and only while this device is
 *    alone in its own.
 * 3. Time never goes back here, whatever the clock says: a right that has run out stays so.
 */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { Failure, type DeviceId, type IdSource, type UserId } from '@markco/protocol';
import {
  appendEntry,
  capsOf,
  DEVICE_CAPS,
  checkCertificate,
  issueCertificate,
  membersOfLog,
  mergeEntries,
  openCertificate,
  openUserLog,
  signerOf,
  startUserLog,
  type Member,
  type Membership,
  type Signer,
  type UserLog,
} from '@markco/protocol/identity';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Keychain } from '../device/keychain.ts';
import { readIfThere, writePrivate } from '../device/private-file.ts';
import { openDeviceKeys, unreadable } from './device-keys.ts';
import { systemSigner } from './system-signature.ts';
import { USER_LOG as LOG } from './others.ts';

/** How much of the time that went by may be forgotten by a device that is killed. */
const KEEP_TIME_MS = 600_000;

const bytes = z.string().check(z.regex(/^[A-Za-z0-9+/]+=*$/));
const LogSchema = z.object({ entries: z.array(bytes), certificate: bytes, seenAt: z.number() });

export type Trust = {
  readonly deviceId: DeviceId;
  readonly peerId: string;
  readonly key: Ed25519PrivateKey;
  readonly signer: Signer;
  readonly userId: UserId;
  readonly log: UserLog;
  readonly members: Membership;
  readonly certificate: Uint8Array;
  /** Of the user's root key, for the words to be written down; null where this device does not have it. */
  readonly rootSeed: Uint8Array | null;
  now(): number;
  memberAt(peerId: string): Member | undefined;
  /** A log that has what this one has and more. Resolves once it is on disk. */
  take(log: UserLog): Promise<void>;
  renew(certificate: Uint8Array): Promise<void>;
  /** `conflict` when this device has others with it already. */
  join(log: UserLog, certificate: Uint8Array): Promise<void>;
  remove(device: DeviceId, reason: string): Promise<void>;
  /** Answers how to stop. */
  onChange(listener: () => void): () => void;
};

export type TrustParts = {
  readonly home: string;
  readonly deviceId: DeviceId;
  readonly userId: UserId;
  readonly name: string;
  readonly ids: IdSource;
  /** Where the keys are put when they are made; without it, in a file. */
  readonly keychain?: Keychain | null;
};

/** @throws Failure `storage_failed` when what is kept cannot be read */
export async function openTrust(parts: TrustParts): Promise<Trust> {
  const { home, deviceId, ids } = parts;
  const listeners = new Set<() => void>();
  const logText = await readIfThere(join(home, LOG));
  const { keychain = null } = parts;
  const kept = await openDeviceKeys({ home, deviceId, ids, keychain, isKnown: logText !== undefined });
  const seed = Buffer.from(kept.device, 'base64');
  const signer = systemSigner(new Uint8Array(seed));
  const key = await generateKeyPairFromSeed('Ed25519', seed);
  const first = logText === undefined ? begin() : read(parse(LogSchema, logText, join(home, LOG)));
  let { log, certificate, seenAt } = first;
  let members = membersOfLog(log);
  let writing: Promise<void> = Promise.resolve();
  let keptAt = logText === undefined ? Number.POSITIVE_INFINITY : seenAt;

  function begin(): { log: UserLog; certificate: Uint8Array; seenAt: number } {
    const root = signerOf(new Uint8Array(Buffer.from(kept.root ?? '', 'base64')));
    const started = must(startUserLog(parts.userId, root));
    const body = {
      type: 'addDevice',
      device: deviceId,
      key: signer.publicKey,
      name: parts.name,
      kind: 'desktop',
      caps: capsOf(...DEVICE_CAPS),
    } as const;
    const added = must(appendEntry(started, 'root', root, body)).log;
    const issued = must(issueCertificate(membersOfLog(added), deviceId, 'root', root, ids.now()));
    return { log: added, certificate: issued, seenAt: ids.now() };
  }

  function read(found: z.infer<typeof LogSchema>): { log: UserLog; certificate: Uint8Array; seenAt: number } {
    const [genesis, ...others] = found.entries.map((entry) => new Uint8Array(Buffer.from(entry, 'base64')));
    if (genesis === undefined) throw unreadable(join(home, LOG));
    const merged = mergeEntries(must(openUserLog(genesis)), others);
    if (merged.refused[0] !== undefined) throw unreadable(join(home, LOG), merged.refused[0].failure);
    return {
      log: merged.log,
      certificate: new Uint8Array(Buffer.from(found.certificate, 'base64')),
      seenAt: found.seenAt,
    };
  }

  /** One after another, each from what the one before it left; what is in memory is what was written last. */
  function keep(change: () => { readonly log?: UserLog; readonly certificate?: Uint8Array } | null): Promise<void> {
    const work = writing.then(async () => {
      const changed = change();
      if (changed === null) return;
      const changedTo = { log, certificate, ...changed };
      seenAt = Math.max(seenAt, ids.now());
      await keepOnDisk(changedTo);
      ({ log, certificate } = changedTo);
      members = membersOfLog(log);
      for (const listener of listeners) listener();
    });
    writing = work.catch(() => undefined);
    return work;
  }

  function now(): number {
    seenAt = Math.max(seenAt, ids.now());
    if (seenAt - keptAt >= KEEP_TIME_MS) keepTime();
    return seenAt;
  }

  /** So that a restart forgets no more of it than that, whoever sets the clock meanwhile. */
  function keepTime(): void {
    keptAt = seenAt;
    writing = writing.then(() => keepOnDisk({ log, certificate })).catch(() => undefined);
  }

  async function keepOnDisk(next: { readonly log: UserLog; readonly certificate: Uint8Array }): Promise<void> {
    const entries = [...next.log.entries.values()].map((entry) => base64(entry.bytes));
    keptAt = seenAt;
    await writePrivate(join(home, LOG), JSON.stringify({ entries, certificate: base64(next.certificate), seenAt }));
  }

  /** A certificate that runs out soon is renewed by this device itself, where it may. */
  async function renewOwn(): Promise<void> {
    const opened = openCertificate(certificate);
    if (opened instanceof Failure) return;
    const checked = checkCertificate(opened, members, now());
    if (checked.state === 'refused' || (checked.state === 'ok' && !checked.renew)) return;
    const issued = issueCertificate(members, deviceId, deviceId, signer, now());
    if (!(issued instanceof Failure)) await keep(() => ({ certificate: issued }));
  }

  if (logText === undefined) await keep(() => first);
  await renewOwn();

  return {
    deviceId,
    peerId: peerIdFromPublicKey(key.publicKey).toString(),
    key,
    signer,
    get userId() {
      return log.root.userId;
    },
    get log() {
      return log;
    },
    get members() {
      return members;
    },
    get certificate() {
      return certificate;
    },
    get rootSeed() {
      const root = new Uint8Array(Buffer.from(kept.root ?? '', 'base64'));
      // A device that joined others still keeps the key of the user it made first, which nobody has use for.
      const isOfUser = root.length > 0 && Buffer.compare(signerOf(root).publicKey, log.root.key) === 0;
      return isOfUser ? root : null;
    },
    now,
    memberAt: (peerId) => {
      const publicKey = keyOfPeer(peerId);
      return [...members.members.values()].find((member) => Buffer.compare(member.publicKey, publicKey) === 0);
    },
    async take(next) {
      await keep(() => {
        const merged = mergeEntries(
          log,
          [...next.entries.values()].map((entry) => entry.bytes),
        );
        return merged.added.length === 0 ? null : { log: merged.log };
      });
    },
    renew: (next) => keep(() => ({ certificate: next })),
    async join(next, issued) {
      await keep(() => {
        if (members.members.size > 1)
          throw new Failure(
            'conflict',
            'This device has other devices with it already. Remove it from them first, or add the others one by one.',
          );
        return { log: next, certificate: issued };
      });
    },
    async remove(device, reason) {
      await keep(() => {
        const own = [...log.entries.values()].filter(({ author }) => author === device);
        const last = own.toSorted((a, b) => b.seq - a.seq)[0];
        const body = { type: 'revokeDevice', device, cut: last?.id ?? null, reason } as const;
        return { log: must(appendEntry(log, deviceId, signer, body)).log };
      });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** A libp2p PeerId of an Ed25519 key is that key in another spelling. */
export function keyOfPeer(peerId: string): Uint8Array {
  const { publicKey } = peerIdFromString(peerId);
  return publicKey === undefined ? new Uint8Array() : new Uint8Array(publicKey.raw);
}

export const peerOfKey = (key: Uint8Array): string => peerIdFromPublicKey(publicKeyFromRaw(key)).toString();

const base64 = (from: Uint8Array): string => Buffer.from(from).toString('base64');

function must<T>(made: T | Failure): T {
  if (made instanceof Failure) throw made;
  return made;
}

function parse<T>(schema: z.ZodMiniType<T>, text: string, file: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw unreadable(file, parsed.error);
  return parsed.data;
}
