import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import { startCpace, type Cpace, type CpaceKey } from './cpace.ts';
import { good, refusal, seededBytes } from './identity.fixture.ts';

const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/* The draft's own vectors for CPACE-RISTR255-SHA512 (appendix B.3). */
const shared = {
  password: utf8('Password'),
  ci: base64('b2MLQl9yZXNwb25kZXILQV9pbml0aWF0b3I='),
  sid: base64('fktHkdao7wGbk2x5+38sVw=='),
};
const a = startCpace({ ...shared, randomScalar: base64('2j0jcAqeVpkliu+U3AYN/aXrth8Cpep3+tU/T/CXbQg=') });
const b = startCpace({ ...shared, randomScalar: base64('0jFrRUcYw1Ni2D1p32Mg84V47VmEZRQ14pSXYtkAuA0=') });
const ADA = utf8('ADa');
const ADB = utf8('ADb');

test('shares and key are those of the draft', () => {
  expect(a.share).toEqual(base64('1A+yZaer6u55OdkaWF/ln3BT+YLCluxBPGJMZpMI+Ho='));
  expect(b.share).toEqual(base64('CLz26Xd6nDE6PbbapRDy05hAMxnCNBvVBqkuZy634wc='));
  const isk = base64('TFRpoWsjZMS5ROvBp55R0WdK1H2ybocYFU9Z+uv6pS2DRvMKpYN3EX6yDVJ/LLxcdjgff9Ny6J34I5+H8uAu0Q==');
  const ofA = good(a.agree('initiator', b.share, { own: ADA, peer: ADB }));
  const ofB = good(b.agree('responder', a.share, { own: ADB, peer: ADA }));
  expect(ofA.key).toEqual(isk);
  expect(ofB.key).toEqual(isk);
  expect([ofA.isTagOfPeer(ofB.tag), ofB.isTagOfPeer(ofA.tag)]).toEqual([true, true]);
  expect([ofA.isTagOfPeer(ofA.tag), ofA.isTagOfPeer(new Uint8Array()), ofA.isTagOfPeer(new Uint8Array(65))]).toEqual([
    false,
    false,
    false,
  ]);
});

test('what is no point, and the neutral one, end it', () => {
  const notOne = base64('KzxrjE84AOeu9oZAJbTteb1ZkRfkJ8Qb1H2T1lS0pRw=');
  for (const share of [notOne, new Uint8Array(32), new Uint8Array(31), new Uint8Array(32).fill(255)])
    expect(refusal(a.agree('initiator', share, { own: ADA, peer: ADB })).code).toBe('bad_request');
});

const agreed = (one: Cpace, other: Cpace): readonly [CpaceKey, CpaceKey] => {
  const nothing = { own: new Uint8Array(), peer: new Uint8Array() };
  return [good(one.agree('initiator', other.share, nothing)), good(other.agree('responder', one.share, nothing))];
};

test('two agree exactly if code, channel and session are the same', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 200 }),
      fc.string({ maxLength: 200 }),
      fc.nat(),
      fc.constantFrom('password', 'ci', 'sid'),
      (left, right, seed, where) => {
        const random = seededBytes(seed);
        const input = { password: utf8('same'), ci: utf8('same'), sid: utf8('same') };
        const one = startCpace({ ...input, [where]: utf8(left), randomScalar: random(32) });
        const other = startCpace({ ...input, [where]: utf8(right), randomScalar: random(32) });
        const same = left === right;
        const [ofOne, ofOther] = agreed(one, other);
        expect([ofOne.isTagOfPeer(ofOther.tag), ofOther.isTagOfPeer(ofOne.tag)]).toEqual([same, same]);
        expect(Buffer.from(ofOne.key).equals(ofOther.key)).toBe(same);
        const [twin, double] = agreed(one, startCpace({ ...input, [where]: utf8(left), randomScalar: random(32) }));
        expect([twin.isTagOfPeer(double.tag), double.isTagOfPeer(twin.tag)]).toEqual([true, true]);
      },
    ),
    trials('pairs of codes', 40),
  );
});
