import 'fake-indexeddb/auto';
import type { DeviceId } from '@markco/protocol';
import { capsFor, issueCertificate, membersOfLog, type UserLog } from '@markco/protocol/identity';
import { adding, by, bytesOf, deviceOf, good, logWith, NOW } from '@markco/protocol/identity/identity.fixture';
import { expect, test } from 'vitest';
import { makeDeviceKey } from './device-key.ts';
import { keepDevice, keepNews, readKeptDevice, type KeptDevice } from './kept-device.ts';

const laptop = deviceOf(1);
const key = await makeDeviceKey();
const browser = { ...deviceOf(2), signer: { publicKey: key.publicKey, sign: laptop.signer.sign } };
const asAdded = by(logWith(laptop), laptop, adding(browser, capsFor('web'), 'web'));
const certificateAt = (now: number): Uint8Array =>
  good(issueCertificate(membersOfLog(asAdded), browser.id, laptop.id, laptop.signer, now));
const kept = (log: UserLog, certifiedAt: number, seenAt: number, deviceId: DeviceId = browser.id): KeptDevice => ({
  ...{ ...key, deviceId, name: 'Chrome', entries: bytesOf(log), certificate: certificateAt(certifiedAt), seenAt },
});

test('of two pages none takes back what the other one has learned', async () => {
  await keepDevice(kept(asAdded, NOW, NOW));
  const withDesk = by(asAdded, laptop, adding(deviceOf(3)));
  const withTablet = by(asAdded, laptop, adding(deviceOf(4)));
  await Promise.all([keepNews(kept(withDesk, NOW + 10, NOW + 20)), keepNews(kept(withTablet, NOW, NOW + 10))]);
  const both = await readKeptDevice();
  expect(both?.entries).toHaveLength(asAdded.entries.size + 2);
  for (const each of [...bytesOf(withDesk), ...bytesOf(withTablet)]) expect(both?.entries).toContainEqual(each);
  expect([both?.certificate, both?.seenAt]).toEqual([certificateAt(NOW + 10), NOW + 20]);
});

test('a page of what this browser was before it was added anew does not take its new key from it', async () => {
  const anew = kept(asAdded, NOW, NOW, deviceOf(5).id);
  await keepDevice(anew);
  await expect(keepNews(kept(asAdded, NOW, NOW + 1))).rejects.toMatchObject({ code: 'conflict' });
  expect((await readKeptDevice())?.deviceId).toBe(anew.deviceId);
});
