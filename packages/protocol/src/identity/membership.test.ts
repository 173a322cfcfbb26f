import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../setup/trials.ts';
import type { DeviceId } from '../id.ts';
import { isWithin, type DeviceCap } from './caps.ts';
import type { EntryBody } from './entry.ts';
import { adding, ALL, by, bytesOf, deviceOf, forged, logWith, newLog, removing, union } from './identity.fixture.ts';
import { membershipOf } from './membership.ts';
import { appendEntry, headsOf, membersOfLog, mergeEntries, openUserLog, type UserLog } from './user-log.ts';

const [laptop, desktop, phone, server, thief] = [1, 2, 3, 4, 5].map(deviceOf) as [D, D, D, D, D];
type D = ReturnType<typeof deviceOf>;

const namesIn = (log: UserLog): string[] => [...membersOfLog(log).members.values()].map(({ name }) => name);
const firstOf = (log: UserLog): UserLog => openUserLog(bytesOf(log)[0] as Uint8Array) as UserLog;

test('the root adds a device, which adds another with no more than it has', () => {
  const log = by(by(newLog(), 'root', adding(laptop)), laptop, adding(phone, ['sync', 'author', 'submit'], 'phone'));
  expect(namesIn(log)).toEqual(['device 1', 'device 3']);
  expect(membersOfLog(log).members.get(phone.id)).toMatchObject({ kind: 'phone', caps: ['author', 'submit', 'sync'] });
});

test('two devices that each add one while apart agree once they have heard of each other', () => {
  const start = logWith(laptop, desktop);
  const here = by(start, laptop, adding(phone));
  const there = by(start, desktop, adding(server));
  expect(membersOfLog(union(here, there))).toEqual(membersOfLog(union(there, here)));
  expect(namesIn(union(here, there))).toEqual(['device 1', 'device 2', 'device 3', 'device 4']);
  expect(headsOf(by(union(here, there), laptop, removing(here, phone)))).toHaveLength(1);
});

test('what a device did before the cut stays, what it does beyond it counts for nothing, heard late or early', () => {
  const before = by(logWith(laptop, thief), thief, adding(phone));
  const removed = by(before, laptop, removing(before, thief, 'stolen'));
  const beyond = by(before, thief, adding(server));
  for (const log of [union(removed, beyond), union(beyond, removed)]) {
    expect(namesIn(log)).toEqual(['device 1', 'device 3']);
    expect(membersOfLog(log).revoked.get(thief.id)).toEqual({ name: 'device 5', by: laptop.id, reason: 'stolen' });
  }
  // And neither does what came of it.
  const further = by(beyond, server, adding(deviceOf(9)));
  expect(namesIn(union(removed, further))).toEqual(['device 1', 'device 3']);
});

test('an entry with an old number but a new hash lies beyond the cut too, and is noticed', () => {
  const before = by(logWith(laptop, thief), thief, adding(phone));
  const removed = by(before, laptop, removing(before, thief));
  const backdated = forged(logWith(laptop, thief), { author: thief.id, body: adding(server) }, thief.signer);
  const { log, refused } = mergeEntries(removed, [backdated.bytes]);
  expect(refused).toEqual([]);
  expect(namesIn(log)).toEqual(['device 1', 'device 3']);
  expect([...membersOfLog(log).forked]).toEqual([thief.id]);
});

test('of several cuts, only what all of them leave counts', () => {
  const start = logWith(laptop, desktop, thief);
  const one = by(start, thief, adding(phone));
  const two = by(one, thief, adding(server));
  const other = forged(
    one,
    { author: thief.id, seq: 1, prev: headsOf(one)[0] ?? null, body: adding(deviceOf(9)) },
    thief.signer,
  );
  const fork = mergeEntries(one, [other.bytes]).log;
  const cutBy = (device: D, log: UserLog, cut: string | null, reason: string): UserLog =>
    by(log, device, { type: 'revokeDevice', device: thief.id, cut: cut as never, reason });
  // The reasons make the hashes, and so which of the two is looked at first, come out either way.
  for (const reason of ['a', 'b', 'c', 'd']) {
    const early = cutBy(laptop, one, headsOf(one)[0] ?? null, reason);
    expect(namesIn(union(early, cutBy(desktop, two, headsOf(two)[0] ?? null, reason)))).toEqual([
      'device 1',
      'device 2',
      'device 3',
    ]);
    expect(
      namesIn(union(cutBy(laptop, fork, other.id, reason), cutBy(desktop, two, headsOf(two)[0] ?? null, reason))),
    ).toEqual(['device 1', 'device 2', 'device 3']);
    expect(namesIn(union(early, cutBy(desktop, two, null, reason)))).toEqual(['device 1', 'device 2']);
  }
});

