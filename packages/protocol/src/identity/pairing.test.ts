import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import { LIMITS } from '../limits.ts';
import { encodeCanonical } from './canonical.ts';
import { capsOf } from './caps.ts';
import { issueCertificate, openCertificate } from './certificate.ts';
import { startCpace } from './cpace.ts';
import {
  adding,
  by,
  bytesOf,
  deviceOf,
  good,
  logWith,
  NOW,
  refusal,
  removing,
  seededBytes,
  type TestDevice,
} from './identity.fixture.ts';
import { openPairing, type Enroller, type EnrollerStep, type Pairing, type PairingParts } from './pairing-enroller.ts';
import { createJoiner, type Joiner, type JoinerParts, type JoinerStep } from './pairing-joiner.ts';
import { channelOf, decodePairing, sidOf, type NewDevice, type PairingMessage } from './pairing-message.ts';
import { newPairingOffer, PAIRING_LIFETIME_MS, pairingLinkOf, readPairingLink } from './pairing-offer.ts';
import { headsOf, membersOfLog, type UserLog } from './user-log.ts';

const [laptop, phone, mallory, second] = [1, 2, 3, 4].map(deviceOf) as [TestDevice, TestDevice, TestDevice, TestDevice];
const CODE = '01234567';
const ADDRESSES = ['/ip4/192.168.1.20/tcp/7717', '/dns4/relay.example/tcp/443/wss'];
const about = (device: TestDevice): NewDevice => ({
  device: device.id,
  key: device.signer.publicKey,
  name: device.name,
  kind: 'phone',
  os: 'a system',
});

const pairingOf = (change: Partial<PairingParts> = {}): Pairing =>
  openPairing({
    deviceId: laptop.id,
    signer: laptop.signer,
    code: CODE,
    expiresAt: NOW + PAIRING_LIFETIME_MS,
    randomBytes: seededBytes(11),
    ...change,
  });

const joinerOf = (change: Partial<JoinerParts> = {}): Joiner =>
  createJoiner({
    by: { code: CODE },
    about: about(phone),
    peerKey: laptop.signer.publicKey,
    randomBytes: seededBytes(12),
    ...change,
  });

type Wire = (to: 'enroller' | 'joiner', bytes: Uint8Array) => Uint8Array;

/** Carries everything to and fro until nobody has more to say, then has the person answer, and goes on. */
function pair(
  joiner: Joiner,
  enroller: Enroller,
  log: UserLog,
  { wire = (_, bytes) => bytes, now = NOW }: { wire?: Wire; now?: number } = {},
) {
  const first = joiner.start();
  const ended: { joiner: JoinerStep['now']; enroller: EnrollerStep['now'] } = {
    joiner: first.now,
    enroller: { state: 'waiting' },
  };
  const said: { to: 'enroller' | 'joiner'; bytes: Uint8Array }[] = [];
  const seen: { joiner?: JoinerStep['now']; enroller?: EnrollerStep['now'] } = {};
  const carry = (to: 'enroller' | 'joiner', messages: readonly Uint8Array[]): void => {
    for (const bytes of messages) {
      const arrived = wire(to, bytes);
      said.push({ to, bytes: arrived });
      if (to === 'enroller') {
        const step = enroller.receive(arrived, now);
        ended.enroller = step.now;
        carry('joiner', step.send);
      } else {
        const step = joiner.receive(arrived, now);
        ended.joiner = step.now;
        if (step.now.state === 'agreed') seen.joiner = step.now;
        carry('enroller', step.send);
      }
    }
  };
  carry('enroller', first.send);
  if (ended.enroller.state === 'asked') {
    seen.enroller = ended.enroller;
    const step = enroller.approve(log, ['sync', 'author', 'submit'], now);
    ended.enroller = step.now;
    carry('joiner', step.send);
  }
  return { ...ended, said, seen };
}

const whyOf = (state: JoinerStep['now'] | EnrollerStep['now']): string =>
  'failure' in state ? state.failure.message : state.state;

