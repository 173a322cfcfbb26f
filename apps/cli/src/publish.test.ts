/** What `markco publish` asks of the device, and what it says of the answer. */
import { expect } from 'vitest';
import { test } from './desk.fixture.ts';

const id = '019a8f3c-0002-7000-8000-000000000000';
const at = '2026-11-12T14:02:00.000Z';
const project = {
  ...{ id, userId: '019a8f3c-0003-7000-8000-000000000000', slug: 'notes', displayName: 'Notes', configPath: 'mrmd.md' },
  ...{ source: 'opened-local', syncMode: 'active', visibility: 'private', createdAt: at, updatedAt: at },
};
const route = `/api/projects/${id}/publication`;
const found = {
  ...{ state: 'public', url: 'https://cloud.example.com/@ada/notes', userName: 'ada', name: 'notes', update: 'saved' },
  ...{ since: at, publishedAt: at, pages: 2 },
  held: [{ path: 'ke\u001b[31mys', line: 8, kind: 'a GitHub token', id: '0123456789abcdef' }],
  leftOut: [{ path: 'private', why: 'it says `publish: false`' }],
};

test('publish says where it is, what is not public and what is kept back', async ({ desk }) => {
  await desk.device();
  desk.answers.set('POST /api/projects/open-local', project);
  desk.answers.set(`PUT ${route}`, found);
  const { code, out, err } = await desk.markco(
    'publish',
    '.',
    '--as',
    'ada',
    '--when-asked',
    '--allow',
    'a'.repeat(16),
  );
  expect([code, out]).toEqual([0, 'https://cloud.example.com/@ada/notes\n']);
  expect(err.split('\n')).toEqual([
    '2 pages are public; what you save is public within seconds. Take it back with: markco publish . --off',
    'Not public: private (it says `publish: false`)',
    'Kept back: ke?[31mys, line 8 looks like a GitHub token. Remove it, or show it anyway: markco publish . --allow 0123456789abcdef',
    '',
  ]);
  expect(desk.asked.at(-1)).toMatchObject({ body: { userName: 'ada', update: 'asked', allow: ['a'.repeat(16)] } });
  expect(JSON.parse((await desk.markco('publish', '--json')).out)).toEqual(found);
  expect(desk.asked.at(-1)?.body).toEqual({});
  expect((await desk.markco('publish', '--when-asked', '--when-saved')).code).toBe(2);
});

test('publish --off says that nothing is public any more, and a refusal is told', async ({ desk }) => {
  await desk.device();
  desk.answers.set('POST /api/projects/open-local', project);
  desk.answers.set(`DELETE ${route}`, {});
  expect(await desk.markco('publish', '--off')).toMatchObject({
    ...{ code: 0, err: 'Nothing of Notes is public any more.\n' },
  });
  expect(await desk.markco('publish')).toMatchObject({ code: 1, out: '' });
});
