import { mkdtemp, rm } from 'node:fs/promises';
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { nameKey } from './key.ts';
import { openLevelStore } from './level.ts';
import type { Store } from './store.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'markco-level-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

const put = (name: string, value: string) => ({ key: nameKey(name), value: new TextEncoder().encode(value) });
const range = { gte: nameKey('t'), lt: nameKey('u') };

async function all(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const [, value] of store.range(range)) found.push(new TextDecoder().decode(value));
  return found;
}

/** The folder as a kill leaves it: whatever the program has told the system, and no goodbye. */
function asKilled(folder: string): string {
  const copy = `${folder}-killed-${readdirSync(join(folder, '..')).length}`;
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith('/LOCK') });
  return copy;
}

async function afterKill(folder: string, spoil: (copy: string) => void = () => {}): Promise<string[]> {
  const copy = asKilled(folder);
  spoil(copy);
  const store = await openLevelStore(copy);
  const found = await all(store);
  await store.close();
  await rm(copy, { recursive: true });
  return found;
}

test('an unsynced write is there after a kill, before LevelDB has it', async ({ folder }) => {
  const store = await openLevelStore(folder);
  await store.write([put('t1', 'one')], { sync: false });
  await store.write([put('t2', 'two'), put('t3', 'three')], { sync: false });
  expect(await afterKill(folder)).toEqual(['one', 'two', 'three']);
  await store.close();
});

test('what LevelDB has is not written to it again after a kill', async ({ folder }) => {
  const store = await openLevelStore(folder);
  await store.write([put('t1', 'one')], { sync: false });
  await store.write([put('t2', 'two')], { sync: true });
  await store.write([{ key: nameKey('t1'), value: null }], { sync: true });
  await store.write([put('t3', 'three')], { sync: false });
  expect(await afterKill(folder)).toEqual(['two', 'three']);
  await store.close();
});

test('a torn entry and what follows it are dropped, what came before stays', async ({ folder }) => {
  const store = await openLevelStore(folder);
  for (const name of ['t1', 't2', 't3']) await store.write([put(name, name)], { sync: false });
  const cut = (bytes: number) => (copy: string) => {
    const file = join(copy, 'ahead/0');
    truncateSync(file, readFileSync(file).length - bytes);
  };
  expect(await afterKill(folder, cut(1))).toEqual(['t1', 't2']);
  expect(await afterKill(folder, cut(40))).toEqual(['t1']);
  const flip = (copy: string) => {
    const file = join(copy, 'ahead/0');
    const bytes = readFileSync(file);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };
  expect(await afterKill(folder, flip)).toEqual([]);
  await store.close();
});

test('files are used again, and what an earlier use left in them does not come back', async ({ folder }) => {
  const store = await openLevelStore(folder);
  for (let at = 0; at < 20; at++) {
    await store.write([put(`t${at}`, 'x'.repeat(500 - at))], { sync: false });
    await store.write([put(`t${at}`, `${at}`)], { sync: true });
    await store.write([{ key: nameKey(`t${at}`), value: null }], { sync: true });
  }
  expect(readdirSync(join(folder, 'ahead')).length).toBeLessThanOrEqual(3);
  await store.write([put('t-last', 'last')], { sync: false });
  expect(await afterKill(folder)).toEqual(['last']);
  await store.close();
});

test('reads see what is not in LevelDB yet', async ({ folder }) => {
  const store = await openLevelStore(folder);
  await store.write([put('t1', 'one')], { sync: false });
  expect(store.get(nameKey('t1'))).toEqual(put('t1', 'one').value);
  await store.write([{ key: nameKey('t1'), value: null }], { sync: false });
  expect(store.get(nameKey('t1'))).toBeUndefined();
  await store.write([put('t2', 'two')], { sync: false });
  expect(await all(store)).toEqual(['two']);
  await store.close();
});

test('unsynced writes survive a reopening and an orderly end', async ({ folder }) => {
  const store = await openLevelStore(folder);
  await store.write([put('t1', 'one')], { sync: false });
  await store.reopen();
  expect(await all(store)).toEqual(['one']);
  await store.write([put('t2', 'two')], { sync: false });
  await store.close();
  const again = await openLevelStore(folder);
  expect(await all(again)).toEqual(['one', 'two']);
  await again.close();
});

test('synced and unsynced writes that overlap keep their order', async ({ folder }) => {
  const store = await openLevelStore(folder);
  const writes: Promise<void>[] = [];
  for (let at = 0; at < 200; at++) writes.push(store.write([put('t', `${at}`)], { sync: at % 3 === 0 }));
  await Promise.all(writes);
  expect(await all(store)).toEqual(['199']);
  await store.close();
});
