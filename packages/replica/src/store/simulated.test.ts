import { expect, test } from 'vitest';
import { createSimulatedDisk } from './simulated.ts';
import { storeContract } from './store.contract.ts';

const at = (name: string) => new TextEncoder().encode(name);

storeContract('simulated disk', async () => {
  const { store } = createSimulatedDisk();
  return { store, killed: async () => store, close: store.close };
});

test('a power cut keeps what was synced and any prefix of what was not', async () => {
  for (const keep of [0, 1, 2]) {
    const disk = createSimulatedDisk();
    await disk.store.write([{ key: at('synced'), value: at('1') }], { sync: true });
    await disk.store.write([{ key: at('first'), value: at('1') }], { sync: false });
    await disk.store.write(
      [
        { key: at('second'), value: at('1') },
        { key: at('synced'), value: null },
      ],
      { sync: false },
    );
    disk.cutPower(keep);
    const there = ['synced', 'first', 'second'].filter((name) => disk.store.get(at(name)) !== undefined);
    expect(there).toEqual([['synced'], ['synced', 'first'], ['first', 'second']][keep]);
  }
});

test('a sync that fails leaves what it wrote unknown, and opening anew shows what is there', async () => {
  for (const keep of [0, 1]) {
    const disk = createSimulatedDisk();
    disk.failAfter = (_batch, sync) => {
      if (sync) throw new Error('EIO');
    };
    await expect(disk.store.write([{ key: at('a'), value: at('1') }], { sync: true })).rejects.toThrow('EIO');
    expect(disk.store.get(at('a'))).toBeDefined();
    disk.failAfter = undefined;
    disk.cutPower(keep);
    await disk.store.reopen();
    expect(disk.store.get(at('a')) !== undefined).toBe(keep === 1);
  }
});
