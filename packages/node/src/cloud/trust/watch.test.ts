import { newId, type DeviceId, type DocumentId, type IdSource, type ProjectId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import * as Y from 'yjs';
import { DELETIONS_MAX } from './deletions.ts';
import { SETTLE_MS } from './held-to-its-words.ts';
import { createCloudWatch } from './watch.ts';

let count = 0;
const ids: IdSource = { now: () => 0, randomBytes: (length) => new Uint8Array(length).fill(++count) };
const [page, other] = [newId<DocumentId>(ids), newId<DocumentId>(ids)];
const project = newId<ProjectId>(ids);
const [cloud, desk] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
const WRITER = 4_000_000_000;

function make(documents = 40) {
  const told: string[] = [];
  const changes: string[] = [];
  const clock = { now: 1_000_000 };
  const watch = createCloudWatch({
    ...{ now: () => clock.now, cloud: () => cloud, count: () => documents, isHere: () => true },
    pathOf: (id) => (id === page ? 'page' : 'other'),
    nameOf: (device) => (device === desk ? 'desk' : undefined),
    onDoubt: (doubt) => told.push(doubt.split(' ')[0] ?? ''),
    onChange: (what) => changes.push(what),
  });
  return { ...watch, clock, told, changes, says: () => watch.doubts().map(({ message }) => message) };
}
const test = base.extend<{ made: ReturnType<typeof make> }>({ made: async ({}, use) => use(make()) });
const clocks = (clock: number): ReadonlyMap<number, number> => new Map([[WRITER, clock]]);

test('a cloud that shows less than it had said is saved is told of, once, and not before its processes could have heard', ({
  made,
}) => {
  made.witness.has(page, clocks(5));
  made.clock.now += SETTLE_MS - 1;
  made.witness.shows(page, clocks(4));
  expect(made.told).toEqual([]);
  made.clock.now += 1;
  made.witness.shows(page, clocks(5));
  expect(made.told).toEqual([]);
  made.witness.shows(page, clocks(4));
  made.witness.shows(page, clocks(4));
  expect(made.told).toEqual(['went-back']);
  expect(made.says()).toEqual([expect.stringContaining('It lacks edits of page that it had said were saved')]);
  made.clear();
  expect(made.says()).toEqual([]);
});

test('while somebody writes on, what it said before counts; and so it does when it is joined again', ({ made }) => {
  for (let clock = 1; clock <= 20; clock++) {
    made.witness.has(page, clocks(clock));
    made.clock.now += SETTLE_MS / 4;
  }
  made.witness.shows(page, clocks(17));
  expect(made.told).toEqual([]);
  made.witness.shows(page, clocks(12));
  expect(made.told).toEqual(['went-back']);
  made.witness.has(page, clocks(21));
  made.clock.now += SETTLE_MS;
  // Said again, it is as old as before.
  made.witness.has(page, clocks(21));
  made.settled();
  expect(made.says()).toEqual([]);
  made.witness.shows(page, clocks(20));
  expect(made.told).toEqual(['went-back', 'went-back']);
});

test('what it showed here is held against what it said to another device, whichever is heard first', ({ made }) => {
  const heard: unknown[] = [];
  const open = made.testimony.open(
    desk,
    (message) => heard.push(message),
    () => undefined,
  );
  const said = (of: DeviceId, id: DocumentId, agoMs: number) =>
    open.receive({ op: 'kept', cloud: of, documents: [[id, vectorOf(5), agoMs]] });
  made.witness.shows(page, clocks(4));
  said(newId(ids), page, SETTLE_MS);
  said(cloud, page, SETTLE_MS - 1);
  expect(made.told).toEqual([]);
  said(cloud, page, SETTLE_MS);
  said(cloud, other, SETTLE_MS);
  made.witness.shows(other, clocks(4));
  expect(made.told).toEqual(['two-faces', 'two-faces']);
  expect(made.says()).toEqual([expect.stringContaining('page and 1 more than it had told desk was saved')]);
  made.witness.has(page, clocks(6));
  const later: unknown[] = [];
  made.testimony.open(
    desk,
    (message) => later.push(message),
    () => undefined,
  );
  expect([heard, later]).toEqual([[], [{ op: 'kept', cloud, documents: [[page, vectorOf(6), 0]] }]]);
});

test('text of one document in another is told of, but not the small ids that programs begin with', ({ made }) => {
  const doc = new Y.Doc();
  for (const client of [WRITER, 1]) {
    doc.clientID = client;
    doc.getText('content').insert(0, 'words');
  }
  made.witness.has(page, new Map([[1, 5]]));
  made.witness.brings(other, Y.encodeStateAsUpdate(doc));
  made.witness.brings(other, Uint8Array.of(9, 9, 9));
  expect(made.told).toEqual([]);
  made.witness.has(page, clocks(5));
  made.witness.brings(page, Y.encodeStateAsUpdate(doc));
  made.witness.brings(other, Y.encodeStateAsUpdate(doc));
  expect(made.says()).toEqual([expect.stringContaining('It put text of page into other')]);
});

test('a few deletions are taken, more at once are not, until an hour is over; at the bound and one beyond it', ({
  made,
}) => {
  const rows = (many: number) =>
    Array.from({ length: many }, () => ({
      ...{ id: newId<DocumentId>(ids), path: 'note', ext: '.md' as const, createdAt: '', deletedAt: '' },
      named: { at: 1, by: cloud },
    }));
  expect(made.admit(project, rows(DELETIONS_MAX))).toHaveLength(DELETIONS_MAX);
  expect(made.admit(project, rows(1))).toHaveLength(0);
  expect(made.told).toEqual(['deletions']);
  made.clock.now += 3_600_001;
  expect(made.admit(project, rows(1))).toHaveLength(1);
  expect(make(100).admit(project, rows(25))).toHaveLength(25);
  expect(make(100).admit(project, rows(26))).toHaveLength(0);
});

test('a name from the far future is not taken, since it would count for ever', ({ made }) => {
  const row = (at: number) => ({
    ...{ id: page, path: 'page', ext: '.md' as const, createdAt: '' },
    named: { at, by: cloud },
  });
  const most = made.clock.now + 365 * 86_400_000;
  expect(made.admit(project, [row(most), row(most + 1)])).toEqual([row(most)]);
  expect(made.told).toEqual(['from']);
});

test('a doubt and what it said last are known again after a start, and it is found out that it went back meanwhile', ({
  made,
}) => {
  made.witness.has(page, clocks(5));
  made.witness.has(other, clocks(3));
  made.clock.now += SETTLE_MS;
  made.witness.shows(page, clocks(4));
  expect([made.told, made.changes.at(-1)]).toEqual([['went-back'], 'doubts']);
  const kept = made.remembered();
  const later = make();
  later.clock.now = made.clock.now + 1;
  later.remember(kept);
  expect(later.says()).toEqual(made.says());
  later.witness.shows(other, clocks(2));
  expect(later.says()).toEqual([expect.stringContaining('edits of page and 1 more')]);
  later.settled();
  expect([later.says(), later.changes.at(-1)]).toEqual([[], 'doubts']);
});

function vectorOf(clock: number): string {
  const doc = new Y.Doc();
  doc.clientID = WRITER;
  doc.getText('content').insert(0, 'x'.repeat(clock));
  return Buffer.from(Y.encodeStateVector(doc)).toString('base64');
}
