import { expect, test } from 'vitest';
import fc from 'fast-check';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { chance, trials } from '../../../../setup/trials.ts';
import {
  absorb,
  decodeStateVector,
  decodeSummary,
  digestOf,
  emptySummary,
  includes,
  encodeStateVector,
  encodeSummary,
  inspectUpdate,
  NO_DIGEST,
  reaches,
  sameBytes,
  summarize,
  summarizeDoc,
  type Summary,
} from './summary.ts';

type Edit = {
  readonly by: number;
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
  readonly hears: boolean;
};

const edit: fc.Arbitrary<Edit> = fc.record({
  by: fc.nat(2),
  at: fc.nat(1_000),
  remove: fc.nat(4),
  insert: fc.constantFrom('', 'a', 'bc', 'é😀', 'line\n'),
  hears: fc.boolean(),
});

/** What up to three people send, who now and then hear all of what was sent before. */
function history(edits: readonly Edit[]): Uint8Array[] {
  const docs = [11, 5, 2_000_000_000].map((clientID) => Object.assign(new Y.Doc(), { clientID }));
  const sent: Uint8Array[] = [];
  const heard = docs.map(() => 0);
  for (const doc of docs)
    doc.on('update', (update: Uint8Array, origin: unknown) => void (origin === 'remote' || sent.push(update)));
  for (const { by, at, remove, insert, hears } of edits) {
    const doc = docs[by];
    if (doc === undefined) continue;
    if (hears) {
      for (const update of sent.slice(heard[by])) Y.applyUpdate(doc, update, 'remote');
      heard[by] = sent.length;
    }
    const text = doc.getText('content');
    const from = text.length === 0 ? 0 : at % (text.length + 1);
    doc.transact(() => {
      text.delete(from, Math.min(remove, text.length - from));
      text.insert(from, insert);
    });
  }
  return sent;
}

/** Takes updates in as they come; those with a gap wait until what they lack has come. */
function takeIn(summary: Summary, updates: readonly Uint8Array[]): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let waiting = [...updates];
  for (let before = -1; waiting.length > 0 && before !== waiting.length;) {
    before = waiting.length;
    const gaps: Uint8Array[] = [];
    for (const update of waiting) {
      const found = inspectUpdate(summary, update);
      if (found.kind === 'gap') gaps.push(update);
      else if (found.kind === 'invalid') throw new Error(found.why);
      else if (found.kind === 'fresh') {
        absorb(summary, found);
        taken.push(update);
      }
    }
    waiting = gaps;
  }
  if (waiting.length > 0) throw new Error(`${waiting.length} updates never fitted`);
  return taken;
}

function docOf(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

const kindOf = (summary: Summary, update: Uint8Array) => inspectUpdate(summary, update).kind;

test('in any order, and any number of times, accepted updates give the digest of the live document, and Yjs keeps nothing waiting', () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 25 }), fc.infiniteStream(fc.nat()), (edits, order) => {
      const sent = history(edits);
      const shuffled = [...sent, ...sent.slice(0, 5)]
        .map((update) => ({ update, key: order.next().value }))
        .sort((a, b) => a.key - b.key);
      const summary = emptySummary();
      const taken = takeIn(
        summary,
        shuffled.map(({ update }) => update),
      );
      const doc = docOf(taken);
      expect(doc.store.pendingStructs).toBeNull();
      expect(doc.store.pendingDs).toBeNull();
      expect(encodeSummary(summary)).toEqual(encodeSummary(summarizeDoc(doc)));
      expect(digestOf(summary)).toEqual(digestOf(summarizeDoc(docOf(sent))));
      expect(doc.getText('content').toString()).toBe(docOf(sent).getText('content').toString());
      for (const update of sent) expect(kindOf(summary, update)).toBe('known');
    }),
    trials('orders of updates', 1_500),
  );
});

test('a state in one piece has the summary of its parts, and both survive being written down', () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
      const doc = docOf(history(edits));
      const whole = summarize(Y.encodeStateAsUpdate(doc));
      expect(encodeSummary(whole)).toEqual(encodeSummary(summarizeDoc(doc)));
      expect(decodeSummary(encodeSummary(whole))).toEqual({
        clocks: whole.clocks,
        deleted: new Map([...whole.deleted].filter(([, ranges]) => ranges.length > 0)),
      });
      expect(decodeStateVector(encodeStateVector(whole.clocks))).toEqual(whole.clocks);
      expect(decodeStateVector(Y.encodeStateVector(doc))).toEqual(whole.clocks);
    }),
    trials('states in one piece', 500),
  );
});