test('a device is added with a typed code, and both screens show the same words', () => {
  const log = logWith(laptop);
  const { joiner, enroller, seen } = pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log);
  if (joiner.state !== 'joined' || enroller.state !== 'enrolled') throw new Error(whyOf(joiner));
  expect(headsOf(joiner.log)).toEqual(headsOf(enroller.log));
  const member = membersOfLog(joiner.log).members.get(phone.id);
  expect(member).toMatchObject({ name: 'device 2', kind: 'phone', caps: capsOf('sync', 'author', 'submit') });
  expect(good(openCertificate(joiner.certificate)).value).toMatchObject({ device: phone.id, issuer: laptop.id });
  const [asked, agreed] = [seen.enroller, seen.joiner];
  if (asked?.state !== 'asked' || agreed?.state !== 'agreed') throw new Error('nobody was asked');
  expect(asked.check).toEqual(agreed.check);
  expect(asked.check.words).toMatch(/^[a-z]+ [a-z]+$/);
  expect(asked.check.symbols).toMatch(/^[0-9A-HJKMNP-TV-Z]{6}$/);
  expect(asked.device).toEqual(about(phone));
});

test('a device is added with a link, which says whom to look for and which secret to know', () => {
  const offer = newPairingOffer(laptop.signer.publicKey, ADDRESSES, NOW, seededBytes(5));
  const read = good(readPairingLink(pairingLinkOf(offer), NOW));
  expect(read).toEqual(offer);
  const pairing = pairingOf({ secret: offer.secret });
  const { joiner } = pair(joinerOf({ by: { offer: read } }), pairing.meet(phone.signer.publicKey), logWith(laptop));
  expect(joiner.state).toBe('joined');
  // Somebody else who answers at that address is not spoken to.
  const elsewhere = joinerOf({ by: { offer: read }, peerKey: mallory.signer.publicKey }).start();
  expect(elsewhere.send).toEqual([]);
  expect(whyOf(elsewhere.now)).toMatch(/Another device answered/);
});

test('a wrong code changes nothing, is said clearly, and spends the code', () => {
  const pairing = pairingOf();
  const log = logWith(laptop);
  const { joiner, enroller, said } = pair(
    joinerOf({ by: { code: '01234568' } }),
    pairing.meet(phone.signer.publicKey),
    log,
  );
  expect(whyOf(enroller)).toMatch(/wrong code, so the code is spent and nothing was added/);
  expect(whyOf(joiner)).toMatch(/The code is wrong, or somebody is between/);
  expect(pairing.spent).toBe(true);
  // Neither side has said who it is.
  expect(said.map(({ bytes }) => (good(decodePairing(bytes)) as PairingMessage).type)).toEqual([
    'start',
    'share',
    'answer',
    'refused',
  ]);
  const again = pair(joinerOf(), pairing.meet(phone.signer.publicKey), log);
  expect(whyOf(again.joiner)).toMatch(/was used already/);
});

test('of many who come at once only one guess is judged', () => {
  const pairing = pairingOf();
  const log = logWith(laptop);
  const sides = [second, mallory, phone].map((device) => pairing.meet(device.signer.publicKey));
  const joiners = [second, mallory, phone].map((device) =>
    joinerOf({ about: about(device), by: { code: device === phone ? CODE : '99999999' } }),
  );
  const answers = joiners.map((joiner, index) => {
    const share = sides[index]?.receive(joiner.start().send[0] as Uint8Array, NOW).send[0] as Uint8Array;
    return joiner.receive(share, NOW).send[0] as Uint8Array;
  });
  const judged = answers.map((bytes, index) => whyOf(sides[index]?.receive(bytes, NOW).now ?? { state: 'waiting' }));
  expect(judged[0]).toMatch(/wrong code/);
  expect(judged[1]).toMatch(/used already/);
  expect(judged[2]).toMatch(/used already/);
  expect(membersOfLog(log).members.size).toBe(1);
});

