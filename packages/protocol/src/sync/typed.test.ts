import { expect, test } from 'vitest';
import fc from 'fast-check';
import * as Y from 'yjs';
import { readTyped } from './typed.ts';

const id = (found: Y.ID | null): { client: number; clock: number } | undefined =>
  found === null ? undefined : { client: found.client, clock: found.clock };

/** What Yjs's own reader says of an update that has one piece of text and no deletion. */
function readByYjs(update: Uint8Array): ReturnType<typeof readTyped> {
  const { structs, ds } = Y.decodeUpdate(update);
  const [item] = structs;
  if (structs.length !== 1 || ds.clients.size > 0 || !(item instanceof Y.Item)) return undefined;
  if (!(item.content instanceof Y.ContentString) || item.parentSub !== null) return undefined;
  const parent: unknown = item.parent;
  return {
    client: item.id.client,
    clock: item.id.clock,
    length: item.length,
    origin: id(item.origin),
    rightOrigin: id(item.rightOrigin),
    parent: parent instanceof Y.ID ? id(parent) : undefined,
  };
}

test('what is typed is read as Yjs reads it, wherever it is typed', () => {
  let read = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_ffff }),
      fc.array(fc.record({ at: fc.nat(1_000), text: fc.constantFrom('a', 'word', 'é', '😀', 'x'.repeat(200)) })),
      (clientID, letters) => {
        const doc = Object.assign(new Y.Doc(), { clientID });
        const updates: Uint8Array[] = [];
        doc.on('update', (update: Uint8Array) => void updates.push(update));
        const nested = doc.getMap('map').set('inner', new Y.Text());
        letters.forEach(({ at, text }, number) => {
          const into = number % 3 === 0 ? nested : doc.getText('content');
          into.insert(at % (into.length + 1), text);
        });
        for (const update of updates) {
          const typed = readTyped(update);
          if (typed === undefined) continue;
          read++;
          expect(typed).toEqual(readByYjs(update));
        }
      },
    ),
  );
  expect(read).toBeGreaterThan(100);
});

test('plain letters always take the short way; anything else is left to Yjs', () => {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => void updates.push(update));
  const text = doc.getText('content');
  for (const letter of 'abc') text.insert(text.length, letter);
  expect(updates.map((update) => readTyped(update)?.length)).toEqual([1, 1, 1]);
  updates.length = 0;
  text.insert(0, 'ü');
  text.delete(0, 2);
  text.format(0, 1, { bold: true });
  doc.getMap('map').set('key', 'value');
  expect(updates.map((update) => readTyped(update))).toEqual([undefined, undefined, undefined, undefined]);
});

test('whatever bytes come, and wherever an update is cut or changed: what Yjs refuses is left to Yjs', () => {
  const doc = Object.assign(new Y.Doc(), { clientID: 7 });
  doc.getText('content').insert(0, 'typed');
  const whole = Y.encodeStateAsUpdate(doc);
  expect(readTyped(whole)).toBeDefined();
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
      const changed = whole.slice(0, length);
      if (at < length) changed[at] = byte;
      const typed = readTyped(changed);
      if (typed === undefined) return;
      expect(typed).toEqual(readByYjs(changed));
    }),
    { numRuns: 2_000 },
  );
});
