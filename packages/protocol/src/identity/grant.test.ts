import { expect, test } from 'vitest';
import { newId, type ProjectId, type RunId } from '../id.ts';
import { issueCertificate, openCertificate } from './certificate.ts';
import { checkGrant, codeHashOf, RUN_GRANT_LIFETIME_MS, sealGrant, type RunGrant } from './grant.ts';
import { adding, by, deviceOf, good, logWith, NOW, refusal, removing, seededBytes } from './identity.fixture.ts';
import { membersOfLog } from './user-log.ts';

type D = ReturnType<typeof deviceOf>;
const [laptop, phone, server, viewer] = [1, 2, 3, 4].map(deviceOf) as [D, D, D, D];
const CODE = 'print("größer")';
const ids = { now: () => NOW, randomBytes: seededBytes(3) };

const log = by(
  by(by(logWith(laptop), laptop, adding(phone, ['submit'], 'phone')), laptop, adding(server, ['host-run', 'sync'])),
  laptop,
  adding(viewer, ['sync'], 'web'),
);
const members = membersOfLog(log);
const certificateOf = (device: D, now = NOW) =>
  good(openCertificate(good(issueCertificate(members, device.id, laptop.id, laptop.signer, now))));

const grant: RunGrant = {
  submitter: phone.id,
  host: server.id,
  run: newId<RunId>(ids),
  project: newId<ProjectId>(ids),
  session: 'notes/plan.md python',
  code: codeHashOf(CODE),
  language: 'python',
  expiresAt: NOW + RUN_GRANT_LIFETIME_MS,
  nonce: seededBytes(4)(16),
  epoch: 0,
  fence: 1,
};

const check = (
  change: Partial<RunGrant> = {},
  { by: who = phone, host = server, code = CODE, now = NOW, known = members } = {},
) =>
  checkGrant(sealGrant({ ...grant, ...change }, who.signer), {
    host: host.id,
    code,
    certificate: certificateOf(who),
    members: known,
    now,
  });

test('a device that may submit lets one piece of code run once on one host', () => {
  expect(check()).toEqual(grant);
  expect(check({ submitter: laptop.id }, { by: laptop })).toMatchObject({ submitter: laptop.id });
});

test('the grant lasts a minute, and clocks may be a minute apart either way', () => {
  const end = grant.expiresAt;
  expect(check({}, { now: end + 60_000 })).toEqual(grant);
  expect(refusal(check({}, { now: end + 60_001 })).message).toMatch(/too late/);
  expect(check({}, { now: NOW - 60_000 })).toEqual(grant);
  expect(refusal(check({}, { now: NOW - 60_001 })).message).toMatch(/clock of device 2 is ahead/);
});

test('nothing else runs, nowhere else, for nobody else', () => {
  const messageOf = (...asked: Parameters<typeof check>): string => refusal(check(...asked)).message;
  expect(messageOf({}, { code: `${CODE} ` })).toMatch(/not the one/);
  expect(messageOf({}, { host: laptop })).toMatch(/for another device/);
  expect(messageOf({ host: viewer.id }, { host: viewer })).toMatch(/not given the right/);
  expect(messageOf({ submitter: viewer.id }, { by: viewer })).toMatch(/device 4 may not run code/);
  expect(messageOf({}, { by: laptop })).toMatch(/not from the device that showed it/);
  expect(messageOf({ submitter: laptop.id }, { by: phone })).toMatch(/not from the device/);
  const removed = membersOfLog(by(log, laptop, removing(log, phone)));
  expect(messageOf({}, { known: removed })).toMatch(/was removed/);
  expect(messageOf({ expiresAt: NOW + 40 * 86_400_000 }, { now: NOW + 40 * 86_400_000 })).toMatch(/run out/);
  const bytes = sealGrant(grant, phone.signer);
  const asked = { host: server.id, code: CODE, certificate: certificateOf(phone), members, now: NOW };
  for (let at = 0; at < bytes.length; at++) refusal(checkGrant(bytes.with(at, (bytes[at] ?? 0) ^ 0x20), asked));
  expect(checkGrant(bytes, asked)).toEqual(grant);
});