test('two devices that remove each other are both out; the root adds new ones', () => {
  const start = logWith(laptop, thief, desktop);
  const ours = by(start, laptop, removing(start, thief));
  const theirs = by(start, thief, removing(start, laptop));
  const both = union(ours, theirs);
  expect(namesIn(both)).toEqual(['device 2']);
  expect(membersOfLog(both)).toEqual(membersOfLog(union(theirs, ours)));
  const alone = logWith(laptop, thief);
  const nobody = union(by(alone, laptop, removing(alone, thief)), by(alone, thief, removing(alone, laptop)));
  expect(namesIn(nobody)).toEqual([]);
  expect(namesIn(by(nobody, 'root', adding(phone)))).toEqual(['device 3']);
});

test('a cut that the root makes undoes what the removed device, and those it slipped in, have removed', () => {
  const start = logWith(laptop, thief);
  const slipped = by(start, thief, adding(server));
  const attacked = by(by(slipped, thief, removing(start, laptop)), server, removing(start, laptop));
  expect(namesIn(attacked)).toEqual(['device 4', 'device 5']);
  const rescued = by(attacked, 'root', { type: 'revokeDevice', device: thief.id, cut: null, reason: 'stolen' });
  expect(namesIn(rescued)).toEqual(['device 1']);
});

test('a device that was removed cannot remove those that were added after it', () => {
  const start = logWith(laptop, thief);
  const after = by(by(start, laptop, removing(start, thief)), laptop, adding(phone));
  const stale = forged(start, { author: thief.id, body: removing(start, phone) }, thief.signer);
  expect(mergeEntries(after, [stale.bytes]).refused[0]?.failure.code).toBe('not_found');
  const aware = forged(after, { author: thief.id, body: removing(start, phone) }, thief.signer);
  expect(mergeEntries(after, [aware.bytes]).refused[0]?.failure.code).toBe('forbidden');
});

test('one device with two keys, or two devices with one key, are nobody', () => {
  const start = logWith(laptop, desktop);
  const twin = { ...phone, signer: server.signer };
  expect(namesIn(union(by(start, laptop, adding(phone)), by(start, desktop, adding(twin))))).toEqual([
    'device 1',
    'device 2',
  ]);
  const other = { ...server, signer: phone.signer };
  expect(namesIn(union(by(start, laptop, adding(phone)), by(start, desktop, adding(other))))).toEqual([
    'device 1',
    'device 2',
  ]);
});

test('of two additions of one device that agree on its key, the caps that both give count', () => {
  const start = logWith(laptop, desktop);
  const log = union(
    by(start, laptop, adding(phone, ['sync', 'enrol'])),
    by(start, desktop, adding(phone, ['sync', 'author'])),
  );
  expect(membersOfLog(log).members.get(phone.id)?.caps).toEqual(['sync']);
  expect(membersOfLog(log).members.get(phone.id)?.added).toHaveLength(2);
});

/* Histories of devices that hear of each other now and then, some of which write what they like. */

type Act = {
  readonly who: number;
  readonly what: 'add' | 'revoke' | 'hear' | 'rotate';
  readonly whom: number;
  readonly caps: readonly DeviceCap[];
  readonly cut: number;
};

const act: fc.Arbitrary<Act> = fc.record({
  who: fc.nat(5),
  what: fc.constantFrom('add', 'add', 'revoke', 'hear', 'hear', 'rotate'),
  whom: fc.nat(5),
  caps: fc.oneof(fc.constant(ALL), fc.subarray([...ALL])),
  cut: fc.nat(3),
});

const CAST = [11, 12, 13, 14, 15, 16].map(deviceOf);