test('documents that differ have digests that differ, and none has that of a client without a copy', () => {
  const seen = new Set<string>();
  const doc = Object.assign(new Y.Doc(), { clientID: 1 });
  for (let i = 0; i < 2_000; i++) {
    if (i % 3 === 2) doc.getText('content').delete(0, 1);
    else doc.getText('content').insert(0, 'x');
    const digest = digestOf(summarizeDoc(doc));
    expect(sameBytes(digest, NO_DIGEST)).toBe(false);
    seen.add(Buffer.from(digest).toString('hex'));
  }
  expect(seen.size).toBe(2_000);
});

test('an update that lacks what it refers to is a gap: an earlier edit, a neighbor, the text of a deletion', () => {
  const alice = Object.assign(new Y.Doc(), { clientID: 1 });
  const sent: Uint8Array[] = [];
  alice.on('update', (update: Uint8Array) => void sent.push(update));
  alice.getText('content').insert(0, 'one');
  alice.getText('content').insert(3, 'two');
  alice.getText('content').delete(0, 2);
  const [first, second, deletion] = sent as [Uint8Array, Uint8Array, Uint8Array];
  expect(kindOf(emptySummary(), second)).toBe('gap');
  expect(kindOf(emptySummary(), deletion)).toBe('gap');
  const bob = Object.assign(new Y.Doc(), { clientID: 2 });
  Y.applyUpdate(bob, first);
  bob.getText('content').insert(1, 'X');
  expect(kindOf(emptySummary(), Y.encodeStateAsUpdate(bob, Y.encodeStateVector(alice)))).toBe('gap');
  expect(kindOf(summarize(first), second)).toBe('fresh');
  expect(kindOf(summarize(first), deletion)).toBe('fresh');
});

test('two updates merged around a hole are a gap, not half an edit', () => {
  const doc = Object.assign(new Y.Doc(), { clientID: 1 });
  const sent: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => void sent.push(update));
  for (const letter of 'abc') doc.getText('content').insert(0, letter);
  const [first, , third] = sent as [Uint8Array, Uint8Array, Uint8Array];
  expect(kindOf(emptySummary(), Y.mergeUpdates([first, third]))).toBe('gap');
  expect(kindOf(summarize(first), Y.mergeUpdates([first, third]))).toBe('gap');
});

/** One struct that says "a" by `client` at clock 0, to the right of `origin`. */
function item(encoder: encoding.Encoder, client: number, origin: { client: number; clock: number }): void {
  encoding.writeVarUint(encoder, 1);
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, 0);
  encoding.writeUint8(encoder, 0x80 | 4);
  encoding.writeVarUint(encoder, origin.client);
  encoding.writeVarUint(encoder, origin.clock);
  encoding.writeVarString(encoder, 'a');
}

function crafted(...items: readonly { client: number; origin: { client: number; clock: number } }[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, items.length);
  for (const { client, origin } of items) item(encoder, client, origin);
  encoding.writeVarUint(encoder, 0);
  return encoding.toUint8Array(encoder);
}

test('M10 text that refers to itself, or to each other in a circle, would wait for ever inside a document, so it is invalid', () => {
  const held = summarize(typed('zz', 9));
  expect(kindOf(held, crafted({ client: 1, origin: { client: 9, clock: 0 } }))).toBe('fresh');
  expect(kindOf(held, crafted({ client: 1, origin: { client: 1, clock: 0 } }))).toBe('invalid');
  expect(
    kindOf(
      held,
      crafted({ client: 1, origin: { client: 2, clock: 0 } }, { client: 2, origin: { client: 1, clock: 0 } }),
    ),
  ).toBe('invalid');
  expect(
    kindOf(
      held,
      crafted({ client: 1, origin: { client: 2, clock: 0 } }, { client: 2, origin: { client: 9, clock: 1 } }),
    ),
  ).toBe('fresh');
  expect(
    kindOf(
      held,
      crafted({ client: 2, origin: { client: 9, clock: 1 } }, { client: 1, origin: { client: 2, clock: 0 } }),
    ),
  ).toBe('fresh');
  expect(
    kindOf(
      held,
      crafted({ client: 1, origin: { client: 9, clock: 0 } }, { client: 1, origin: { client: 9, clock: 1 } }),
    ),
  ).toBe('invalid');
});

function typed(text: string, clientID: number): Uint8Array {
  const doc = Object.assign(new Y.Doc(), { clientID });
  doc.getText('content').insert(0, text);
  return Y.encodeStateAsUpdate(doc);
}

test('a deletion of nothing is invalid: Yjs throws at it when it lies beyond what is held', () => {
  expect(kindOf(summarize(typed('abc', 1)), Uint8Array.of(0, 1, 1, 1, 1, 0))).toBe('invalid');
  expect(kindOf(summarize(typed('abc', 1)), Uint8Array.of(0, 1, 1, 1, 1, 1))).toBe('fresh');
});