test('a lost connection before the guess spends nothing, and starts are bounded', () => {
  const pairing = pairingOf();
  const knock = () =>
    pairing
      .meet(mallory.signer.publicKey)
      .receive(joinerOf({ about: about(mallory) }).start().send[0] as Uint8Array, NOW);
  for (let i = 0; i < 3; i++) expect(knock().now.state).toBe('waiting');
  expect(pairing.spent).toBe(false);
  expect(pair(joinerOf(), pairing.meet(phone.signer.publicKey), logWith(laptop)).joiner.state).toBe('joined');
  const flooded = pairingOf();
  const states = Array.from(
    { length: 51 },
    () => flooded.meet(mallory.signer.publicKey).receive(joinerOf().start().send[0] as Uint8Array, NOW).now.state,
  );
  expect([states[49], states[50]]).toEqual(['waiting', 'refused']);
});

test('a code is good for five minutes, to the millisecond', () => {
  const log = logWith(laptop);
  const at = (now: number) => pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log, { now });
  expect(at(NOW + PAIRING_LIFETIME_MS - 1).joiner.state).toBe('joined');
  const late = at(NOW + PAIRING_LIFETIME_MS);
  expect(whyOf(late.joiner)).toMatch(/older than 5 minutes/);
  expect(whyOf(late.enroller)).toMatch(/older than 5 minutes/);
  const link = pairingLinkOf(newPairingOffer(laptop.signer.publicKey, ADDRESSES, NOW, seededBytes(5)));
  expect(refusal(readPairingLink(link, NOW + PAIRING_LIFETIME_MS)).message).toMatch(/older than 5 minutes/);
});

test('who is asked has five minutes more to answer', () => {
  for (const [now, state] of [
    [NOW + 2 * PAIRING_LIFETIME_MS - 1, 'enrolled'],
    [NOW + 2 * PAIRING_LIFETIME_MS, 'refused'],
  ] as const) {
    const [enroller, joiner] = [pairingOf().meet(phone.signer.publicKey), joinerOf()];
    let [said] = joiner.start().send;
    for (const side of [enroller, joiner, enroller, joiner, enroller])
      [said] = side.receive(said as Uint8Array, NOW).send;
    expect(enroller.approve(logWith(laptop), ['sync'], now).now.state).toBe(state);
  }
});

test('nothing changes until the person says yes, and no is said to the other', () => {
  const enroller = pairingOf().meet(phone.signer.publicKey);
  const joiner = joinerOf();
  const share = enroller.receive(joiner.start().send[0] as Uint8Array, NOW).send[0] as Uint8Array;
  const confirm = enroller.receive(joiner.receive(share, NOW).send[0] as Uint8Array, NOW).send[0] as Uint8Array;
  expect(enroller.approve(logWith(laptop), ['sync'], NOW)).toMatchObject({ send: [], now: { state: 'waiting' } });
  expect(enroller.receive(joiner.receive(confirm, NOW).send[0] as Uint8Array, NOW)).toMatchObject({
    send: [],
    now: { state: 'asked' },
  });
  const declined = enroller.decline();
  expect(whyOf(joiner.receive(declined.send[0] as Uint8Array, NOW).now)).toMatch(/declined. Nothing was changed/);
  expect(enroller.approve(logWith(laptop), ['sync'], NOW).send).toEqual([]);
});

test('a device that may not add others, or gives more than it has, adds none', () => {
  const noEnrol = by(logWith(laptop), 'root', adding(second, ['sync'], 'phone'));
  const asSecond = pairingOf({ deviceId: second.id, signer: second.signer });
  const joiner = joinerOf({ peerKey: second.signer.publicKey });
  const refused = pair(joiner, asSecond.meet(phone.signer.publicKey), noEnrol);
  expect(whyOf(refused.enroller)).toMatch(/may not change who the devices are/);
  expect(whyOf(refused.joiner)).toMatch(/could not add this one/);
});

/* Somebody in between: two channels, each with his own key, and no code. */

