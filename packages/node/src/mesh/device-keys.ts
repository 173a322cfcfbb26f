/**
 * The secret keys of this device: in the system's keychain where there is one, else in a file that its owner alone can
 * read. Where they were put first, they stay: the file says which.
 */
import { Failure, type DeviceId, type IdSource } from '@markco/protocol';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Keychain } from '../device/keychain.ts';
import { readIfThere, writePrivate } from '../device/private-file.ts';

const FILE = 'device-keys.json';

const bytes = z.string().check(z.regex(/^[A-Za-z0-9+/]+=*$/));
const KeysSchema = z.object({
  /** 32 bytes each, base64. */
  device: bytes,
  /** The user's, on the device that made it. */
  root: z.optional(bytes),
});
/** Of the file: the keys, or under which name they are in the keychain. */
const KeptSchema = z.union([KeysSchema, z.object({ keychain: z.string().check(z.minLength(1)) })]);

export type DeviceKeys = z.infer<typeof KeysSchema>;

export type DeviceKeysParts = {
  readonly home: string;
  readonly deviceId: DeviceId;
  readonly ids: IdSource;
  /** Null when the owner wants none of it. */
  readonly keychain: Keychain | null;
  /** Whether others know this device already: then new keys would make it a stranger. */
  readonly isKnown: boolean;
};

/** @throws Failure `storage_failed` when they were made before and cannot be read */
export async function openDeviceKeys(parts: DeviceKeysParts): Promise<DeviceKeys> {
  const { home, deviceId, ids, keychain, isKnown } = parts;
  const file = join(home, FILE);
  const text = await readIfThere(file);
  if (text === undefined) {
    if (isKnown) throw unreadable(file);
    const keys = { device: base64(ids.randomBytes(32)), root: base64(ids.randomBytes(32)) };
    const kept = keychain !== null && (await isTaken(keychain, deviceId, keys)) ? { keychain: deviceId } : keys;
    await writePrivate(file, JSON.stringify(kept, null, 2));
    return keys;
  }
  const kept = parse(KeptSchema, text, file);
  if (!('keychain' in kept)) return kept;
  if (keychain === null)
    throw new Failure(
      'storage_failed',
      "The keys of this device are in this system's keychain, and MARKCO_KEYS=file says not to look there. Leave it out; nothing was changed.",
    );
  const secret = await keychain.get(kept.keychain);
  if (secret === null)
    throw new Failure(
      'storage_failed',
      `The keys of this device are gone from this system's keychain (MarkCo, ${kept.keychain}). Restore the keychain from a copy; nothing was changed.`,
    );
  return parse(KeysSchema, secret, `${kept.keychain} in the keychain`);
}

/** Where the keys of a device are, read without starting it: null before it has any. */
export async function placeOfKeys(home: string): Promise<'keychain' | 'file' | null> {
  const file = join(home, FILE);
  const text = await readIfThere(file);
  if (text === undefined) return null;
  return 'keychain' in parse(KeptSchema, text, file) ? 'keychain' : 'file';
}

/** A machine without a keychain is a usual one, so that it has none is no error. */
async function isTaken(keychain: Keychain, deviceId: DeviceId, keys: DeviceKeys): Promise<boolean> {
  try {
    await keychain.set(deviceId, JSON.stringify(keys));
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === 'storage_failed') return false;
    throw error;
  }
}

const base64 = (from: Uint8Array): string => Buffer.from(from).toString('base64');

function parse<T>(schema: z.ZodMiniType<T>, text: string, where: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unreadable(where, cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw unreadable(where, parsed.error);
  return parsed.data;
}

/** Says of what a device keeps about itself that it cannot be used. */
export function unreadable(where: string, cause?: unknown): Failure {
  return new Failure(
    'storage_failed',
    `${where} cannot be read, so this device does not know who it is. Restore it from a copy; nothing was changed.`,
    { cause },
  );
}
