import { Failure, newId, type DeviceId, type IdSource } from '@markco/protocol';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import type { Keychain } from '../device/keychain.ts';
import { openDeviceKeys, placeOfKeys } from './device-keys.ts';

const ids: IdSource = { now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) };
const deviceId = newId<DeviceId>(ids);

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-keys-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

/** A keychain in memory that can be locked, and can forget. */
function testKeychain() {
  const kept = new Map<string, string>();
  const state = { isLocked: false };
  const open = (): void => {
    if (state.isLocked) throw new Failure('storage_failed', 'It is locked.');
  };
  const keychain: Keychain = {
    get: async (name) => (open(), kept.get(name) ?? null),
    set: async (name, secret) => (open(), void kept.set(name, secret)),
  };
  return { keychain, kept, state };
}

const openAt = (home: string, keychain: Keychain | null, isKnown = false) =>
  openDeviceKeys({ home, deviceId, ids, keychain, isKnown });
const fileOf = (home: string) => readFile(join(home, 'device-keys.json'), 'utf8');

test('keys that are in the keychain are in no file, and are the same after a restart', async ({ home }) => {
  const { keychain } = testKeychain();
  const keys = await openAt(home, keychain);
  expect(await fileOf(home)).not.toContain(keys.device);
  expect(await placeOfKeys(home)).toBe('keychain');
  expect(await openAt(home, keychain, true)).toEqual(keys);
});

test('without a keychain they are in a file of their owner alone, and stay there when there is one', async ({
  home,
}) => {
  const { keychain, state, kept } = testKeychain();
  state.isLocked = true;
  const keys = await openAt(home, keychain);
  expect((await stat(join(home, 'device-keys.json'))).mode & 0o777).toBe(0o600);
  expect(await placeOfKeys(home)).toBe('file');
  state.isLocked = false;
  expect(await openAt(home, keychain, true)).toEqual(keys);
  expect(kept.size).toBe(0);
});

test('a keychain that is locked, forgets or is not wanted stops the device, and makes no new keys', async ({
  home,
}) => {
  const { keychain, state, kept } = testKeychain();
  const keys = await openAt(home, keychain);
  const before = await fileOf(home);
  state.isLocked = true;
  await expect(openAt(home, keychain, true)).rejects.toThrow('It is locked.');
  state.isLocked = false;
  await expect(openAt(home, null, true)).rejects.toThrow('MARKCO_KEYS=file says not to look there');
  const secret = kept.get(deviceId) ?? '';
  kept.clear();
  await expect(openAt(home, keychain, true)).rejects.toThrow('are gone from this system');
  expect(await fileOf(home)).toBe(before);
  kept.set(deviceId, secret);
  expect(await openAt(home, keychain, true)).toEqual(keys);
});

test('a device that others know makes no new keys when its file is gone or torn', async ({ home }) => {
  await expect(openAt(home, null, true)).rejects.toThrow('does not know who it is');
  await writeFile(join(home, 'device-keys.json'), '{"device":');
  await expect(openAt(home, null)).rejects.toThrow('does not know who it is');
});

test("the keychain of GNOME takes a device's keys and gives them back", async ({ home, skip }) => {
  for (const program of ['dbus-run-session', 'gnome-keyring-daemon']) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`]);
    } catch {
      skip(`${program} is not installed`);
    }
  }
  const script = join(home, 'keep.ts');
  const here = JSON.stringify(import.meta.resolve('./device-keys.ts'));
  const there = JSON.stringify(import.meta.resolve('../device/keychain.ts'));
  await writeFile(
    script,
    `import { openDeviceKeys, placeOfKeys } from ${here};
     import { systemKeychain } from ${there};
     const open = (isKnown) => openDeviceKeys({
       home: ${JSON.stringify(home)}, deviceId: ${JSON.stringify(deviceId)}, keychain: systemKeychain(), isKnown,
       ids: { randomBytes: (n) => crypto.getRandomValues(new Uint8Array(n)), now: Date.now },
     });
     const made = await open(false);
     const read = await open(true);
     console.log(JSON.stringify([made.device === read.device, made.root === read.root, await placeOfKeys(${JSON.stringify(home)})]));`,
  );
  const started = 'echo -n secret | gnome-keyring-daemon --unlock --components=secrets >&2 && exec "$0" "$1"';
  const out = execFileSync('dbus-run-session', ['--', 'sh', '-c', started, process.execPath, script], {
    env: { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: home },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
  });
  expect(JSON.parse(out.trim().split('\n').at(-1) ?? '')).toEqual([true, true, 'keychain']);
});
