import { expect, test } from 'vitest';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLevelStore } from './level.ts';
import { storeContract } from './store.contract.ts';

const at = (name: string) => new TextEncoder().encode(name);

storeContract('level', async () => {
  const root = await mkdtemp(join(tmpdir(), 'markco-store-'));
  const stores = [await openLevelStore(join(root, 'store'))];
  return {
    store: stores[0] as (typeof stores)[0],
    // What is in the files now is what a kill leaves: the first store is not closed before they are copied.
    killed: async () => {
      await cp(join(root, 'store'), join(root, 'again'), { recursive: true });
      const again = await openLevelStore(join(root, 'again'));
      stores.push(again);
      return again;
    },
    close: async () => {
      for (const store of stores) await store.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});

test('a store in use is refused with what to do', async () => {
  const root = await mkdtemp(join(tmpdir(), 'markco-store-'));
  const store = await openLevelStore(root);
  await expect(openLevelStore(root)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('MARKCO_HOME'),
  });
  await store.write([{ key: at('a'), value: at('1') }], { sync: true });
  await store.reopen();
  expect(await readdir(root)).not.toContain('room');
  await store.close();
  await rm(root, { recursive: true });
});
