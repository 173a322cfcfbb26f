import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadIdentity } from './identity.ts';

const ids = { now: Date.now, randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const load = (home: string, version = '1') => loadIdentity(home, { name: 'laptop', os: 'linux', version }, ids);

async function newHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'markco-identity-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

test("a device keeps its ids and its token, and its secrets are its owner's alone", async () => {
  const home = await newHome();
  const first = await load(home);
  await chmod(join(home, 'api-token'), 0o644);
  const again = await load(home, '2');
  expect([again.device.id, again.user.id, again.token]).toEqual([first.device.id, first.user.id, first.token]);
  expect(again.device.appVersion).toBe('2');
  expect(first.token.length).toBeGreaterThanOrEqual(43);
  for (const file of ['api-token', 'identity.json'])
    expect([file, (await stat(join(home, file))).mode & 0o077]).toEqual([file, 0]);
});

test.each(['', '{', 'null', '{}', '{"device":{"id":"x"},"user":{}}'])(
  'a damaged identity (%s) is refused, not replaced',
  async (text) => {
    const home = await newHome();
    await load(home);
    await writeFile(join(home, 'identity.json'), text);
    await expect(load(home)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('identity.json'),
    });
    expect(await readFile(join(home, 'identity.json'), 'utf8')).toBe(text);
  },
);

test('a token that was cut is made anew', async () => {
  const home = await newHome();
  await load(home);
  await writeFile(join(home, 'api-token'), 'short');
  expect((await load(home)).token.length).toBeGreaterThanOrEqual(43);
});
