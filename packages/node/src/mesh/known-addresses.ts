/** Where the other devices were reached last. */
import type { DeviceId } from '@markco/protocol';
import { nameKey } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';

const ADDRESSES = nameKey('peer-addresses');

export function readAddresses(store: LocalStore): Map<DeviceId, readonly string[]> {
  const found = store.get(ADDRESSES);
  if (found === undefined) return new Map();
  return new Map(JSON.parse(new TextDecoder().decode(found)) as [DeviceId, readonly string[]][]);
}

/** Not on the disk yet when this resolves: they are learnt again. */
export function keepAddresses(store: LocalStore, addresses: ReadonlyMap<DeviceId, readonly string[]>): Promise<void> {
  const value = new TextEncoder().encode(JSON.stringify([...addresses]));
  return store.write([{ key: ADDRESSES, value }], { sync: false });
}
