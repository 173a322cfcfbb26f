import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../setup/trials.ts';
import { Failure } from '../failure.ts';
import { LIMITS } from '../limits.ts';
import type { EntryId } from './entry.ts';
import {
  adding,
  by,
  bytesOf,
  deviceOf,
  forged,
  good,
  logWith,
  refusal,
  removing,
  ROOT,
  union,
} from './identity.fixture.ts';
import { signerOf } from './keys.ts';
import { appendEntry, headsOf, lackedBy, membersOfLog, mergeEntries, openUserLog, type UserLog } from './user-log.ts';

type D = ReturnType<typeof deviceOf>;
const [laptop, phone, server] = [1, 2, 3].map(deviceOf) as [D, D, D];
const codeOf = (log: UserLog, bytes: Uint8Array): string | undefined =>
  mergeEntries(log, [bytes]).refused[0]?.failure.code;

test('each byte of each entry, changed, makes it refused', { timeout: 120_000 }, () => {
  const start = logWith(laptop);
  const log = by(by(start, laptop, adding(phone, ['sync'], 'phone')), laptop, removing(start, phone));
  const [first, ...rest] = bytesOf(log) as [Uint8Array, ...Uint8Array[]];
  const flip = chance(trials('bytes of a log', 1).seed);
  let tried = 0;
  for (const [index, bytes] of rest.entries()) {
    const before = mergeEntries(good(openUserLog(first)), rest.slice(0, index)).log;
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(flip() * 255));
      const { added, refused } = mergeEntries(before, [changed]);
      expect([added.length, refused.length]).toEqual([0, 1]);
      tried += 1;
    }
    expect(mergeEntries(before, [bytes]).added).toHaveLength(1);
  }
  expect(tried).toBeGreaterThan(600);
  for (let at = 0; at < first.length; at++) {
    const changed = first.slice();
    changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(flip() * 255));
    expect(openUserLog(changed)).toBeInstanceOf(Failure);
  }
});

test('a device without the right changes nothing, and none gives more than it has', () => {
  const log = by(
    by(logWith(laptop), 'root', adding(phone, ['sync', 'submit'], 'phone')),
    'root',
    adding(server, ['enrol', 'sync']),
  );
  const append = (author: D, body: Parameters<typeof by>[2]) =>
    refusal(appendEntry(log, author.id, author.signer, body));
  expect(append(phone, adding(deviceOf(9), [])).message).toBe('device 2 may not change who the devices are.');
  expect(append(phone, removing(log, laptop)).code).toBe('forbidden');
  expect(append(phone, { type: 'setPolicy' }).code).toBe('forbidden');
  expect(append(server, adding(deviceOf(9), ['submit'])).message).toMatch(/more than it may do itself/);
  expect(append(server, adding(phone, ['sync'])).code).toBe('conflict');
  expect(append(server, adding({ ...phone, signer: deviceOf(9).signer }, ['sync'])).code).toBe('conflict');
  const less = by(log, laptop, removing(log, phone));
  const back = adding({ ...phone, signer: deviceOf(9).signer }, ['sync']);
  expect(refusal(appendEntry(less, laptop.id, laptop.signer, back)).code).toBe('conflict');
  expect(append(server, adding({ ...deviceOf(9), signer: laptop.signer }, ['sync'])).code).toBe('conflict');
  expect(append(server, adding({ ...deviceOf(9), signer: ROOT }, ['sync'])).code).toBe('conflict');
  expect(append(server, removing(log, deviceOf(9))).code).toBe('not_found');
  expect(append(laptop, adding(deviceOf(9), ['enrol'], 'public-web')).code).toBe('forbidden');
  const foreign = [...log.entries.keys()][1] as EntryId;
  expect(append(laptop, { type: 'revokeDevice', device: phone.id, cut: foreign, reason: '' }).code).toBe('bad_request');
  expect(membersOfLog(by(log, server, adding(deviceOf(9), ['enrol']))).members.size).toBe(4);
});

