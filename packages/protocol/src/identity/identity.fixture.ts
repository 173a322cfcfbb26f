/** Users and devices for tests: seeded keys, logs, and entries that no honest device would write. */
import { expect } from 'vitest';
import { Failure } from '../failure.ts';
import { formatUuid, newId, type DeviceId, type UserId } from '../id.ts';
import { capsOf, DEVICE_CAPS, type DeviceCap, type DeviceKind } from './caps.ts';
import { openEntry, sealEntry, type Author, type EntryBody, type EntryContent, type EntryId } from './entry.ts';
import { signerOf, type Signer } from './keys.ts';
import { appendEntry, headsOf, mergeEntries, startUserLog, type UserLog } from './user-log.ts';

export const NOW = Date.UTC(2026, 10, 21, 12);

/** Bytes that follow from a number, so that a test says the same thing twice. */
export function seededBytes(seed: number): (length: number) => Uint8Array<ArrayBuffer> {
  let state = seed >>> 0;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

export type TestDevice = { readonly id: DeviceId; readonly signer: Signer; readonly name: string };

export function deviceOf(number: number): TestDevice {
  const id = formatUuid(
    Uint8Array.from({ length: 16 }, (_, i) => (i === 6 ? 0x70 : i === 8 ? 0x80 : number)),
  ) as DeviceId;
  return { id, signer: signerOf(new Uint8Array(32).fill(number)), name: `device ${number}` };
}

export const ROOT = signerOf(new Uint8Array(32).fill(255));
export const ALL: readonly DeviceCap[] = DEVICE_CAPS;

export function good<T>(value: T | Failure): T {
  if (value instanceof Failure) throw value;
  return value;
}

export function refusal(value: unknown): Failure {
  expect(value).toBeInstanceOf(Failure);
  return value as Failure;
}

export function newLog(): UserLog {
  const user = newId<UserId>({ now: () => NOW, randomBytes: seededBytes(7) });
  return good(startUserLog(user, ROOT));
}

export function adding(device: TestDevice, caps: readonly DeviceCap[] = ALL, kind: DeviceKind = 'desktop'): EntryBody {
  return {
    type: 'addDevice',
    device: device.id,
    key: device.signer.publicKey,
    name: device.name,
    kind,
    caps: capsOf(...caps),
  };
}

/** As an honest device removes another: what it has heard of its entries counts. */
export function removing(log: UserLog, device: TestDevice, reason = 'lost'): EntryBody {
  const own = [...log.entries.values()].filter(({ author }) => author === device.id);
  const last = own.toSorted((a, b) => a.seq - b.seq).at(-1);
  return { type: 'revokeDevice', device: device.id, cut: last?.id ?? null, reason };
}

export function by(log: UserLog, author: TestDevice | 'root', body: EntryBody): UserLog {
  const [id, signer] = author === 'root' ? (['root', ROOT] as const) : [author.id, author.signer];
  return good(appendEntry(log, id, signer, body)).log;
}

/** A log with these devices, all added by the root, all with every cap. */
export function logWith(...devices: readonly TestDevice[]): UserLog {
  return devices.reduce((log, device) => by(log, 'root', adding(device)), newLog());
}

/** What the second has, taken into the first. */
export function union(log: UserLog, other: UserLog): UserLog {
  return mergeEntries(log, bytesOf(other)).log;
}

export function bytesOf(log: UserLog): Uint8Array[] {
  return [...log.entries.values()].map(({ bytes }) => bytes);
}

/** An entry as its author pleases: any past, any number, any key. */
export function forged(
  log: UserLog,
  content: Partial<EntryContent> & { body: EntryBody; author: Author },
  signer: Signer,
) {
  const bytes = sealEntry({ seq: 0, prev: null, deps: headsOf(log), ...content }, signer);
  return { bytes, id: good(openEntry(bytes)).id satisfies EntryId };
}
