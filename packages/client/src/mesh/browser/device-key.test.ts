import { newId, type ProjectId, type RunId } from '@markco/protocol';
import {
  capsFor,
  checkGrant,
  codeHashOf,
  issueCertificate,
  membersOfLog,
  openCertificate,
  RUN_GRANT_LIFETIME_MS,
  signGrant,
} from '@markco/protocol/identity';
import {
  adding,
  by,
  deviceOf,
  good,
  logWith,
  NOW,
  refusal,
  seededBytes,
} from '@markco/protocol/identity/identity.fixture';
import { expect, test } from 'vitest';
import { peerOfKey } from '../peer-key.ts';
import { libp2pKeyOf, makeDeviceKey, signWith } from './device-key.ts';

const CODE = 'print(6 * 7)';
const ids = { now: () => NOW, randomBytes: seededBytes(3) };

test('a browser signs with its key, which nobody gets out of it, and its runs start and nothing else', async () => {
  const key = await makeDeviceKey();
  expect(key.pair.privateKey.extractable).toBe(false);
  await expect(crypto.subtle.exportKey('pkcs8', key.pair.privateKey)).rejects.toThrow();
  const ofPeer = libp2pKeyOf(key);
  expect(() => ofPeer.raw).toThrow('shown to nobody');
  const said = new TextEncoder().encode('who I am');
  expect(await ofPeer.publicKey.verify(said, await ofPeer.sign(said))).toBe(true);
  expect(peerOfKey(key.publicKey)).toBe(peerOfKey(ofPeer.publicKey.raw));

  const laptop = deviceOf(1);
  const browser = { ...deviceOf(2), signer: { publicKey: key.publicKey, sign: laptop.signer.sign } };
  const members = membersOfLog(by(logWith(laptop), laptop, adding(browser, capsFor('web'), 'web')));
  const certificate = good(openCertificate(good(issueCertificate(members, browser.id, laptop.id, laptop.signer, NOW))));
  const grant = {
    ...{ submitter: browser.id, host: laptop.id, run: newId<RunId>(ids), project: newId<ProjectId>(ids) },
    ...{ session: 'any', code: codeHashOf(CODE), nonce: seededBytes(4)(16), epoch: 0, fence: 0 },
    language: 'python',
    expiresAt: NOW + RUN_GRANT_LIFETIME_MS,
  } as const;
  const asked = { host: laptop.id, code: CODE, certificate, members, now: NOW };
  const bytes = await signGrant(grant, signWith(key));
  expect(checkGrant(bytes, asked)).toEqual(grant);
  expect(refusal(checkGrant(bytes, { ...asked, code: `${CODE} ` })).code).toBe('forbidden');
  const another = await signGrant(grant, signWith(await makeDeviceKey()));
  expect(refusal(checkGrant(another, asked)).message).toContain('not from the device');
  // It gives nobody a certificate.
  expect(refusal(issueCertificate(members, laptop.id, browser.id, laptop.signer, NOW)).code).toBe('forbidden');
});