test('forged entries are refused, each with its reason', () => {
  const log = by(logWith(laptop, phone), laptop, { type: 'setPolicy' });
  const stranger = deviceOf(66);
  const body = adding(server);
  const last = [...log.entries.keys()].at(-1) as EntryId;
  const cases: [string, Uint8Array][] = [
    [
      'forbidden',
      forged(log, { author: 'root', seq: 3, prev: [...log.entries.keys()][2] ?? null, body }, stranger.signer).bytes,
    ],
    ['forbidden', forged(log, { author: laptop.id, seq: 1, prev: last, body }, phone.signer).bytes],
    ['forbidden', forged(log, { author: stranger.id, body }, stranger.signer).bytes],
    ['forbidden', forged(log, { author: stranger.id, body }, ROOT).bytes],
    ['forbidden', forged(log, { author: laptop.id, deps: [], body }, laptop.signer).bytes],
    [
      'forbidden',
      forged(
        log,
        { author: 'root', deps: [], body: { type: 'root', user: log.root.userId, key: laptop.signer.publicKey } },
        ROOT,
      ).bytes,
    ],
    ['bad_request', forged(log, { author: laptop.id, seq: 2, prev: last, body }, laptop.signer).bytes],
    ['bad_request', forged(log, { author: laptop.id, seq: 1, prev: null, body }, laptop.signer).bytes],
    ['bad_request', forged(log, { author: phone.id, seq: 1, prev: last, body }, phone.signer).bytes],
    [
      'not_ready',
      forged(log, { author: laptop.id, seq: 1, prev: last, deps: ['0'.repeat(64) as EntryId], body }, laptop.signer)
        .bytes,
    ],
    ['bad_request', new Uint8Array(200)],
    ['bad_request', new Uint8Array()],
    ['too_large', new Uint8Array(LIMITS.entryBytesMax + 1)],
  ];
  for (const [code, bytes] of cases) expect(codeOf(log, bytes)).toBe(code);
  // Many at once: each is refused for itself, and what is good among them is taken.
  const fine = forged(log, { author: laptop.id, seq: 1, prev: last, body }, laptop.signer);
  const merged = mergeEntries(log, [...cases.map(([, bytes]) => bytes), fine.bytes]);
  expect(merged.refused.map(({ index, failure }) => [index, failure.code])).toEqual(
    expect.arrayContaining(cases.map(([code], index) => [index, code])),
  );
  expect(merged.added).toEqual([fine.id]);
});

test('a second signature under the same entry, even a bad one, makes no second entry and hides no good one', () => {
  const log = logWith(laptop);
  const later = by(log, laptop, adding(phone));
  const last = later.entries.get(headsOf(later)[0] as EntryId)?.bytes as Uint8Array;
  const unsigned = last.slice().fill(0, 0, 64);
  const child = bytesOf(by(later, laptop, { type: 'setPolicy' })).at(-1) as Uint8Array;
  const merged = mergeEntries(log, [child, unsigned, last]);
  expect(merged.added).toHaveLength(2);
  expect(merged.refused.map(({ index }) => index)).toEqual([1]);
});

test('a log never goes back, and another user’s log is another log', () => {
  const log = by(logWith(laptop), laptop, adding(phone));
  const older = logWith(laptop);
  expect(mergeEntries(log, bytesOf(older)).log.entries.size).toBe(log.entries.size);
  expect(mergeEntries(log, []).log).toEqual(log);
  const stranger = signerOf(new Uint8Array(32).fill(99));
  const body = { type: 'root', user: log.root.userId, key: stranger.publicKey } as const;
  const theirs = forged(log, { author: 'root', deps: [], body }, stranger).bytes;
  expect(codeOf(log, theirs)).toBe('forbidden');
  expect(good(openUserLog(theirs)).root.hash).not.toBe(log.root.hash);
  expect(refusal(openUserLog(bytesOf(log)[1] as Uint8Array)).code).toBe('bad_request');
});

