/** What is kept of one person does not exist for another one. */
import { newId, type DeviceId, type DocumentId, type Project, type ProjectId, type UserId } from '@markco/protocol';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { randomBytes } from 'node:crypto';
import { expect, test as base } from 'vitest';
import { openKept, type Kept } from './kept.ts';

const ids = { now: Date.now, randomBytes };
const [ada, bob] = [newId<UserId>(ids), newId<UserId>(ids)];
const device = newId<DeviceId>(ids);

const test = base.extend<{ kept: Kept; troubles: unknown[] }>({
  troubles: async ({}, use) => use([]),
  kept: async ({ troubles }, use) => {
    const { store } = createSimulatedDisk();
    const kept = await openKept({
      ...{ store, table: null, ids, self: newId<DeviceId>(ids) },
      onStorage: () => undefined,
      onTrouble: (doing, cause) => void troubles.push([doing, cause]),
    });
    await use(kept);
    await kept.close();
    expect(troubles).toEqual([]);
  },
});

const projectOf = (userId: UserId, slug: string): Project => ({
  ...{ id: newId<ProjectId>(ids), userId, slug, displayName: slug, configPath: 'mrmd.md', source: 'opened-local' },
  ...{
    syncMode: 'active',
    visibility: 'private',
    createdAt: new Date().toISOString(),
    updatedAt: new Date().toISOString(),
  },
});
const row = (path: string, at: number) => ({
  ...{ id: newId<DocumentId>(ids), path, ext: '.md' as const, createdAt: new Date().toISOString() },
  named: { at, by: device },
});

test('projects, their names and their documents are those of one person', async ({ kept }) => {
  const [hers, his] = [kept.of(ada), kept.of(bob)];
  const notes = await hers.keep(projectOf(ada, 'notes'));
  const other = await his.keep(projectOf(bob, 'notes'));
  expect([notes.slug, other.slug]).toEqual(['notes', 'notes']);
  const [one, two] = await Promise.all([hers.keep(projectOf(ada, 'notes')), hers.keep(projectOf(ada, 'notes'))]);
  expect(new Set([notes.slug, one.slug, two.slug]).size).toBe(3);
  expect(await hers.keep(notes)).toEqual(notes);
  await expect(his.keep(notes)).rejects.toMatchObject({ code: 'not_found' });
  expect(hers.list()).toHaveLength(3);
  expect(his.list()).toEqual([other]);
  expect(() => his.project(notes.id)).toThrow('There is no such project here');
  expect(hers.bySlug('notes')).toEqual(notes);

  const page = row('page', 1);
  await hers.takeRows(notes.id, [page]);
  expect(hers.refusal(page.id)).toBeUndefined();
  expect(his.refusal(page.id)).toMatchObject({ code: 'not_found' });
  expect(his.refusal(newId<DocumentId>(ids))).toMatchObject({ code: 'not_found' });
});

test('a project that claims to be of somebody else is kept for whoever brought it', async ({ kept }) => {
  const brought = await kept.of(bob).keep(projectOf(ada, 'hers'));
  expect(brought.userId).toBe(bob);
  expect(kept.of(ada).list()).toEqual([]);
});

test('names and deletions are taken over, and of two documents with one name both stay', async ({ kept }) => {
  const hers = kept.of(ada);
  const { id } = await hers.keep(projectOf(ada, 'notes'));
  const [first, second] = [row('page', 1), row('page', 2)];
  await hers.takeRows(id, [first]);
  await hers.takeRows(id, [second]);
  const paths = (): string[] => [...kept.catalog.list(id)].map(({ path }) => path).toSorted();
  expect(paths()).toEqual(['page', 'page 2']);
  expect(kept.catalog.get(first.id)?.path).toBe('page');
  await hers.takeRows(id, [{ ...first, path: 'moved', named: { at: 3, by: device } }]);
  expect(paths()).toEqual(['moved', 'page 2']);
  await hers.takeRows(id, [{ ...first, deletedAt: new Date().toISOString(), named: { at: 4, by: device } }]);
  expect(paths()).toEqual(['page 2']);
  expect(hers.refusal(first.id)).toMatchObject({ code: 'document_deleted' });
  await expect(hers.takeRows(id, [row('../out', 5)])).rejects.toMatchObject({ code: 'bad_request' });
});

test('a path that nothing has is a document once something is written there', async ({ kept }) => {
  const hers = kept.of(ada);
  const { id } = await hers.keep(projectOf(ada, 'notes'));
  const draft = hers.resolve(id, 'new/page');
  expect(hers.resolve(id, 'new/page')).toBe(draft);
  expect([...kept.catalog.list(id)]).toEqual([]);
  await kept.documents.edit(draft, 0, [{ author: 1, edits: [{ at: 0, remove: 0, insert: 'text' }] }], 'page');
  expect([...kept.catalog.list(id)].map(({ path }) => path)).toEqual(['new/page']);
  expect((await kept.documents.read(draft)).text).toBe('text');
});
