/** What every store that several processes share has to do; each kind's test calls it. */
import { afterEach, describe, expect, test } from 'vitest';
import { keyAt, keyOf, letterKey, rowsKey } from './key.ts';
import type { Change, SharedStore } from './shared-store.ts';

const ID = '00000000-0000-7000-8000-0000000000d1';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | null | undefined): string => new TextDecoder().decode(value ?? undefined);

const update = (was: number, text: string): Change => ({
  guard: { key: keyOf('u', ID), was, next: was + 1 },
  batch: [{ key: keyAt('u', ID, was + 1), value: bytes(text) }],
});

/** @param make two processes on one store */
export function sharedStoreContract(
  name: string,
  make: () => Promise<{ readonly one: SharedStore; readonly two: SharedStore; close(): Promise<void> }>,
): void {
  describe(name, () => {
    let close: (() => Promise<void>) | undefined;
    afterEach(() => close?.());
    async function open() {
      const made = await make();
      close = () => made.close();
      return made;
    }

    test('of changes that build on one version one is taken, and of the others nothing is written', async () => {
      const { one, two } = await open();
      for (let was = 0; was < 20; was++) {
        const taken = await Promise.all([one, two].map((store, who) => store.commit([update(was, `by ${who}`)])));
        expect(taken.flat().filter(Boolean)).toHaveLength(1);
        const winner = taken.findIndex(([each]) => each === true);
        expect(textOf(await two.read(keyAt('u', ID, was + 1)))).toBe(`by ${winner}`);
      }
    });

    test('a change that builds on what is no more, or not yet, is refused beside others that are taken', async () => {
      const { one } = await open();
      const row = keyOf('d', ID);
      const put = (was: number, text: string): Change => ({
        guard: { key: rowsKey(ID), was, next: was + 1 },
        batch: [{ key: row, value: bytes(text) }],
        touched: [row],
      });
      expect(await one.commit([update(5, 'too early'), put(0, 'first')])).toEqual([false, true]);
      expect(await one.commit([update(0, 'first'), put(0, 'late')])).toEqual([true, false]);
      expect(await one.read(keyAt('u', ID, 6))).toBeUndefined();
      expect(textOf(await one.read(row))).toBe('first');
      expect(await one.commit([{ ...put(1, ''), batch: [{ key: row, value: null }] }])).toEqual([true]);
      expect(await one.read(row)).toBeUndefined();
      const [version] = await one.versions('c');
      expect(version).toMatchObject({ key: rowsKey(ID), version: 2 });
    });

    test('a change that moves no version is taken as long as it is the last one, and versions are found by a path', async () => {
      const { one, two } = await open();
      const key = bytes('nkind/one');
      const at = (was: number, next: number, text: string): Change => ({
        guard: { key, was, next },
        batch: [{ key: bytes('nrow'), value: bytes(text) }],
      });
      expect(await one.commit([at(0, 1, 'begun')])).toEqual([true]);
      expect(await one.commit([at(1, 1, 'goes on')])).toEqual([true]);
      expect(await one.commit([at(1, 1, 'goes on')])).toEqual([true]);
      expect(await two.commit([at(1, 2, 'taken over')])).toEqual([true]);
      expect(await one.commit([at(1, 1, 'late')])).toEqual([false]);
      expect(textOf(await one.read(bytes('nrow')))).toBe('taken over');
      await one.commit([{ guard: { key: bytes('nkind/two'), was: 0, next: 1 }, batch: [] }]);
      expect(await two.versions('nkind/one')).toMatchObject([{ version: 2 }]);
      expect(await two.versions('nkind/')).toHaveLength(2);
      expect(await two.versions('nother')).toEqual([]);
    });

    test('whoever asks for changes hears of every one, with the row as it is now', async () => {
      const { one, two } = await open();
      let { cursor } = await two.changes(null);
      const heard = new Map<string, number>();
      const rows = new Map<string, string>();
      let done = false;
      const writing = (async () => {
        for (let at = 0; at < 60; at++) {
          const row = keyOf('d', ID);
          await one.commit([
            update(at, `${at}`),
            {
              guard: { key: letterKey('c'), was: at, next: at + 1 },
              batch: [{ key: row, value: bytes(`row ${at}`) }],
              touched: [row],
            },
          ]);
        }
        done = true;
      })();
      for (let isLast = false; !isLast;) {
        isLast = done;
        const answer = await two.changes(cursor);
        ({ cursor } = answer);
        for (const { key, version, value } of answer.changed) {
          const letter = String.fromCharCode(key[0] ?? 0);
          expect(version).toBeGreaterThanOrEqual(heard.get(letter) ?? 0);
          heard.set(letter, version);
          if (value !== null) rows.set(letter, textOf(value));
        }
      }
      await writing;
      expect(Object.fromEntries(heard)).toEqual({ u: 60, c: 60, d: 60 });
      expect(rows.get('d')).toBe('row 59');
    });
  });
}
