/** The token of whoever runs a cloud. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { loadOwnerToken } from './owner-token.ts';

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-owner-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

test('the token is made once, and is for its owner alone to read', async ({ home }) => {
  const token = await loadOwnerToken(home, randomBytes);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(await loadOwnerToken(home, randomBytes)).toBe(token);
  await writeFile(join(home, 'owner-token'), 'given-before\n', { mode: 0o644 });
  expect(await loadOwnerToken(home, randomBytes)).toBe('given-before');
  expect((await stat(join(home, 'owner-token'))).mode & 0o777).toBe(0o600);
});
