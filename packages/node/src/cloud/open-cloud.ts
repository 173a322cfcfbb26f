/** The cloud of this device: the link to it, the key that it may ask for, asking to be let in, and what else is asked of it. */
import type { Api } from '@markco/client/api';
import { Failure, type IdSource } from '@markco/protocol';
import { openApi } from './cloud-api.ts';
import { askToken } from './cloud-key.ts';
import { createCloudAsking, type CloudAsking } from './ask.ts';
import { createCloudLink, leftAlone, type CloudLink, type CloudParts } from './cloud.ts';
import { keyForClouds } from './device-key.ts';

export type CloudHere = CloudLink & {
  readonly asking: CloudAsking;
  /** @throws Failure `not_ready` without a cloud, else of `askToken` */
  api(signal: AbortSignal): Promise<Api>;
};

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
    asking: { ...asking, ask: parts.mode === 'legacy' ? () => Promise.reject(leftAlone()) : asking.ask },
    async api(signal) {
      if (parts.mode === 'legacy') throw leftAlone();
      const place = link.place();
      if (place === undefined) throw new Failure('not_ready', 'This device is with no cloud.');
      const token = 'byKey' in place ? await askToken(place.url, key, signal) : place.token;
      return openApi(place.url, token);
    },
    async leave() {
      asking.giveUp();
      await link.leave();
    },
    close() {
      asking.giveUp();
      return link.close();
    },
  };
}
