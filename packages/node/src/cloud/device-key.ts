/**
 * The key of this device, for a cloud: the one that its other devices know it by. It is made when it is first needed;
 * what makes and keeps it is loaded then.
 */
import type { DeviceId, IdSource } from '@markco/protocol';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { USER_LOG } from '../mesh/others.ts';
import type { CloudKey } from './cloud-key.ts';

export function keyForClouds({
  home,
  deviceId,
  ids,
  usesKeychain,
}: {
  readonly home: string;
  readonly deviceId: DeviceId;
  readonly ids: IdSource;
  readonly usesKeychain: boolean;
}): CloudKey {
  let known: ReturnType<CloudKey> | undefined;

  async function load(): ReturnType<CloudKey> {
    const [{ openDeviceKeys }, { systemSigner }, { systemKeychain }] = await Promise.all([
      import('../mesh/device-keys.ts'),
      import('../mesh/system-signature.ts'),
      import('../device/keychain.ts'),
    ]);
    const kept = await openDeviceKeys({
      ...{ home, deviceId, ids, isKnown: existsSync(join(home, USER_LOG)) },
      keychain: usesKeychain ? systemKeychain() : null,
    });
    return systemSigner(new Uint8Array(Buffer.from(kept.device, 'base64')));
  }

  return () =>
    (known ??= load().catch((cause: unknown) => {
      known = undefined;
      throw cause;
    }));
}
