import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import { LIMITS } from '../limits.ts';
import { encodeCanonical } from './canonical.ts';
import { CERTIFICATE_LIFETIME_MS, issueCertificate, openCertificate } from './certificate.ts';
import { createHelloInitiator, createHelloResponder, type Hello, type HelloParts, type HelloStep } from './hello.ts';
import { adding, by, deviceOf, forged, good, logWith, NOW, removing, ROOT } from './identity.fixture.ts';
import { signerOf } from './keys.ts';
import { headsOf, mergeEntries, membersOfLog, startUserLog, type UserLog } from './user-log.ts';

type D = ReturnType<typeof deviceOf>;
const [laptop, desktop, phone, stranger] = [1, 2, 3, 4].map(deviceOf) as [D, D, D, D];

function partsOf(log: UserLog, own: D, peer: D, change: Partial<HelloParts> = {}, issuedAt = NOW): HelloParts {
  const certificate = good(issueCertificate(membersOfLog(log), own.id, 'root', ROOT, issuedAt));
  return { log, deviceId: own.id, certificate, signer: own.signer, peerKey: peer.signer.publicKey, ...change };
}

/** Carries everything to and fro; what each ended in, and all that was said. */
function talk(initiator: Hello, responder: Hello, now = NOW) {
  const first = initiator.start();
  const ended = { initiator: first.now, responder: responder.start().now };
  const said = first.send.map((bytes) => ({ to: 'responder' as 'initiator' | 'responder', bytes }));
  for (const { to, bytes } of said) {
    expect(said.length).toBeLessThan(10);
    const step = (to === 'responder' ? responder : initiator).receive(bytes, now);
    ended[to] = step.now;
    said.push(
      ...step.send.map((answer) => ({
        to: to === 'responder' ? ('initiator' as const) : ('responder' as const),
        bytes: answer,
      })),
    );
  }
  return { ...ended, said };
}

const failureOf = (state: HelloStep['now']): string =>
  state.state === 'refused' ? state.failure.message : state.state;
const REFUSED = encodeCanonical({ type: 'refused' });

test('two devices of one user know each other after one message each', () => {
  const log = logWith(laptop, desktop);
  const { initiator, responder, said } = talk(
    createHelloInitiator(partsOf(log, laptop, desktop)),
    createHelloResponder(partsOf(log, desktop, laptop)),
  );
  expect(initiator).toMatchObject({
    state: 'member',
    member: { deviceId: desktop.id, caps: membersOfLog(log).members.get(desktop.id)?.caps },
  });
  expect(responder).toMatchObject({ state: 'member', member: { deviceId: laptop.id }, peerHeads: headsOf(log) });
  expect(said).toHaveLength(2);
});

test('a device that was just added is known to one that had not heard of it, and both leave with the same log', () => {
  const old = logWith(laptop, desktop);
  const grown = by(by(old, laptop, adding(phone, ['sync', 'submit'], 'phone')), laptop, { type: 'setPolicy' });
  const ahead = by(old, desktop, { type: 'rotateEpoch' });
  const { initiator, responder } = talk(
    createHelloInitiator(partsOf(grown, phone, desktop)),
    createHelloResponder(partsOf(ahead, desktop, phone)),
  );
  if (initiator.state !== 'member' || responder.state !== 'member') throw new Error(failureOf(responder));
  expect(responder.member.caps).toEqual(['submit', 'sync']);
  expect(headsOf(initiator.log)).toEqual(headsOf(responder.log));
  expect(initiator.log.entries.size).toBe(grown.entries.size + 1);
});

