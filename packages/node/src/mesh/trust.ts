/**
 * Whose device this is and which others are: its keys, the user's log and this device's certificate, kept in its home.
 *
 * 1. A file that cannot be read stops the device, and is not replaced.
 * 2. Only joining another user's devices puts another log in the place of this one, and only while this device is alone
 *    in its own.
 */
import { entriesOf, keepLog, logOf, type Kept } from '@markco/client/mesh/kept-log';
import type { Trust as MeshTrust } from '@markco/client/mesh/trust';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { Failure, type DeviceId, type IdSource, type UserId } from '@markco/protocol';
import {
  appendEntry,
  capsOf,
  DEVICE_CAPS,
  checkCertificate,
  issueCertificate,
  membersOfLog,
  openCertificate,
  signerOf,
  startUserLog,
  type UserLog,
} from '@markco/protocol/identity';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Keychain } from '../device/keychain.ts';
import { readIfThere, writePrivate } from '../device/private-file.ts';
import { openDeviceKeys, unreadable } from './device-keys.ts';
import { systemSigner } from './system-signature.ts';
import { USER_LOG as LOG } from './others.ts';

const bytes = z.string().check(z.regex(/^[A-Za-z0-9+/]+=*$/));
const LogSchema = z.object({ entries: z.array(bytes), certificate: bytes, seenAt: z.number() });

export type Trust = MeshTrust & {
  readonly key: Ed25519PrivateKey;
  /** Of the user's root key, for the words to be written down; null where this device does not have it. */
  readonly rootSeed: Uint8Array | null;
  /** `conflict` when this device has others with it already. */
  join(log: UserLog, certificate: Uint8Array): Promise<void>;
  remove(device: DeviceId, reason: string): Promise<void>;
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
  const logText = await readIfThere(join(home, LOG));
  const { keychain = null } = parts;
  const keys = await openDeviceKeys({ home, deviceId, ids, keychain, isKnown: logText !== undefined });
  const seed = Buffer.from(keys.device, 'base64');
  const signer = systemSigner(new Uint8Array(seed));
  const key = await generateKeyPairFromSeed('Ed25519', seed);
  const first = logText === undefined ? begin() : read(parse(LogSchema, logText, join(home, LOG)));
  function begin(): Kept {
    const root = signerOf(new Uint8Array(Buffer.from(keys.root ?? '', 'base64')));
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

  function read(found: z.infer<typeof LogSchema>): Kept {
    const log = logOf(found.entries.map((entry) => new Uint8Array(Buffer.from(entry, 'base64'))));
    if (log instanceof Failure) throw unreadable(join(home, LOG), log);
    return { log, certificate: new Uint8Array(Buffer.from(found.certificate, 'base64')), seenAt: found.seenAt };
  }

  /** A certificate that runs out soon is renewed by this device itself, where it may. */
  async function renewOwn(): Promise<void> {
    const opened = openCertificate(kept.certificate);
    if (opened instanceof Failure) return;
    const checked = checkCertificate(opened, kept.members, kept.now());
    if (checked.state === 'refused' || (checked.state === 'ok' && !checked.renew)) return;
    const issued = issueCertificate(kept.members, deviceId, deviceId, signer, kept.now());
    if (!(issued instanceof Failure)) await kept.renew(issued);
  }

  const kept = keepLog({
    first,
    isKept: logText !== undefined,
    clock: ids.now,
    write: ({ log, certificate, seenAt }) =>
      writePrivate(
        join(home, LOG),
        JSON.stringify({ entries: entriesOf(log).map(base64), certificate: base64(certificate), seenAt }),
      ),
  });
  if (logText === undefined) await kept.change(() => first);
  await renewOwn();

  return {
    deviceId,
    peerId: peerIdFromPublicKey(key.publicKey).toString(),
    key,
    signer,
    get userId() {
      return kept.userId;
    },
    get log() {
      return kept.log;
    },
    get members() {
      return kept.members;
    },
    get certificate() {
      return kept.certificate;
    },
    get rootSeed() {
      const root = new Uint8Array(Buffer.from(keys.root ?? '', 'base64'));
      // A device that joined others still keeps the key of the user it made first, which nobody has use for.
      const isOfUser = root.length > 0 && Buffer.compare(signerOf(root).publicKey, kept.log.root.key) === 0;
      return isOfUser ? root : null;
    },
    now: kept.now,
    memberAt: kept.memberAt,
    take: kept.take,
    renew: kept.renew,
    onChange: kept.onChange,
    join: (log, certificate) =>
      kept.change(() => {
        if (kept.members.members.size > 1)
          throw new Failure(
            'conflict',
            'This device has other devices with it already. Remove it from them first, or add the others one by one.',
          );
        return { log, certificate };
      }),
    remove: (device, reason) =>
      kept.change(() => {
        const own = [...kept.log.entries.values()].filter(({ author }) => author === device);
        const last = own.toSorted((a, b) => b.seq - a.seq)[0];
        const body = { type: 'revokeDevice', device, cut: last?.id ?? null, reason } as const;
        return { log: must(appendEntry(kept.log, deviceId, signer, body)).log };
      }),
  };
}

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