test('an update that claims what is held already says so, for its caller to compare', () => {
  const held = summarize(typed('abc', 1));
  expect(inspectUpdate(held, typed('xyz', 1))).toMatchObject({ kind: 'known', overlap: true });
  expect(inspectUpdate(held, typed('xyzw', 1))).toMatchObject({ kind: 'fresh', overlap: true });
  expect(inspectUpdate(held, typed('xyz', 2))).toMatchObject({ kind: 'fresh', overlap: false });
  expect(inspectUpdate(held, Uint8Array.of(0, 0))).toMatchObject({ kind: 'known', overlap: false });
});

test('R16 whatever bytes come: no throw, and what is accepted goes into Yjs whole', () => {
  const { numRuns, seed } = trials('updates of random and mutated bytes', 10_000);
  const next = chance(seed);
  const upTo = (end: number) => Math.floor(next() * end);
  const doc = docOf(
    history(
      Array.from({ length: 12 }, (_, i) => ({
        by: i % 3,
        at: upTo(50),
        remove: i % 4 === 3 ? 2 : 0,
        insert: `w${i}`,
        hears: true,
      })),
    ),
  );
  const base = Y.encodeStateAsUpdate(doc);
  const held = summarize(base);
  const map = new Y.Doc();
  map.getMap('other').set('nested', new Y.Array());
  map.getText('content').insert(0, 'bold', { bold: true });
  doc.getText('content').insert(3, 'new');
  const sources = [
    base,
    Y.encodeStateAsUpdate(doc),
    Y.encodeStateAsUpdate(doc, encodeStateVector(held.clocks)),
    Y.encodeStateAsUpdate(map),
  ];
  const kinds = { fresh: 0, known: 0, gap: 0, invalid: 0 };
  for (let run = 0; run < numRuns; run++) {
    const source = sources[run % (sources.length + 1)];
    const bytes =
      source === undefined
        ? Uint8Array.from({ length: upTo(40) }, () => upTo(256))
        : source.slice(0, upTo(8) === 0 ? upTo(source.length) : source.length);
    for (let change = upTo(4); source !== undefined && change > 0 && bytes.length > 0; change--)
      bytes[upTo(bytes.length)] = upTo(256);
    const summary = upTo(2) === 0 ? emptySummary() : decodeSummary(encodeSummary(held));
    const replica = new Y.Doc();
    if (summary.clocks.size > 0) Y.applyUpdate(replica, base);
    const found = inspectUpdate(summary, bytes);
    kinds[found.kind]++;
    if (found.kind !== 'fresh' || found.overlap) continue;
    try {
      Y.applyUpdate(replica, bytes);
    } catch (cause) {
      throw new Error(`accepted, but Yjs throws: ${Buffer.from(bytes).toString('hex')}`, { cause });
    }
    absorb(summary, found);
    if (replica.store.pendingStructs !== null || replica.store.pendingDs !== null)
      throw new Error(`accepted, but it waits inside: ${Buffer.from(bytes).toString('hex')}`);
    expect(Y.decodeStateVector(Y.encodeStateVector(replica)), Buffer.from(bytes).toString('hex')).toEqual(
      summary.clocks,
    );
  }
  console.log(`  of them ${JSON.stringify(kinds)}`);
  expect(Math.min(...Object.values(kinds))).toBeGreaterThan(numRuns / 100);
});

test('a replica is as far as another when it is as far for every client', () => {
  expect(reaches(new Map([[1, 5]]), new Map([[1, 5]]))).toBe(true);
  expect(reaches(new Map([[1, 5]]), new Map([[1, 6]]))).toBe(false);
  expect(reaches(new Map([[1, 5]]), new Map([[2, 1]]))).toBe(false);
  expect(reaches(new Map(), new Map())).toBe(true);
});

test('a summary includes what was absorbed, and nothing that goes further', () => {
  const summary = emptySummary();
  absorb(summary, { clocks: [[1, 5]], deleted: [[1, [{ from: 1, to: 3 }]]] });
  const has = (clock: number, from: number, to: number): boolean =>
    includes(summary, { clocks: [[1, clock]], deleted: [[1, [{ from, to }]]] });
  expect([has(5, 1, 3), has(4, 2, 3), has(6, 1, 3), has(5, 0, 3), has(5, 2, 4)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(includes(summary, { clocks: [[2, 1]], deleted: [] })).toBe(false);
  expect(includes(summary, { clocks: [], deleted: [[2, [{ from: 0, to: 1 }]]] })).toBe(false);
});
