/**
 * The user's log: a set of signed entries that anyone may store and everyone verifies. Two devices that both may
 * add others can do so while apart; putting their sets together is a union, and nothing forks.
 *
 * 1. An entry is taken or refused by its own past alone, so the same entry meets the same answer everywhere.
 * 2. A set only grows: nothing that is merged takes anything away, so nobody can turn a log back.
 * 3. Nobody passes on more than they have: a device gives only caps that it has itself.
 */
import { Failure } from '../failure.ts';
import type { UserId } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { DEVICE_CAPS, isWithin, type DeviceCap } from './caps.ts';
import { sameBytes } from './canonical.ts';
import { openEntry, sealEntry, type Author, type Entry, type EntryBody, type EntryId, type LogEntry } from './entry.ts';
import { rootHashOf, type Signer } from './keys.ts';
import { membershipOf, type LogRoot, type Membership } from './membership.ts';

export type UserLog = {
  readonly root: LogRoot;
  /** Each after all those it names. */
  readonly entries: ReadonlyMap<EntryId, LogEntry>;
};

export type Merged = {
  readonly log: UserLog;
  readonly added: readonly EntryId[];
  /** By the place in what was received. A `not_ready` one may be taken later: it names entries that are not here. */
  readonly refused: readonly { readonly index: number; readonly failure: Failure }[];
};

/** The log of a new user. */
export function startUserLog(user: UserId, root: Signer): UserLog | Failure {
  const body = { type: 'root', user, key: root.publicKey } as const;
  return openUserLog(sealEntry({ author: 'root', seq: 0, prev: null, deps: [], body }, root));
}

/** A log from its first entry. Whose it is, the caller knows: from pairing, or because it kept it. */
export function openUserLog(bytes: Uint8Array): UserLog | Failure {
  const first = openEntry(bytes);
  if (first instanceof Failure) return first;
  const { id, body, author, seq, prev, deps } = first;
  if (body.type !== 'root' || author !== 'root' || seq !== 0 || prev !== null || deps.length > 0)
    return new Failure('bad_request', 'This is not the first entry of a log.');
  if (!first.isSignedBy(body.key))
    return new Failure('forbidden', 'The first entry of the log is not signed by its key.');
  const root = { id, userId: body.user, key: body.key, hash: rootHashOf(body.key) };
  return { root, entries: new Map([[id, { ...first, authority: [] }]]) };
}

export function membersOfLog(log: UserLog): Membership {
  return membershipOf(log.root, [...log.entries.values()]);
}

/** The entries that no other names, sorted. */
export function headsOf(log: UserLog): EntryId[] {
  const named = new Set([...log.entries.values()].flatMap(namedBy));
  return [...log.entries.keys()].filter((id) => !named.has(id)).toSorted();
}

/** What somebody with these heads lacks, as it travels; each entry after those it names. */
export function lackedBy(log: UserLog, heads: readonly EntryId[]): Uint8Array[] {
  const known = pastOf(log.entries, heads);
  return [...log.entries.values()].filter(({ id }) => !known.has(id)).map(({ bytes }) => bytes);
}

/** What was received and holds, added. Never throws; what does not hold is refused one by one. */
export function mergeEntries(log: UserLog, received: readonly Uint8Array[]): Merged {
  const entries = new Map(log.entries);
  const added: EntryId[] = [];
  const refused: { index: number; failure: Failure }[] = [];
  const refuse = (index: number, failure: Failure) => refused.push({ index, failure });
  const open = new Map<number, Entry>();
  /** Of each entry that is not here: the places of those that name it. */
  const waiting = new Map<EntryId, number[]>();

  const take = (index: number, entry: Entry): void => {
    const lacking = namedBy(entry).find((id) => !entries.has(id));
    if (lacking !== undefined) {
      const others = waiting.get(lacking);
      if (others === undefined) waiting.set(lacking, [index]);
      else others.push(index);
      return;
    }
    open.delete(index);
    if (entries.has(entry.id)) return;
    const authority = authorityOf({ root: log.root, entries }, entry);
    if (authority instanceof Failure) {
      refuse(index, authority);
      return;
    }
    entries.set(entry.id, { ...entry, authority });
    added.push(entry.id);
  };

  let settled = 0;
  for (const [index, bytes] of received.entries()) {
    const entry = index < LIMITS.logEntriesMax ? openEntry(bytes) : tooMany();
    if (entry instanceof Failure) {
      refuse(index, entry);
      continue;
    }
    open.set(index, entry);
    take(index, entry);
    // Those that waited for it come next, and then those that waited for them.
    for (; settled < added.length; settled++) {
      const id = added[settled] as EntryId;
      for (const place of waiting.get(id) ?? []) {
        const next = open.get(place);
        if (next !== undefined) take(place, next);
      }
      waiting.delete(id);
    }
  }
  for (const index of open.keys())
    refuse(index, new Failure('not_ready', 'An entry names others that are not here yet; ask for those first.'));
  return { log: { root: log.root, entries }, added, refused };
}

