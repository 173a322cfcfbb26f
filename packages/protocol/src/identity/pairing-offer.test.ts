import { expect, test } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import { CHECK_WORDS, checkSignsOf } from './check-words.ts';
import { deviceOf, good, NOW, refusal, seededBytes } from './identity.fixture.ts';
import { newPairingCode, newPairingOffer, pairingLinkOf, readPairingCode, readPairingLink } from './pairing-offer.ts';

const KEY = deviceOf(1).signer.publicKey;
const ADDRESSES = ['/ip4/192.168.1.20/tcp/7717', '/dns4/relay.example/tcp/443/wss'];

test('codes are read as people type them, and links only whole', () => {
  expect(readPairingCode(' 0123-45 67 ')).toBe('01234567');
  for (const typed of ['', '1234567', '123456789', '1234567a', '１２３４５６７８'])
    expect(refusal(readPairingCode(typed)).message).toMatch(/8 digits/);
  const link = pairingLinkOf(newPairingOffer(KEY, ADDRESSES, NOW, seededBytes(5)));
  expect(good(readPairingLink(link.replace('markco:pair', 'https://app.example/'), NOW)).addresses).toEqual(ADDRESSES);
  expect(link.length).toBeLessThan(300);
  for (const typed of ['', 'hello', 'markco:pair#', link.slice(0, -1), `${link}A`, `${link}%`, link.replace('#', '')])
    expect(refusal(readPairingLink(typed, NOW)).message).toMatch(/only a part of one/);
});

test('whatever addresses a device has, the link that it shows can be read', () => {
  const many = ['', 'a'.repeat(201), ...Array.from({ length: 9 }, (_, index) => `${index}${'é'.repeat(199)}`)];
  const offer = newPairingOffer(KEY, many, NOW, seededBytes(5));
  expect(good(readPairingLink(pairingLinkOf(offer), NOW))).toEqual(offer);
  expect(offer.addresses.map((address) => address[0])).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
});

test('codes are eight digits, drawn evenly, and never from broken randomness', () => {
  const random = seededBytes(trials('codes', 1).seed);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 5_000; i++) {
    const code = newPairingCode(random);
    expect(code).toMatch(/^[0-9]{8}$/);
    counts[Number(code[0])] = (counts[Number(code[0])] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(150);
  expect(() => newPairingCode((length) => new Uint8Array(length).fill(255))).toThrow(/randomness/);
});

test('there are 256 words, each once, and they follow from the key', () => {
  expect(new Set(CHECK_WORDS).size).toBe(256);
  expect(CHECK_WORDS.every((word) => /^[a-z]{3,8}$/.test(word))).toBe(true);
  expect(checkSignsOf(new Uint8Array(64))).not.toEqual(checkSignsOf(new Uint8Array(64).fill(1)));
});
