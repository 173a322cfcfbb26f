import { encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { trials } from '../../../../setup/trials.ts';
import { Failure } from '../failure.ts';
import { decodeCanonical, encodeCanonical, sameBytes } from './canonical.ts';
import { good, refusal, seededBytes } from './identity.fixture.ts';
import { hashOf, rootHashOf, seal, signerOf, unseal, type Purpose } from './keys.ts';

const signer = signerOf(seededBytes(1)(32));
const other = signerOf(seededBytes(2)(32));
const Schema = z.strictObject({ a: z.number(), b: z.string() });
const value = { a: 1, b: 'two' };
const read = (bytes: Uint8Array, purpose: Purpose = 'devcert') => unseal(purpose, Schema, bytes, 1024, 'The test');

test('a key and its signature are those of RFC 8032 (test 1)', () => {
  const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
  const one = signerOf(hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'));
  expect(one.publicKey).toEqual(hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'));
  expect(Buffer.from(one.sign(new Uint8Array())).toString('hex')).toMatch(/^e5564300c360ac72/);
});

test('what was sealed is read, and only its signer has signed it, only for that purpose', () => {
  const bytes = seal('devcert', value, signer);
  const sealed = good(read(bytes));
  expect(sealed.value).toEqual(value);
  expect(sealed.isSignedBy(signer.publicKey)).toBe(true);
  expect(sealed.isSignedBy(other.publicKey)).toBe(false);
  expect(good(read(bytes, 'userlog')).isSignedBy(signer.publicKey)).toBe(false);
  expect(sealed.hash).toBe(good(read(seal('devcert', value, other))).hash);
  expect(sealed.hash).not.toBe(hashOf('userlog', encodeCanonical(value)));
  expect(rootHashOf(signer.publicKey)).toMatch(/^[0-9a-f]{64}$/);
});

test('no key of small order signs everything', () => {
  const bytes = seal('devcert', value, signer);
  bytes.fill(0, 0, 64);
  bytes[0] = 1;
  const smallOrder = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0));
  expect(good(read(bytes)).isSignedBy(smallOrder)).toBe(false);
  expect(good(read(bytes)).isSignedBy(new Uint8Array(5))).toBe(false);
});

test('a value has one form: others of the same value are refused', () => {
  const canonical = encodeCanonical(value);
  const decode = (bytes: Uint8Array) => decodeCanonical(Schema, bytes, 100, 'The test');
  expect(decode(canonical)).toEqual(value);
  const forms = [
    // The keys in the other order; a length in more bytes than it needs; one as a float; a key twice; bytes behind it.
    [0xa2, 0x61, 0x62, 0x63, 0x74, 0x77, 0x6f, 0x61, 0x61, 0x01],
    [0xa2, 0x61, 0x61, 0x18, 0x01, 0x61, 0x62, 0x63, 0x74, 0x77, 0x6f],
    [0xa2, 0x61, 0x61, 0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x61, 0x62, 0x63, 0x74, 0x77, 0x6f],
    [0xa3, 0x61, 0x61, 0x01, 0x61, 0x61, 0x01, 0x61, 0x62, 0x63, 0x74, 0x77, 0x6f],
    [...canonical, 0],
    [...canonical.slice(0, -1)],
    [0x9f, 0xff],
    Array.from({ length: 90 }, () => 0x81),
  ];
  for (const form of forms) expect(refusal(decode(Uint8Array.from(form))).code).toBe('bad_request');
  expect(refusal(decode(encode({ ...value, more: 1 }))).message).toMatch(/newest version/);
  expect(refusal(decode(new Uint8Array(101))).code).toBe('too_large');
});

test('bytes from anywhere are read or refused, never more', () => {
  const { numRuns, seed } = trials('bytes as sealed values', 3_000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const sealed = read(bytes);
      expect(sealed instanceof Failure || sameBytes(encodeCanonical(sealed.value), bytes.subarray(64))).toBe(true);
    }),
    { numRuns, seed },
  );
  const deep = new Uint8Array(16_000).fill(0x81);
  expect(refusal(decodeCanonical(z.unknown(), deep, 16_384, 'The test')).code).toBe('bad_request');
});