/** A new entry after everything that is known here. `signer` is the author's. */
export function appendEntry(
  log: UserLog,
  author: Author,
  signer: Signer,
  body: EntryBody,
): { readonly log: UserLog; readonly bytes: Uint8Array } | Failure {
  const own = [...log.entries.values()].filter((entry) => entry.author === author);
  const last = own.reduce<LogEntry | undefined>((a, b) => (a === undefined || b.seq > a.seq ? b : a), undefined);
  const heads = headsOf(log);
  // More heads than an entry can name were made to be many: the author's own past goes first, later entries take more.
  const added = author === 'root' ? [] : (membersOfLog(log).members.get(author)?.added ?? []);
  const deps = heads.length > LIMITS.entryDepsMax ? [...new Set([...added, ...heads])] : heads;
  const content = {
    author,
    seq: last === undefined ? 0 : last.seq + 1,
    prev: last?.id ?? null,
    deps: deps.slice(0, LIMITS.entryDepsMax).toSorted(),
    body,
  };
  const bytes = sealEntry(content, signer);
  const merged = mergeEntries(log, [bytes]);
  return merged.refused[0]?.failure ?? { log: merged.log, bytes };
}

/** The additions that let its author write it, or why it may not. All that `entry` names is in the log. */
function authorityOf(log: UserLog, entry: Entry): readonly EntryId[] | Failure {
  const { author, body, seq, prev, deps } = entry;
  const byRoot = author === 'root';
  if (log.entries.size >= LIMITS.logEntriesMax - (byRoot ? 0 : LIMITS.logEntriesForRoot)) return tooMany();
  if (body.type === 'root' || deps.length === 0)
    return new Failure('forbidden', 'An entry begins another log; a log has one beginning.');
  const before = prev === null ? undefined : log.entries.get(prev);
  if (prev === null ? seq !== 0 : before?.author !== author || before.seq + 1 !== seq)
    return new Failure('bad_request', 'An entry does not follow the one it says it follows.');

  const past = pastOf(log.entries, namedBy(entry));
  const then = membershipOf(
    log.root,
    [...log.entries.values()].filter(({ id }) => past.has(id)),
  );
  const member = byRoot ? undefined : then.members.get(author);
  if (!byRoot && member === undefined)
    return new Failure('forbidden', 'An entry was written by a device that was not one of this user when it wrote it.');
  if (!entry.isSignedBy(member?.publicKey ?? log.root.key))
    return new Failure('forbidden', 'An entry is not signed by the device it names as its author.');
  const caps = member?.caps ?? DEVICE_CAPS;
  if (!caps.includes('enrol'))
    return new Failure('forbidden', `${member?.name ?? 'This device'} may not change who the devices are.`);
  return refusalOf(body, caps, then, (id) => (past.has(id) ? log.entries.get(id) : undefined)) ?? member?.added ?? [];
}

/** What is wrong with what an entry wants, as far as its author knew. */
function refusalOf(
  body: EntryBody,
  caps: readonly DeviceCap[],
  then: Membership,
  seen: (id: EntryId) => LogEntry | undefined,
): Failure | undefined {
  if (body.type === 'addDevice') {
    const known = [...then.members.values()];
    if (!isWithin(body.caps, caps))
      return new Failure('forbidden', 'A device gave another more than it may do itself.');
    if (body.kind === 'public-web' && body.caps.includes('enrol'))
      return new Failure('forbidden', 'A browser on a public computer may not add devices.');
    if (known.length >= LIMITS.devicesMax)
      return new Failure('too_many', `A user has at most ${LIMITS.devicesMax} devices. Remove those no longer used.`);
    if (then.members.has(body.device) || then.revoked.has(body.device))
      return new Failure('conflict', `${body.name} was added before. To add it again, give it a new identity.`);
    const same = [...known.map(({ publicKey }) => publicKey), then.root.key].some((key) => sameBytes(key, body.key));
    if (same) return new Failure('conflict', `${body.name} has the key of another device. Give it a new identity.`);
  }
  if (body.type === 'revokeDevice') {
    if (!then.named.has(body.device)) return new Failure('not_found', 'The device to remove was never added.');
    if (body.cut !== null && seen(body.cut)?.author !== body.device)
      return new Failure('bad_request', 'A removal names a last entry that its device did not write.');
  }
  return undefined;
}

const tooMany = (): Failure =>
  new Failure('too_many', `A log has at most ${LIMITS.logEntriesMax} entries. Start anew with the recovery phrase.`);

const namedBy = ({ prev, deps }: Entry): readonly EntryId[] => (prev === null ? deps : [prev, ...deps]);

/** These entries and everything below them, as far as it is known. */
function pastOf(entries: ReadonlyMap<EntryId, LogEntry>, from: readonly EntryId[]): ReadonlySet<EntryId> {
  const past = new Set<EntryId>();
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const entry = entries.get(id);
    if (entry === undefined || past.has(id)) continue;
    past.add(id);
    open.push(...namedBy(entry));
  }
  return past;
}