test('an outsider hears “refused” and nothing else, whatever it says', () => {
  const log = logWith(laptop, desktop);
  const theirs = mergeEntries(good(startUserLog(log.root.userId, signerOf(new Uint8Array(32).fill(77)))), []).log;
  const claims: [string, Uint8Array][] = [
    ['no message', new Uint8Array(100)],
    ['too long', new Uint8Array(LIMITS.helloBytesMax + 1)],
    ['refused', REFUSED],
    ['another user’s certificate', helloOf(theirs, log, { root: theirs.root.hash })],
    ['a certificate of its own making', helloOf(log, log, {})],
    [
      'one for a member, that it does not have the key of',
      helloOf(log, log, { device: laptop.id, key: laptop.signer.publicKey }),
    ],
    [
      'a later version',
      encodeCanonical({ type: 'hello', version: 2, certificate: new Uint8Array(), heads: [], entries: [] }),
    ],
  ];
  for (const [what, bytes] of claims) {
    const responder = createHelloResponder(partsOf(log, desktop, stranger));
    const { send, now } = responder.receive(bytes, NOW);
    expect([what, now.state]).toEqual([what, 'refused']);
    expect(send.every((each) => Buffer.from(each).equals(REFUSED))).toBe(true);
    expect(responder.receive(bytes, NOW).send).toEqual([]);
  }
});

test('nothing is worked out for somebody who cannot name the root', () => {
  const log = logWith(laptop, desktop);
  let looked = false;
  const watched: UserLog = {
    root: log.root,
    get entries() {
      looked = true;
      return log.entries;
    },
  };
  const parts = { ...partsOf(log, desktop, stranger), log: watched };
  const bytes = helloOf(log, log, { root: '0'.repeat(64) });
  expect(createHelloResponder(parts).receive(bytes, NOW).now.state).toBe('refused');
  expect(looked).toBe(false);
  createHelloResponder(parts).receive(helloOf(log, log, {}), NOW);
  expect(looked).toBe(true);
});

/** What the stranger says with a certificate that it wrote itself. */
function helloOf(log: UserLog, of: UserLog, change: object): Uint8Array {
  const certificate = good(openCertificate(partsOf(of, laptop, desktop).certificate)).value;
  const own = { ...certificate, device: stranger.id, key: stranger.signer.publicKey, issuer: stranger.id, ...change };
  const added = forged(log, { author: stranger.id, body: adding(stranger) }, stranger.signer).bytes;
  const bytes = stranger.signer.sign(encodeCanonical(own));
  return encodeCanonical({
    type: 'hello',
    version: 1,
    certificate: new Uint8Array([...bytes, ...encodeCanonical(own)]),
    heads: headsOf(log),
    entries: [added],
  });
}

test('a device speaks to no key that it does not know as a member’s', () => {
  const log = logWith(laptop, desktop);
  const { send, now } = createHelloInitiator(partsOf(log, laptop, stranger)).start();
  expect(send).toEqual([]);
  expect(now.state).toBe('refused');
});

test('a hello that was kept is worth nothing from another device, and adds nothing from the same', () => {
  const log = logWith(laptop, desktop);
  const [kept] = createHelloInitiator(partsOf(log, laptop, desktop)).start().send as [Uint8Array];
  expect(createHelloResponder(partsOf(log, desktop, stranger)).receive(kept, NOW)).toMatchObject({
    send: [REFUSED],
    now: { state: 'refused' },
  });
  const newer = by(log, desktop, adding(phone));
  const again = createHelloResponder(partsOf(newer, desktop, laptop)).receive(kept, NOW).now;
  expect(again.state === 'member' && again.log.entries.size).toBe(newer.entries.size);
  // Not even from the same, once it was removed, and not twice on one connection.
  const removed = by(log, desktop, removing(log, laptop));
  expect(createHelloResponder(partsOf(removed, desktop, laptop)).receive(kept, NOW).now.state).toBe('refused');
  const responder = createHelloResponder(partsOf(log, desktop, laptop));
  expect(responder.receive(kept, NOW).now.state).toBe('member');
  expect(responder.receive(kept, NOW).now.state).toBe('refused');
});

test('a removed device that has not heard of it is refused, and what it brought is not kept', () => {
  const before = logWith(laptop, desktop);
  const removed = by(before, desktop, removing(before, laptop));
  const { initiator, responder } = talk(
    createHelloInitiator(partsOf(by(before, laptop, adding(phone)), laptop, desktop)),
    createHelloResponder(partsOf(removed, desktop, laptop)),
  );
  expect(failureOf(responder)).toMatch(/device 1 was removed/);
  expect(failureOf(initiator)).toMatch(/The other device refused this one/);
});

