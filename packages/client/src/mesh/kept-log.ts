/**
 * The user's log and this device's certificate, kept.
 *
 * 1. What is kept is on disk before anybody acts by it.
 * 2. The log only grows, but where its owner puts another in its place (`change`).
 * 3. Time never goes back here, whatever the clock says: a right that has run out stays so.
 */
import { Failure } from '@markco/protocol';
import {
  membersOfLog,
  mergeEntries,
  openUserLog,
  type Member,
  type Membership,
  type UserLog,
} from '@markco/protocol/identity';
import { keyOfPeer } from './peer-key.ts';
import type { Trust } from './trust.ts';

/** How much of the time that went by may be forgotten by a device that is killed. */
const KEEP_TIME_MS = 600_000;

export type Kept = { readonly log: UserLog; readonly certificate: Uint8Array; readonly seenAt: number };

export type KeptLog = Pick<
  Trust,
  'userId' | 'log' | 'members' | 'certificate' | 'now' | 'memberAt' | 'take' | 'renew' | 'onChange'
> & {
  /** One after another, each from what the one before it left; what is in memory is what was written last. Null changes nothing. */
  change(decide: () => Partial<Pick<Kept, 'log' | 'certificate'>> | null): Promise<void>;
};

export function keepLog(parts: {
  readonly first: Kept;
  /** Whether `first` is kept already. */
  readonly isKept: boolean;
  readonly clock: () => number;
  /** Resolves once it is on disk. */
  readonly write: (kept: Kept) => Promise<void>;
}): KeptLog {
  const { clock } = parts;
  const listeners = new Set<() => void>();
  let { log, certificate, seenAt } = parts.first;
  let members: Membership = membersOfLog(log);
  let writing: Promise<void> = Promise.resolve();
  let keptAt = parts.isKept ? seenAt : Number.POSITIVE_INFINITY;

  function write(next: Pick<Kept, 'log' | 'certificate'>): Promise<void> {
    keptAt = seenAt;
    return parts.write({ ...next, seenAt });
  }

  function change(decide: () => Partial<Pick<Kept, 'log' | 'certificate'>> | null): Promise<void> {
    const work = writing.then(async () => {
      const changed = decide();
      if (changed === null) return;
      const changedTo = { log, certificate, ...changed };
      seenAt = Math.max(seenAt, clock());
      await write(changedTo);
      ({ log, certificate } = changedTo);
      members = membersOfLog(log);
      for (const listener of listeners) listener();
    });
    writing = work.catch(() => undefined);
    return work;
  }

  /** So that a restart forgets no more of it than that, whoever sets the clock meanwhile. */
  function keepTime(): void {
    keptAt = seenAt;
    writing = writing.then(() => write({ log, certificate })).catch(() => undefined);
  }

  return {
    get userId() {
      return log.root.userId;
    },
    get log() {
      return log;
    },
    get members() {
      return members;
    },
    get certificate() {
      return certificate;
    },
    now() {
      seenAt = Math.max(seenAt, clock());
      if (seenAt - keptAt >= KEEP_TIME_MS) keepTime();
      return seenAt;
    },
    memberAt: (peerId) => memberOf(members, keyOfPeer(peerId)),
    take: (next) =>
      change(() => {
        const merged = mergeEntries(
          log,
          [...next.entries.values()].map((entry) => entry.bytes),
        );
        return merged.added.length === 0 ? null : { log: merged.log };
      }),
    renew: (next) => change(() => ({ certificate: next })),
    change,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function memberOf({ members }: Membership, key: Uint8Array): Member | undefined {
  return [...members.values()].find(
    ({ publicKey }) => publicKey.length === key.length && publicKey.every((byte, index) => byte === key[index]),
  );
}

/** A log from its entries as they were kept. A Failure when one of them does not hold. */
export function logOf(entries: readonly Uint8Array[]): UserLog | Failure {
  const [genesis, ...others] = entries;
  if (genesis === undefined) return new Failure('storage_failed', 'The log of your devices is empty.');
  const opened = openUserLog(genesis);
  if (opened instanceof Failure) return opened;
  const merged = mergeEntries(opened, others);
  return merged.refused[0]?.failure ?? merged.log;
}

/** As they are kept. */
export const entriesOf = (log: UserLog): Uint8Array[] => [...log.entries.values()].map((entry) => entry.bytes);
