/** Who this device is: made once, kept in its home, never shown in a URL or a log. */
import {
  DeviceSchema,
  Failure,
  newId,
  UserSchema,
  type Device,
  type DeviceId,
  type IdSource,
  type User,
  type UserId,
} from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere, writePrivate } from './private-file.ts';

const IdentitySchema = z.object({ device: DeviceSchema, user: UserSchema });

export type Identity = { readonly device: Device; readonly user: User; readonly token: string };

/** `home` exists, and nobody else uses it. */
export async function loadIdentity(
  home: string,
  about: { readonly name: string; readonly os: string; readonly version: string },
  ids: IdSource,
): Promise<Identity> {
  const token = await loadToken(home);
  const file = join(home, 'identity.json');
  const text = await readIfThere(file);
  const known = text === undefined ? undefined : IdentitySchema.safeParse(parseJson(text));
  if (known?.success === false) {
    throw new Failure(
      'storage_failed',
      `${file} cannot be read, so this device does not know who it is. Restore it from a copy; nothing was changed.`,
    );
  }
  const now = new Date(ids.now()).toISOString();
  if (known !== undefined) {
    const device = {
      ...known.data.device,
      os: about.os,
      appVersion: about.version,
      lastSeenAt: now,
      status: 'online' as const,
    };
    return { device, user: known.data.user, token };
  }
  const user: User = { id: newId<UserId>(ids), email: 'user@localhost', plan: 'free', createdAt: now };
  const device: Device = {
    id: newId<DeviceId>(ids),
    userId: user.id,
    kind: 'desktop',
    name: about.name,
    os: about.os,
    appVersion: about.version,
    lastSeenAt: now,
    status: 'online',
    createdAt: now,
  };
  await writePrivate(file, JSON.stringify({ device, user }, null, 2));
  return { device, user, token };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function loadToken(home: string): Promise<string> {
  const file = join(home, 'api-token');
  const known = (await readIfThere(file))?.trim();
  if (known !== undefined && known.length >= 32) {
    await chmod(file, 0o600);
    return known;
  }
  const token = randomBytes(32).toString('base64url');
  await writePrivate(file, `${token}\n`);
  return token;
}

/** From now on this device is one of another user's. */
export async function keepUser(home: string, { device, user }: Pick<Identity, 'device' | 'user'>): Promise<void> {
  await writePrivate(join(home, 'identity.json'), JSON.stringify({ device, user }, null, 2));
}
