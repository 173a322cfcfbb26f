/** Whose a rendezvous is. */
import { newId, type UserId } from '@markco/protocol';
import { createLog } from '@markco/replica/documents/log';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { openOwner } from './owner.ts';

const ids = { now: Date.now, randomBytes };
const person = (): UserId => newId<UserId>(ids);

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-owner-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

function parts(home: string) {
  const disk = createSimulatedDisk();
  const { store } = disk;
  const log = createLog({ store, now: Date.now, onStorage: () => undefined });
  return { home, store, log, nobody: person() };
}

test('whoever comes first with the token is the owner, after a restart too, and nobody else is', async ({ home }) => {
  const here = parts(home);
  const owner = await openOwner(here);
  expect(owner.id()).toBeUndefined();
  expect(owner.whose(owner.token)).toMatchObject({ userId: here.nobody });
  expect(owner.whose(`${owner.token}x`)).toBeUndefined();
  const [first, second] = [person(), person()];
  const claims = await Promise.allSettled([owner.claim(first), owner.claim(second), owner.claim(first)]);
  expect(claims.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(claims[1]).toMatchObject({ reason: { code: 'forbidden' } });

  const again = await openOwner(here);
  expect([again.token, again.id()]).toEqual([owner.token, first]);
  expect(again.whose(again.token)).toMatchObject({ userId: first });
  await expect(again.claim(second)).rejects.toMatchObject({ code: 'forbidden' });
});

test('the token is for its owner alone to read', async ({ home }) => {
  await writeFile(join(home, 'owner-token'), 'given-before\n', { mode: 0o644 });
  expect((await openOwner(parts(home))).token).toBe('given-before');
  expect((await stat(join(home, 'owner-token'))).mode & 0o777).toBe(0o600);
});
