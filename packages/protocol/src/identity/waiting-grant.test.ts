import { expect, test } from 'vitest';
import { newId, type ProjectId, type RunId } from '../id.ts';
import { issueCertificate, openCertificate } from './certificate.ts';
import { checkGrant, codeHashOf, sealGrant } from './grant.ts';
import { adding, by, deviceOf, good, logWith, NOW, refusal, removing, seededBytes } from './identity.fixture.ts';
import { membersOfLog } from './user-log.ts';
import { checkWaitingGrant, restHashOf, signWaitingGrant, WAITING_GRANT_LIFETIME_MS } from './waiting-grant.ts';

const [laptop, phone] = [1, 2].map(deviceOf) as [ReturnType<typeof deviceOf>, ReturnType<typeof deviceOf>];
const CODE = 'print(1)';
const ids = { now: () => NOW, randomBytes: seededBytes(3) };
const log = by(logWith(laptop), laptop, adding(phone, ['submit'], 'phone'));
const members = membersOfLog(log);
const certificate = good(openCertificate(good(issueCertificate(members, phone.id, laptop.id, laptop.signer, NOW))));
const rest = { documentId: 'd', cellId: 'c', docVersion: 'AA==' };
const grant = {
  ...{ submitter: phone.id, host: laptop.id, run: newId<RunId>(ids), project: newId<ProjectId>(ids), session: 's' },
  ...{ code: codeHashOf(CODE), language: 'python' as const, nonce: seededBytes(4)(16), epoch: 0, fence: 0 },
  expiresAt: NOW + WAITING_GRANT_LIFETIME_MS,
  rest: restHashOf(rest),
};
const bytes = await signWaitingGrant(grant, async (message) => phone.signer.sign(message));
const asked = { host: laptop.id, code: CODE, certificate, members, now: NOW, rest };

test('it is good for days, for one run on one device, whoever brings it', () => {
  expect(checkWaitingGrant(bytes, asked)).toEqual(grant);
  const { host: _, ...anywhere } = asked;
  expect(checkWaitingGrant(bytes, anywhere)).toEqual(grant);
  expect(checkWaitingGrant(bytes, { ...asked, now: grant.expiresAt })).toEqual(grant);
  expect(refusal(checkWaitingGrant(bytes, { ...asked, now: grant.expiresAt + 60_001 })).message).toMatch(/too late/);
});

test('who holds it changes nothing: neither the code, the device nor the cell, and not a bit of it', () => {
  for (const change of [
    { code: `${CODE} ` },
    { host: phone.id },
    { rest: { ...rest, cellId: 'other' } },
    { rest: { ...rest, documentId: 'other' } },
    { rest: { ...rest, docVersion: 'AQ==' } },
    { members: membersOfLog(by(log, laptop, removing(log, phone))) },
  ])
    refusal(checkWaitingGrant(bytes, { ...asked, ...change }));
  for (let at = 0; at < bytes.length; at++) refusal(checkWaitingGrant(bytes.with(at, (bytes[at] ?? 0) ^ 0x20), asked));
});

test('the one kind of grant is not taken for the other', () => {
  refusal(checkGrant(bytes, asked));
  const { rest: _, ...plain } = grant;
  refusal(checkWaitingGrant(sealGrant({ ...plain, expiresAt: NOW + 60_000 }, phone.signer), asked));
});
