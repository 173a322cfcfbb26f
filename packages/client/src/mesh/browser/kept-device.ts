/** What a browser that is a device keeps of itself, in IndexedDB: its key, whose it is, and which devices there are. */
import { Failure, type DeviceId } from '@markco/protocol';
import type { DeviceKey } from './device-key.ts';

const DATABASE = 'markco-this-device';
const STORE = 'device';
const ROW = 'this';

export type KeptDevice = DeviceKey & {
  readonly deviceId: DeviceId;
  readonly name: string;
  /** Of the user's log, each after all those it names. */
  readonly entries: readonly Uint8Array[];
  readonly certificate: Uint8Array;
  /** Unix milliseconds. */ readonly seenAt: number;
};

const unreadable = (cause: unknown): Failure =>
  new Failure('storage_failed', 'This browser keeps nothing for this page now. Allow it to store data, then reload.', {
    cause,
  });

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(unreadable(request.error)));
  });

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE));
  const database = await done(request);
  // Another tab drops it when this browser shall be a device no more.
  database.addEventListener('versionchange', () => database.close());
  return database;
}

/** Undefined for a browser that is no device. */
export async function readKeptDevice(): Promise<KeptDevice | undefined> {
  const database = await open();
  try {
    return (await done(database.transaction(STORE).objectStore(STORE).get(ROW))) as KeptDevice | undefined;
  } finally {
    database.close();
  }
}

/** Resolves once it is on disk. */
export async function keepDevice(device: KeptDevice): Promise<void> {
  const database = await open();
  try {
    const change = database.transaction(STORE, 'readwrite', { durability: 'strict' });
    change.objectStore(STORE).put(device, ROW);
    await new Promise<void>((resolve, reject) => {
      change.addEventListener('complete', () => resolve());
      change.addEventListener('abort', () => reject(unreadable(change.error)));
    });
  } finally {
    database.close();
  }
}