test('whoever is in between and does not know the code learns nothing and adds nothing', () => {
  const log = logWith(laptop);
  const secrets = [phone.name, laptop.name, log.root.userId, log.root.hash, CODE, 'a system'];
  const enroller = pairingOf().meet(mallory.signer.publicKey);
  const joiner = joinerOf({ peerKey: mallory.signer.publicKey });
  const { joiner: end, enroller: other, said } = pair(joiner, enroller, log);
  expect(whyOf(other)).toMatch(/wrong code/);
  expect(whyOf(end)).toMatch(/somebody is between the two/);
  const heard = Buffer.concat(said.map(({ bytes }) => bytes)).toString('latin1');
  for (const secret of secrets) expect(heard).not.toContain(secret);
  expect(
    said.some(({ bytes }) =>
      ['device', 'log', 'confirm'].includes((good(decodePairing(bytes)) as PairingMessage).type),
    ),
  ).toBe(false);
});

test(
  'somebody in between who guesses has one guess, and a wrong one ends it on either side',
  { timeout: 120_000 },
  () => {
    fc.assert(
      fc.property(fc.nat(99_999_999), fc.nat(), (number, seed) => {
        const guess = String(number).padStart(8, '0');
        const random = seededBytes(seed);
        // As the laptop, towards the phone.
        const joiner = joinerOf({ peerKey: mallory.signer.publicKey });
        const started = good(decodePairing(joiner.start().send[0] as Uint8Array));
        if (started.type !== 'start') throw new Error(started.type);
        const nonce = random(16);
        const cpace = startCpace({
          password: new TextEncoder().encode(guess),
          ci: channelOf('code', mallory.signer.publicKey, phone.signer.publicKey),
          sid: sidOf(started.nonce, nonce),
          randomScalar: random(32),
        });
        const answer = good(
          decodePairing(
            joiner.receive(encodeCanonical({ type: 'share', nonce, share: cpace.share }), NOW).send[0] as Uint8Array,
          ),
        );
        if (answer.type !== 'answer') throw new Error(answer.type);
        const key = good(cpace.agree('initiator', answer.share, { own: new Uint8Array(), peer: new Uint8Array() }));
        const end = joiner.receive(encodeCanonical({ type: 'confirm', tag: key.tag }), NOW);
        expect(end.now.state).toBe(guess === CODE ? 'agreed' : 'failed');
        expect(key.isTagOfPeer(answer.tag)).toBe(guess === CODE);
        if (guess !== CODE) expect(end.send).toEqual([]);
        // As the phone, towards the laptop.
        const towards = pair(
          joinerOf({ by: { code: guess }, about: about(mallory) }),
          pairingOf().meet(mallory.signer.publicKey),
          logWith(laptop),
        );
        expect(towards.enroller.state).toBe(guess === CODE ? 'enrolled' : 'refused');
      }),
      trials('guesses of a code', 25),
    );
  },
);

test('each byte on the way, changed, adds nobody or changes nothing', { timeout: 240_000 }, () => {
  const log = logWith(laptop);
  const lengths = pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log).said.map(({ bytes }) => bytes.length);
  fc.assert(
    fc.property(fc.nat(lengths.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (message, place, change) => {
      let at = 0;
      const wire: Wire = (_, bytes) =>
        at++ === message ? bytes.with(place % bytes.length, (bytes[place % bytes.length] ?? 0) ^ change) : bytes;
      const { joiner, enroller } = pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log, { wire });
      if (joiner.state !== 'joined') return;
      // What the channel protects anyway (the name, the system, the id that the device gives itself) may be another;
      // what was joined is what was added.
      if (enroller.state !== 'enrolled') throw new Error(enroller.state);
      expect(headsOf(joiner.log)).toEqual(headsOf(enroller.log));
      expect(membersOfLog(joiner.log).members.get(phone.id)?.publicKey).toEqual(phone.signer.publicKey);
    }),
    trials('damaged pairings', 80),
  );
});