test('two devices bring each other up to date with what each lacks, and nothing twice', () => {
  const start = logWith(laptop, phone);
  const here = by(by(start, laptop, adding(server)), laptop, { type: 'setPolicy' });
  const there = by(start, phone, { type: 'rotateEpoch' });
  const toThere = lackedBy(here, headsOf(there));
  expect(lackedBy(here, headsOf(start))).toHaveLength(2);
  // Heads that are not known here say nothing, so everything is sent.
  expect(toThere).toHaveLength(here.entries.size);
  const after = mergeEntries(there, toThere).log;
  const toHere = lackedBy(after, headsOf(here));
  expect(toHere).toHaveLength(1);
  const both = mergeEntries(here, toHere).log;
  expect(headsOf(both)).toEqual(headsOf(after));
  expect(lackedBy(both, headsOf(after))).toEqual([]);
  expect(membersOfLog(both)).toEqual(membersOfLog(after));
});

test('the log is bounded, and its last places are the root’s', () => {
  const log = logWith(laptop);
  const [id, first] = [...log.entries][0] as [EntryId, never];
  const full = (count: number): UserLog => ({
    root: log.root,
    entries: new Map([
      ...log.entries,
      ...Array.from({ length: count }, (_, i) => [`${id}${i}` as EntryId, first] as const),
    ]),
  });
  const body = adding(phone);
  const places = LIMITS.logEntriesMax - LIMITS.logEntriesForRoot - log.entries.size;
  const last = forged(log, { author: laptop.id, body }, laptop.signer).bytes;
  expect(codeOf(full(places - 1), last)).toBe(undefined);
  expect(codeOf(full(places), last)).toBe('too_many');
  const roots = forged(
    log,
    { author: 'root', seq: 2, prev: headsOf(log)[0] ?? null, body: removing(log, laptop) },
    ROOT,
  ).bytes;
  expect(codeOf(full(places), roots)).toBe(undefined);
  expect(codeOf(full(LIMITS.logEntriesMax - log.entries.size), roots)).toBe('too_many');
});

test('a user has at most so many devices, and an entry names at most so many heads', { timeout: 240_000 }, () => {
  // As heads that one device made, apart from each other: more than an entry can name.
  const start = logWith(laptop);
  const many = Array.from({ length: LIMITS.devicesMax - 1 }, (_, index) => {
    const device = deviceOf(20 + index);
    return forged(start, { author: laptop.id, body: adding(device, ['sync']) }, laptop.signer).bytes;
  });
  const wide = mergeEntries(start, many);
  expect(wide.refused).toEqual([]);
  expect(headsOf(wide.log)).toHaveLength(LIMITS.devicesMax - 1);
  let log = by(wide.log, laptop, { type: 'setPolicy' });
  // 32 heads at a time until one is left, which knows of all devices.
  for (let i = 0; headsOf(log).length > 1; i++) {
    expect(i).toBeLessThan(10);
    log = by(log, 'root', { type: 'setPolicy' });
  }
  expect(membersOfLog(log).members.size).toBe(LIMITS.devicesMax);
  expect(refusal(appendEntry(log, 'root', ROOT, adding(phone))).code).toBe('too_many');
  const fewer = by(log, 'root', removing(log, deviceOf(30)));
  expect(membersOfLog(by(fewer, 'root', adding(phone))).members.size).toBe(LIMITS.devicesMax);
});

test('whatever bytes are merged, nothing is thrown and nothing is lost', () => {
  const log = by(logWith(laptop), laptop, adding(phone));
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (received) => {
      const merged = mergeEntries(log, received);
      expect(merged.refused).toHaveLength(received.length);
      expect(merged.log).toEqual(log);
    }),
    trials('random bytes as entries', 300),
  );
  expect(union(log, log)).toEqual(log);
});
