/** The cloud of this device: the link to it, the key that it may ask for, and asking to be let in. */
import type { IdSource } from '@markco/protocol';
import { createCloudAsking, type CloudAsking } from './ask.ts';
import { createCloudLink, type CloudLink, type CloudParts } from './cloud.ts';
import { keyForClouds } from './device-key.ts';

export type CloudHere = CloudLink & { readonly asking: CloudAsking };

export function createCloud(
  parts: Omit<CloudParts, 'key' | 'now'> & {
    readonly ids: IdSource;
    readonly usesKeychain: boolean;
    /** What this device is called. */
    readonly name: () => string;
  },
): CloudHere {
  const { home, ids, usesKeychain, name } = parts;
  const key = keyForClouds({ home, deviceId: parts.self().deviceId, ids, usesKeychain });
  const link = createCloudLink({ ...parts, key, now: ids.now });
  const asking = createCloudAsking({ key, name, join: (url) => link.join({ url, byKey: true }) });
  return {
    ...link,
    asking,
    async leave() {
      asking.giveUp();
      await link.leave();
    },
    close() {
      asking.giveUp();
      link.close();
    },
  };
}
