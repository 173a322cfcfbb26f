/** What a browser that is a device keeps of itself, in IndexedDB: its key, whose it is, and which devices there are. */
import { Failure, type DeviceId } from '@markco/protocol';
import { mergeEntries, openCertificate } from '@markco/protocol/identity';
import { entriesOf, logOf } from '../kept-log.ts';
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

/** In the place of whatever this browser was. Resolves once it is on disk. */
export const keepDevice = (device: KeptDevice): Promise<void> => write(() => device);

/**
 * What one page has learned. Resolves once it is on disk; rejects where this browser has become another device since, in
 * another page.
 */
export const keepNews = (news: KeptDevice): Promise<void> =>
  write((kept) => {
    if (kept?.deviceId === news.deviceId) return mergeKept(kept, news);
    throw new Failure('conflict', 'This browser was added to your devices anew, in another tab. Reload this one.');
  });

/** Of two pages none takes back what the other has written. */
export function mergeKept(kept: KeptDevice, news: KeptDevice): KeptDevice {
  const [before, after] = [logOf(kept.entries), logOf(news.entries)];
  if (before instanceof Failure || after instanceof Failure) return news;
  const { log } = mergeEntries(after, kept.entries);
  const isOlder = notBefore(news.certificate) < notBefore(kept.certificate);
  return {
    ...news,
    entries: entriesOf(log),
    certificate: isOlder ? kept.certificate : news.certificate,
    seenAt: Math.max(kept.seenAt, news.seenAt),
  };
}

function notBefore(certificate: Uint8Array): number {
  const opened = openCertificate(certificate);
  return opened instanceof Failure ? 0 : opened.value.notBefore;
}

/** @param decide what is kept from now on, by what is; what it throws changes nothing */
async function write(decide: (kept: KeptDevice | undefined) => KeptDevice): Promise<void> {
  const database = await open();
  try {
    const change = database.transaction(STORE, 'readwrite', { durability: 'strict' });
    const ended = new Promise<void>((resolve, reject) => {
      change.addEventListener('complete', () => resolve());
      change.addEventListener('abort', () => reject(unreadable(change.error)));
    });
    ended.catch(() => undefined);
    const store = change.objectStore(STORE);
    const kept = (await done(store.get(ROW))) as KeptDevice | undefined;
    try {
      store.put(decide(kept), ROW);
    } catch (error) {
      change.abort();
      throw error;
    }
    await ended;
  } finally {
    database.close();
  }
}