test('a certificate that ran out is renewed in passing, on either side, by who may', () => {
  const log = logWith(laptop, desktop);
  const late = NOW + CERTIFICATE_LIFETIME_MS.desktop;
  for (const side of ['initiator', 'responder'] as const) {
    const { initiator, responder } = talk(
      createHelloInitiator(partsOf(log, laptop, desktop, {}, side === 'initiator' ? NOW : late)),
      createHelloResponder(partsOf(log, desktop, laptop, {}, side === 'responder' ? NOW : late)),
      late,
    );
    expect([initiator.state, responder.state]).toEqual(['member', 'member']);
    const renewed = { initiator, responder }[side];
    const bytes = renewed.state === 'member' ? renewed.renewed : undefined;
    expect(good(openCertificate(bytes ?? new Uint8Array())).value.notBefore).toBe(late);
  }
  const withPhone = by(by(log, laptop, adding(phone, ['sync'], 'phone')), 'root', { type: 'setPolicy' });
  const refused = talk(
    createHelloInitiator(partsOf(withPhone, laptop, phone)),
    createHelloResponder(partsOf(withPhone, phone, laptop, {}, late)),
    late,
  );
  expect(failureOf(refused.responder)).toMatch(/has run out/);
});

test('a renewal for another device, or from nobody, changes nothing', () => {
  const log = logWith(laptop, desktop);
  const initiator = createHelloInitiator(partsOf(log, laptop, desktop));
  talk(initiator, createHelloResponder(partsOf(log, desktop, laptop)));
  for (const certificate of [partsOf(log, desktop, laptop).certificate, new Uint8Array(300)]) {
    const { now } = initiator.receive(encodeCanonical({ type: 'renewal', certificate }), NOW);
    expect(now.state === 'member' && now.renewed).toBe(undefined);
  }
});

test('of a long log the newest entries come first, and a hello stays below its bound', { timeout: 120_000 }, () => {
  const start = logWith(laptop, desktop);
  let log = start;
  for (let i = 0; i < 60; i++) log = by(log, laptop, { type: 'setPolicy' });
  log = by(log, 'root', adding(phone, ['sync'], 'phone'));
  const hello = createHelloInitiator(partsOf(log, phone, desktop)).start().send[0] as Uint8Array;
  expect(hello.length).toBeLessThanOrEqual(LIMITS.helloBytesMax);
  expect(hello.length).toBeGreaterThan(LIMITS.helloBytesMax - 1_024);
  // Who knew of most of it learns the rest; who knew of nothing new does not, and says no more than no.
  const most = mergeEntries(
    start,
    [...log.entries.values()].slice(0, 40).map(({ bytes }) => bytes),
  ).log;
  expect(createHelloResponder(partsOf(most, desktop, phone)).receive(hello, NOW).now.state).toBe('member');
  expect(createHelloResponder(partsOf(start, desktop, phone)).receive(hello, NOW).send).toEqual([REFUSED]);
  // What the other is known to have is not sent again.
  const known = partsOf(log, phone, desktop, { peerHeads: headsOf(most) });
  expect((createHelloInitiator(known).start().send[0] as Uint8Array).length).toBeLessThan(hello.length);
});

test('whatever is said, a hello ends in a member or in a refusal', () => {
  const log = logWith(laptop, desktop);
  const kept = createHelloInitiator(partsOf(log, laptop, desktop)).start().send[0] as Uint8Array;
  fc.assert(
    fc.property(fc.nat(kept.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, cut) => {
      const bytes = cut ? kept.slice(0, at) : kept.with(at, (kept[at] ?? 0) ^ change);
      const { now } = createHelloResponder(partsOf(log, desktop, laptop)).receive(bytes, NOW);
      if (now.state === 'member') expect(now.log.entries.size).toBe(log.entries.size);
      else expect(now.state).toBe('refused');
    }),
    trials('damaged hellos', 150),
  );
  expect(ROOT.publicKey).toHaveLength(32);
});
