/** R18: clocks that are wrong, and clocks that are set back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, newId, type DeviceId, type ProjectId, type RunId, type UserId } from '@markco/protocol';
import {
  CERTIFICATE_LIFETIME_MS,
  checkCertificate,
  checkGrant,
  codeHashOf,
  openCertificate,
  RUN_GRANT_LIFETIME_MS,
  sealGrant,
} from '@markco/protocol/identity';
import { expect, test as base } from 'vitest';
import { openTrust, type Trust } from './trust.ts';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 21, 12);

type World = {
  readonly clock: { at: number };
  readonly ids: { now(): number; randomBytes(length: number): Uint8Array<ArrayBuffer> };
  open(): Promise<Trust>;
};

const test = base.extend<{ world: World }>({
  world: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-clock-'));
    const clock = { at: START };
    const ids = { now: () => clock.at, randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
    const deviceId = newId<DeviceId>(ids);
    const userId = newId<UserId>(ids);
    await use({ clock, ids, open: () => openTrust({ home, deviceId, userId, name: 'laptop', ids }) });
    await rm(home, { recursive: true });
  },
});

const lapsed = (trust: Trust, certificate: Uint8Array): boolean => {
  const opened = openCertificate(certificate);
  if (opened instanceof Failure) throw opened;
  return checkCertificate(opened, trust.members, trust.now()).state !== 'ok';
};

test('CLOCK-1 a clock that is set back by an hour takes no time back, and revives no right', async ({ world }) => {
  const { clock } = world;
  const trust = await world.open();
  const { certificate } = trust;
  expect(lapsed(trust, certificate)).toBe(false);
  clock.at += CERTIFICATE_LIFETIME_MS.desktop;
  expect(lapsed(trust, certificate)).toBe(true);
  const seen = trust.now();
  for (const back of [1, HOUR_MS, CERTIFICATE_LIFETIME_MS.desktop]) {
    clock.at = seen - back;
    expect([back, trust.now(), lapsed(trust, certificate)]).toEqual([back, seen, true]);
  }
  clock.at = seen + 1;
  expect(trust.now()).toBe(seen + 1);
});

test('CLOCK-2 neither does it when the device is restarted in between', async ({ world }) => {
  const { clock } = world;
  const before = await world.open();
  const { certificate } = before;
  clock.at += CERTIFICATE_LIFETIME_MS.desktop + HOUR_MS;
  const seen = before.now();
  // Whatever is kept goes through one queue: this comes after it.
  await before.renew(certificate);
  clock.at = START + HOUR_MS;
  const after = await world.open();
  expect(after.now()).toBe(seen);
  expect(lapsed(after, certificate)).toBe(true);
});

test('CLOCK-3 time that went by is kept without anything else that happens', async ({ world }) => {
  const { clock } = world;
  const before = await world.open();
  clock.at += HOUR_MS;
  const seen = before.now();
  clock.at = START;
  await expect.poll(async () => (await world.open()).now()).toBe(seen);
});

test('CLOCK-4 a grant that ran out starts nothing once the clock of its host is set back, and one of ten minutes apart is told why', async ({
  world,
}) => {
  const { clock, ids } = world;
  const trust = await world.open();
  const certificate = openCertificate(trust.certificate);
  if (certificate instanceof Failure) throw certificate;
  const grantAt = (at: number): Uint8Array =>
    sealGrant(
      {
        ...{ submitter: trust.deviceId, host: trust.deviceId, run: newId<RunId>(ids), project: newId<ProjectId>(ids) },
        ...{ session: 'default', code: codeHashOf('1'), language: 'python', expiresAt: at + RUN_GRANT_LIFETIME_MS },
        ...{ nonce: new Uint8Array(16), epoch: trust.members.epoch, fence: 1 },
      },
      trust.signer,
    );
  const check = (grant: Uint8Array) =>
    checkGrant(grant, { host: trust.deviceId, code: '1', certificate, members: trust.members, now: trust.now() });
  const first = grantAt(clock.at);
  expect(check(first)).not.toBeInstanceOf(Failure);
  expect(check(grantAt(clock.at - 60_000))).not.toBeInstanceOf(Failure);
  expect(check(grantAt(clock.at + 60_000))).not.toBeInstanceOf(Failure);
  expect(check(grantAt(clock.at + 600_000))).toMatchObject({ code: 'unauthorized' });
  expect(check(grantAt(clock.at - 600_000))).toMatchObject({ code: 'unauthorized' });
  clock.at += HOUR_MS;
  expect(check(first)).toMatchObject({ code: 'unauthorized' });
  clock.at -= HOUR_MS;
  expect(check(first)).toMatchObject({ code: 'unauthorized' });
});
