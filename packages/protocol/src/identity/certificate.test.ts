import { expect, test } from 'vitest';
import { sameBytes } from './canonical.ts';
import { DEVICE_KINDS, type DeviceKind } from './caps.ts';
import {
  CERTIFICATE_LIFETIME_MS,
  checkCertificate,
  issueCertificate,
  openCertificate,
  type Certificate,
} from './certificate.ts';
import { adding, by, deviceOf, good, logWith, NOW, refusal, removing, ROOT } from './identity.fixture.ts';
import { seal } from './keys.ts';
import { membersOfLog, type UserLog } from './user-log.ts';

type D = ReturnType<typeof deviceOf>;
const [laptop, phone, server, thief] = [1, 2, 3, 4].map(deviceOf) as [D, D, D, D];
const MINUTE = 60_000;

const issued = (log: UserLog, device: D, issuer: D = laptop, now = NOW): Uint8Array =>
  good(issueCertificate(membersOfLog(log), device.id, issuer.id, issuer.signer, now));
const check = (bytes: Uint8Array, log: UserLog, now = NOW) =>
  checkCertificate(good(openCertificate(bytes)), membersOfLog(log), now);
const why = (checked: ReturnType<typeof check>): string =>
  checked.state === 'ok' ? 'ok' : `${checked.state}: ${checked.failure.message}`;

const withPhone = (kind: DeviceKind = 'phone'): UserLog =>
  by(logWith(laptop), laptop, adding(phone, ['sync', 'submit'], kind));

test('a device of the user is known by its certificate', () => {
  const log = withPhone();
  const checked = check(issued(log, phone), log);
  expect(checked).toMatchObject({ state: 'ok', renew: false, member: { name: 'device 2', caps: ['submit', 'sync'] } });
  const byRoot = good(issueCertificate(membersOfLog(log), phone.id, 'root', ROOT, NOW));
  expect(check(byRoot, log).state).toBe('ok');
  expect(byRoot.length).toBeLessThan(600);
});

test.each(DEVICE_KINDS)('a certificate of a %s lasts as long as it may, to the millisecond', (kind) => {
  const log = withPhone(kind);
  const bytes = issued(log, phone);
  const end = NOW + CERTIFICATE_LIFETIME_MS[kind];
  expect(check(bytes, log, end - 1).state).toBe('ok');
  expect(check(bytes, log, end).state).toBe(kind === 'public-web' ? 'refused' : 'lapsed');
  expect(check(bytes, log, NOW - 10 * MINUTE).state).toBe('ok');
  expect(why(check(bytes, log, NOW - 10 * MINUTE - 1))).toMatch(/^refused: .*from the future/);
});

test('a desktop’s is renewed with 30 days left, a public computer’s never', () => {
  const day = 24 * 60 * MINUTE;
  const renew = (log: UserLog, now: number): unknown => {
    const checked = check(issued(log, phone), log, now);
    return checked.state === 'ok' ? checked.renew : checked.state;
  };
  expect([60 * day - 1, 60 * day].map((later) => renew(withPhone('desktop'), NOW + later))).toEqual([false, true]);
  expect([20 * day - 1, 20 * day].map((later) => renew(withPhone('web'), NOW + later))).toEqual([false, true]);
  expect(renew(withPhone('public-web'), NOW + day / 2 - 1)).toBe(false);
});

test('a certificate that ran out is told apart: whoever may add devices renews it at once', () => {
  const log = withPhone();
  const late = NOW + CERTIFICATE_LIFETIME_MS.phone + 1;
  const checked = check(issued(log, phone), log, late);
  expect(checked).toMatchObject({
    state: 'lapsed',
    member: { deviceId: phone.id },
    failure: { code: 'unauthorized', retryable: true },
  });
  expect(check(issued(log, phone, laptop, late), log, late).state).toBe('ok');
  // One that the device made for itself, dated at will, is no certificate that ran out.
  const own = good(openCertificate(issued(log, phone))).value;
  expect(check(seal('devcert', own, phone.signer), log, late).state).toBe('refused');
});

test('who was removed is refused with any certificate, by name and reason', () => {
  const log = withPhone();
  const bytes = issued(log, phone);
  expect(why(check(bytes, by(log, laptop, removing(log, phone, 'stolen in Lyon'))))).toBe(
    'refused: device 2 was removed from your devices: stolen in Lyon.',
  );
});

test('what a removed device vouched for is vouched for anew', () => {
  const log = by(by(logWith(laptop, thief), thief, adding(phone, ['sync'], 'phone')), laptop, { type: 'setPolicy' });
  const bytes = issued(log, phone, thief);
  expect(check(bytes, log).state).toBe('ok');
  expect(check(bytes, by(log, laptop, removing(log, thief))).state).toBe('lapsed');
});

test('only a device that may add others gives certificates, and only to devices of the user', () => {
  const members = membersOfLog(withPhone());
  expect(refusal(issueCertificate(members, laptop.id, phone.id, phone.signer, NOW)).code).toBe('forbidden');
  expect(refusal(issueCertificate(members, server.id, laptop.id, laptop.signer, NOW)).code).toBe('forbidden');
});

test('a certificate gives nothing that the log does not give', () => {
  const log = withPhone();
  const honest = good(openCertificate(issued(log, phone))).value;
  const made = (change: Partial<Certificate>, signer = laptop.signer) =>
    why(check(seal('devcert', { ...honest, ...change }, signer), log));
  expect(made({})).toBe('ok');
  expect(made({ caps: ['enrol', 'submit', 'sync'] })).toMatch(/more than it was given/);
  expect(made({ kind: 'desktop' })).toMatch(/more than it was given/);
  expect(made({ caps: ['sync'] })).toBe('ok');
  expect(made({ key: thief.signer.publicKey })).toMatch(/another key/);
  expect(made({ device: thief.id })).toMatch(/not one of yours/);
  expect(made({ root: '0'.repeat(64) })).toMatch(/another user/);
  expect(made({ user: '01890000-0000-7000-8000-000000000000' as Certificate['user'] })).toMatch(/another user/);
  expect(made({ notAfter: honest.notAfter + 1 })).toMatch(/last longer/);
  expect(made({ notAfter: honest.notBefore })).toMatch(/last longer/);
  expect(made({}, phone.signer)).toMatch(/not signed/);
  expect(made({ issuer: phone.id }, phone.signer)).toMatch(/^lapsed/);
  expect(made({ issuer: 'root' })).toMatch(/not signed/);
  expect(refusal(openCertificate(seal('devcert', { ...honest, more: 1 }, laptop.signer))).code).toBe('bad_request');
});

test('each byte of a certificate, changed, makes it worthless', () => {
  const log = withPhone();
  const bytes = issued(log, phone);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
    const opened = openCertificate(changed);
    const state = opened instanceof Error ? 'refused' : checkCertificate(opened, membersOfLog(log), NOW).state;
    // An issuer that nobody knows leaves a device of the user that needs a new certificate: its key is proven anyway.
    const issuerChanged = !(opened instanceof Error) && opened.value.issuer !== laptop.id;
    expect(state).toBe(issuerChanged ? 'lapsed' : 'refused');
  }
  expect(sameBytes(bytes, issued(log, phone))).toBe(true);
});