/** All that was ever written, by everybody. The root speaks through the first. */
function history(acts: readonly Act[]): UserLog {
  const start = by(logWith(...CAST.slice(0, 2)), 'root', adding(CAST[2] as D, ['sync', 'enrol']));
  const views = CAST.map(() => start);
  for (const { who, what, whom, caps, cut } of acts) {
    const [view, author, target] = [views[who], CAST[who], CAST[whom]];
    if (view === undefined || author === undefined || target === undefined) continue;
    if (what === 'hear') {
      views[who] = union(view, views[whom] ?? view);
      continue;
    }
    const own = [...view.entries.values()].filter((entry) => entry.author === target.id);
    const body: EntryBody =
      what === 'add'
        ? adding(target, caps)
        : what === 'rotate'
          ? { type: 'rotateEpoch' }
          : { type: 'revokeDevice', device: target.id, cut: own[cut]?.id ?? null, reason: 'test' };
    const asRoot = who === 0 && whom % 3 === 2;
    const appended = asRoot ? by_(view, 'root', body) : by_(view, author, body);
    if (appended !== undefined) views[who] = appended;
  }
  return views.reduce(union, start);
}

/** What may not be written is not. */
function by_(log: UserLog, author: D | 'root', body: EntryBody): UserLog | undefined {
  try {
    return by(log, author, body);
  } catch {
    return undefined;
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = chance(seed);
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

test(
  'the same entries give the same devices, in any order, with duplicates, in pieces with gaps',
  { timeout: 240_000 },
  () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 16 }), fc.nat(), fc.array(fc.nat(3)), (acts, seed, drops) => {
        const all = history(acts);
        const expected = membersOfLog(all);
        const bytes = bytesOf(all);
        let log = firstOf(all);
        // First with gaps and twice, then all of it.
        const some = shuffled(bytes, seed).filter((_, index) => drops[index % Math.max(1, drops.length)] !== 0);
        log = mergeEntries(log, [...some, ...some]).log;
        const size = log.entries.size;
        const { log: whole, refused } = mergeEntries(log, shuffled(bytes, seed + 1));
        expect(refused).toEqual([]);
        expect(whole.entries.size).toBe(all.entries.size);
        expect(whole.entries.size).toBeGreaterThanOrEqual(size);
        expect(membersOfLog(whole)).toEqual(expected);
        expect(headsOf(whole)).toEqual(headsOf(all));
      }),
      trials('orders of a log', 40),
    );
  },
);

test(
  'nobody has a cap that who added it had not, and who was removed is out, in every history',
  { timeout: 240_000 },
  () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
        const log = history(acts);
        const { members, revoked } = membersOfLog(log);
        for (const member of members.values()) {
          expect(revoked.has(member.deviceId)).toBe(false);
          for (const id of member.added) {
            const addition = log.entries.get(id);
            if (addition === undefined || addition.author === 'root') continue;
            expect(addition.authority.length).toBeGreaterThan(0);
            const given = addition.authority.map((each) => log.entries.get(each)?.body);
            for (const body of given) {
              expect(body?.type === 'addDevice' && isWithin(member.caps, body.caps)).toBe(true);
              expect(body?.type === 'addDevice' && body.caps.includes('enrol')).toBe(true);
            }
          }
        }
        // Whoever the root removed is out, whatever else was written.
        for (const { author, body } of log.entries.values())
          if (author === 'root' && body.type === 'revokeDevice') expect(members.has(body.device)).toBe(false);
      }),
      trials('histories of devices', 60),
    );
  },
);

test('what is taken away is never given back by entries that only non-root devices write', { timeout: 240_000 }, () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 16 }), fc.nat(5), (acts, whom) => {
      const log = history(acts);
      const target = CAST[whom] as D;
      const removed = by_(log, 'root', { type: 'revokeDevice', device: target.id, cut: null, reason: 'lost' });
      if (removed === undefined) return;
      expect(membersOfLog(removed).members.has(target.id)).toBe(false);
      for (const author of CAST) {
        const again = appendEntry(removed, author.id, author.signer, adding(target));
        if (!(again instanceof Error)) expect(membersOfLog(again.log).members.has(target.id)).toBe(false);
      }
    }),
    trials('removals that last', 15),
  );
});

test('a membership is worked out from any part that is closed, not only from a whole log', () => {
  const log = by(logWith(laptop), laptop, adding(phone));
  const part = [...log.entries.values()].slice(0, 2);
  expect([...membershipOf(log.root, part).members.keys()]).toEqual<DeviceId[]>([laptop.id]);
});
