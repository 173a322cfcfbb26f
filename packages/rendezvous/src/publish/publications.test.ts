/** Names of people, and what is public under them. */
import { newId, type ProjectId, type UserId } from '@markco/protocol';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createPublications } from './publications.ts';

const ids = { now: Date.now, randomBytes };
const at = '2026-11-22T10:00:00.000Z';

function start() {
  const disk = createSimulatedDisk();
  const log = { write: (batch: Parameters<typeof disk.store.write>[0]) => disk.store.write(batch, { sync: true }) };
  const publications = createPublications({ store: disk.store, log });
  const put = (userId: UserId, userName: string | undefined, name = 'notes', allow: readonly string[] = []) =>
    publications.put(
      { projectId: projectOf(userId, name), userId, name, update: 'saved', since: at, publishedAt: at },
      { userName, allow },
      null,
    );
  return { disk, publications, put };
}
const projects = new Map<string, ProjectId>();
function projectOf(userId: UserId, name: string): ProjectId {
  const known = projects.get(userId + name) ?? newId<ProjectId>(ids);
  projects.set(userId + name, known);
  return known;
}
const [ada, bob] = [newId<UserId>(ids), newId<UserId>(ids)];

test('of two who want one name at once one has it, and it is nobody else’s after it was given up', async () => {
  const { publications, put } = start();
  const [first, second] = await Promise.allSettled([put(ada, 'ada'), put(bob, 'ada')]);
  expect(first).toMatchObject({ status: 'fulfilled', value: { userName: 'ada' } });
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } });
  const made = await publications.of(projectOf(ada, 'notes'));
  if (made !== undefined) await publications.remove(made);
  expect([await publications.at('ada', 'notes'), await publications.of(projectOf(ada, 'notes'))]).toEqual([
    undefined,
    undefined,
  ]);
  await expect(put(bob, 'ada')).rejects.toMatchObject({ code: 'conflict' });
  await expect(put(bob, undefined)).rejects.toMatchObject({ code: 'bad_request' });
  await expect(put(ada, 'other')).rejects.toMatchObject({ code: 'conflict' });
  expect(await put(ada, undefined)).toMatchObject({ userName: 'ada' });
  expect(await publications.nameOf(bob)).toBeUndefined();
});

test('what was allowed stays so, and a refused write changes nothing', async () => {
  const { disk, publications, put } = start();
  await put(ada, 'ada', 'notes', ['a']);
  expect(await put(ada, undefined, 'notes', ['b', 'a'])).toMatchObject({ allowed: ['a', 'b'] });
  expect(await put(ada, undefined, 'other')).toMatchObject({ allowed: [] });
  disk.fail = () => {
    throw new Error('full');
  };
  await expect(put(bob, 'bob')).rejects.toThrow('full');
  disk.fail = undefined;
  expect(await publications.nameOf(bob)).toBeUndefined();
  expect(await put(bob, 'bob')).toMatchObject({ userName: 'bob' });
});
