/** What every kind of store keeps to; each kind's test calls this. The numbers are those of `store.ts`. */
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { trials } from '../../../../setup/trials.ts';
import type { Store, StoreWrite } from './store.ts';

export type OpenedStore = {
  readonly store: Store;
  /** The process is gone without a word; what it had open is opened again. */
  killed(): Promise<Store>;
  close(): Promise<void>;
};

const key = (...bytes: number[]) => Uint8Array.from(bytes);
const value = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));

async function all(store: Store, range: Parameters<Store['range']>[0]): Promise<[number[], string | undefined][]> {
  const found: [number[], string | undefined][] = [];
  for await (const [at, bytes] of store.range(range)) found.push([[...at], text(bytes)]);
  return found;
}

/** @param writesNow whether it is one that can write in the turn it is asked to */
export function storeContract(kind: string, open: () => Promise<OpenedStore>, writesNow = true): void {
  const using = (name: string, check: (opened: OpenedStore) => Promise<void>) =>
    test(`${kind}: ${name}`, async () => {
      const opened = await open();
      try {
        await check(opened);
      } finally {
        await opened.close();
      }
    });

  using('a batch writes and removes, and is read back at once', async ({ store }) => {
    await store.write(
      [
        { key: key(1), value: value('a') },
        { key: key(2), value: value('b') },
      ],
      { sync: false },
    );
    expect(text(await store.read(key(1)))).toBe('a');
    await store.write(
      [
        { key: key(1), value: null },
        { key: key(2), value: value('c') },
      ],
      { sync: true },
    );
    expect(await store.read(key(1))).toBeUndefined();
    expect(text(await store.read(key(2)))).toBe('c');
    await store.write([{ key: key(2), value: null }], { sync: false });
    expect(await store.read(key(2))).toBeUndefined();
  });

  using(
    'keys are bytes in the order of bytes, from one included to one excluded, both ways, up to a number',
    async ({ store }) => {
      const keys = [key(1), key(1, 0), key(1, 255), key(2), key(200, 1), key(255)];
      await store.write(keys.map((at, index) => ({ key: at, value: value(String(index)) })).reverse(), { sync: false });
      const names = async (range: Parameters<Store['range']>[0]) =>
        (await all(store, range)).map(([, name]) => name).join('');
      expect(await names({ gte: key(0), lt: key(255, 255) })).toBe('012345');
      expect(await names({ gte: key(1, 0), lt: key(200, 1) })).toBe('123');
      expect(await names({ gte: key(1, 0), lt: key(200, 1), reverse: true })).toBe('321');
      expect(await names({ gte: key(0), lt: key(255), limit: 2 })).toBe('01');
      expect(await names({ gte: key(0), lt: key(255), reverse: true, limit: 1 })).toBe('4');
      expect(await names({ gte: key(3), lt: key(4) })).toBe('');
    },
  );

  using('what a reader was given stays as it was when the same bytes are used again', async ({ store }) => {
    const bytes = value('one');
    await store.write([{ key: key(1), value: bytes }], { sync: false });
    bytes.fill(0);
    expect(text(await store.read(key(1)))).toBe('one');
    expect(await all(store, { gte: key(0), lt: key(9) })).toEqual([[[1], 'one']]);
  });

  using('values may be empty or large', async ({ store }) => {
    const large = new Uint8Array(3 * 1024 * 1024).fill(7);
    await store.write(
      [
        { key: key(1), value: new Uint8Array() },
        { key: key(2), value: large },
      ],
      { sync: true },
    );
    expect(await store.read(key(1))).toHaveLength(0);
    expect(Buffer.compare((await store.read(key(2))) ?? key(), large)).toBe(0);
  });

  using(
    '1 and 2: once `write` has resolved, a killed process leaves the whole of every batch',
    async ({ store, killed }) => {
      const batches = Array.from({ length: 50 }, (_, at): StoreWrite[] => [
        { key: key(1, at), value: value(`a${at}`) },
        { key: key(2, at), value: value(`b${at}`) },
      ]);
      await Promise.all(batches.map((batch) => store.write(batch, { sync: false })));
      const again = await killed();
      expect(await all(again, { gte: key(1), lt: key(3) })).toHaveLength(100);
      await again.write([{ key: key(3), value: value('on') }], { sync: true });
      expect(text(await again.read(key(3)))).toBe('on');
    },
  );

  using(
    '2: what `writeNow` has written is read back at once, and a killed process leaves it',
    async ({ store, killed }) => {
      const bytes = value('a');
      if (!writesNow) {
        expect(store.writeNow([{ key: key(1), value: bytes }])).toBe(false);
        return expect(await store.read(key(1))).toBeUndefined();
      }
      expect(store.writeNow([{ key: key(1), value: bytes }])).toBe(true);
      bytes.fill(0);
      expect(text(await store.read(key(1)))).toBe('a');
      await store.write([{ key: key(2), value: value('b') }], { sync: false });
      expect(store.writeNow([{ key: key(2), value: value('c') }])).toBe(true);
      const again = await killed();
      expect(await all(again, { gte: key(1), lt: key(3) })).toEqual([
        [[1], 'a'],
        [[2], 'c'],
      ]);
    },
  );

  using('it opens again in place, and everything is there', async ({ store }) => {
    await store.write([{ key: key(1), value: value('a') }], { sync: true });
    await store.reopen();
    expect(text(await store.read(key(1)))).toBe('a');
    await store.write([{ key: key(2), value: value('b') }], { sync: true });
    expect(await all(store, { gte: key(0), lt: key(9) })).toHaveLength(2);
  });

  using('any batches leave what a map would hold', async ({ store }) => {
    const write = fc.record({
      key: fc.uint8Array({ minLength: 1, maxLength: 3, max: 4 }),
      value: fc.option(fc.uint8Array({ maxLength: 4 })),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(write, { maxLength: 5 }), fc.boolean()), { maxLength: 6 }),
        async (batches) => {
          const before: StoreWrite[] = [];
          for await (const [at] of store.range({ gte: key(0), lt: key(255) })) before.push({ key: at, value: null });
          await store.write(before, { sync: false });
          const model = new Map<string, Uint8Array>();
          for (const [batch, sync] of batches) {
            await store.write(batch, { sync: sync && batch.length > 3 });
            for (const one of batch) {
              if (one.value === null) model.delete(one.key.join());
              else model.set(one.key.join(), one.value);
            }
          }
          const found = new Map<string, Uint8Array>();
          for await (const [at, bytes] of store.range({ gte: key(0), lt: key(255) }))
            found.set(at.join(), new Uint8Array(bytes));
          expect(Object.fromEntries(found)).toEqual(
            Object.fromEntries([...model].map(([at, bytes]) => [at, new Uint8Array(bytes)])),
          );
        },
      ),
      trials(`batches in a ${kind}`, writesNow ? 200 : 50),
    );
  });
}