test('a device gives its own key only, and the log it gets has it and who added it', () => {
  const lying = joinerOf({ about: { ...about(phone), key: mallory.signer.publicKey } });
  expect(whyOf(pair(lying, pairingOf().meet(phone.signer.publicKey), logWith(laptop)).enroller)).toMatch(/wrong code/);
  const log = logWith(laptop);
  const swapped: Wire = (_, bytes) => {
    const message = good(decodePairing(bytes));
    const key = mallory.signer.publicKey;
    return message.type === 'device' ? encodeCanonical({ ...message, about: { ...message.about, key } }) : bytes;
  };
  const { enroller } = pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log, { wire: swapped });
  expect(whyOf(enroller)).toMatch(/out of turn/);

  const instead = (other: UserLog, device = phone, issuer = laptop, at = NOW) => ({
    type: 'log' as const,
    entries: bytesOf(other),
    certificate: good(issueCertificate(membersOfLog(other), device.id, issuer.id, issuer.signer, at)),
  });
  const elsewhere = by(logWith(second), second, adding(phone));
  const withoutRight = by(by(logWith(second), second, adding(laptop, ['sync'])), second, adding(phone));
  const known = by(log, laptop, adding(phone, ['sync'], 'phone'));
  const otherId = by(log, laptop, adding({ ...second, signer: phone.signer }));
  const otherKey = by(log, laptop, adding({ ...phone, signer: mallory.signer }));
  for (const [what, change] of [
    ['a log without who sent it', () => instead(elsewhere, phone, second)],
    ['a log in which who sent it may not add', () => instead(withoutRight, phone, second)],
    ['a log with another key', () => instead(otherKey)],
    ['a log with its key under another id', () => instead(otherId, second)],
    [
      'a certificate that has run out',
      (m: LogMessage) => ({ ...m, certificate: instead(known, phone, laptop, 0).certificate }),
    ],
    ['another device’s certificate', (m: LogMessage) => ({ ...m, certificate: instead(log, laptop).certificate })],
    ['no certificate', (m: LogMessage) => ({ ...m, certificate: new Uint8Array(100) })],
    ['a gap', (m: LogMessage) => ({ ...m, entries: m.entries.toSpliced(1, 1) })],
    ['nothing', (m: LogMessage) => ({ ...m, entries: [] })],
    ['no end', (m: LogMessage) => ({ ...m, certificate: null })],
  ] as const) {
    const wire: Wire = (_, bytes) => {
      const message = good(decodePairing(bytes));
      return message.type === 'log' ? encodeCanonical(change(message)) : bytes;
    };
    const joiner = joinerOf();
    const { joiner: ended, said } = pair(joiner, pairingOf().meet(phone.signer.publicKey), log, { wire });
    expect([what, ended.state]).toEqual([what, what === 'no end' ? 'agreed' : 'failed']);
    // And one that goes on without saying anything new is not listened to.
    if (what === 'no end') expect(joiner.receive(said.at(-1)?.bytes as Uint8Array, NOW).now.state).toBe('failed');
  }
});

type LogMessage = Extract<PairingMessage, { type: 'log' }>;

test('a long log comes in several messages, each below its bound', { timeout: 120_000 }, () => {
  let log = logWith(laptop);
  // Entries of nearly 4 KiB do not come from here, so many small ones: more than fit into one message.
  for (let i = 0; i < 250; i++) log = by(log, laptop, { type: 'setPolicy' });
  const { joiner, said } = pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log);
  expect(joiner.state === 'joined' && joiner.log.entries.size).toBe(log.entries.size + 1);
  const sizes = said.map(({ bytes }) => bytes.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(LIMITS.pairingBytesMax);
  expect(sizes.filter((size) => size > 2_000).length).toBeGreaterThan(1);
});

test('a device that was removed comes back only with another identity', () => {
  const start = by(logWith(laptop), laptop, adding(phone));
  const log = by(start, laptop, removing(start, phone));
  expect(whyOf(pair(joinerOf(), pairingOf().meet(phone.signer.publicKey), log).enroller)).toMatch(/was added before/);
  const fresh = pair(joinerOf({ about: about(second) }), pairingOf().meet(second.signer.publicKey), log);
  expect(fresh.joiner.state).toBe('joined');
});
