/** Where devices were when this one last reached or heard of them, for its next start. */
import type { DeviceId } from '@markco/protocol';
import { nameKey } from '../store/key.ts';
import type { Store } from '../store/store.ts';

const ADDRESSES = nameKey('peer-addresses');

export type KeptAddresses = {
  readonly all: ReadonlyMap<DeviceId, readonly string[]>;
  keep(device: DeviceId, addresses: readonly string[]): void;
};

export function createKeptAddresses(store: Store, onTrouble: (doing: string, cause: unknown) => void): KeptAddresses {
  const found = store.get(ADDRESSES);
  const all = new Map(
    found === undefined ? [] : (JSON.parse(new TextDecoder().decode(found)) as [DeviceId, readonly string[]][]),
  );
  return {
    all,
    keep(device, addresses) {
      all.set(device, addresses);
      const value = new TextEncoder().encode(JSON.stringify([...all]));
      store
        .write([{ key: ADDRESSES, value }], { sync: false })
        .catch((error: unknown) => onTrouble('keeping addresses', error));
    },
  };
}
