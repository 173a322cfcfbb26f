/** What `markco share` and `markco shares` ask of the device, and what they say of the answer. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from './desk.fixture.ts';

const id = '019a8f3c-0002-7000-8000-000000000000';
const page = '019a8f3c-0005-7000-8000-000000000000';
const at = '2026-11-12T14:02:00.000Z';
const project = {
  ...{ id, userId: '019a8f3c-0003-7000-8000-000000000000', slug: 'notes', displayName: 'Notes', configPath: 'mrmd.md' },
  ...{ source: 'opened-local', syncMode: 'active', visibility: 'private', createdAt: at, updatedAt: at },
};
const document = {
  ...{ id: page, projectId: id, path: 'plan', ext: '.md', createdAt: at, updatedAt: at, sizeBytes: 7 },
};
const share = {
  ...{ id: '019a8f3c-0007-7000-8000-000000000000', role: 'edit', projectId: id, project: 'No\u001b[31mtes' },
  ...{ documentId: page, path: 'plan', createdAt: at, guests: 2 },
};
const url = 'https://cloud.example.com/join/secret';

test('share makes a link to a page for so long, and to a project, and says what it is for', async ({ desk }) => {
  await desk.device();
  const folder = join(desk.home, 'notes');
  await mkdir(folder);
  await writeFile(join(folder, 'plan.md'), '# Plan\n');
  desk.answers.set('GET /api/projects', { projects: [{ ...project, localRootPath: folder }] });
  desk.answers.set(`GET /api/projects/${id}/documents`, { documents: [document] });
  desk.answers.set(`POST /api/projects/${id}/shares`, { share, url });
  const made = await desk.markco('share', join(folder, 'plan.md'), '--edit', '--expires', '7d');
  expect([made.code, made.out]).toEqual([0, `${url}\n`]);
  expect(made.err).toBe(
    `Whoever has this link reads and writes plan. The link is not shown again; end it with: markco share --revoke ${share.id}\n`,
  );
  expect(desk.asked.at(-1)?.body).toEqual({ role: 'edit', documentId: page, lastsMs: 7 * 24 * 3_600_000 });
  expect(JSON.parse((await desk.markco('share', folder, '--view', '--json')).out)).toEqual({ share, url });
  expect(desk.asked.at(-1)?.body).toEqual({ role: 'view' });
});

test('share of a page that is not there says that, and of a name that is none, how a page is named', async ({
  desk,
}) => {
  await desk.device();
  const folder = join(desk.home, 'notes');
  await mkdir(folder);
  await writeFile(join(folder, 'plan.md'), '# Plan\n');
  desk.answers.set('GET /api/projects', { projects: [{ ...project, localRootPath: folder }] });
  const said = async (path: string): Promise<string> => {
    const { code, out, err } = await desk.markco('share', path, '--view');
    expect([code, out]).toEqual([1, '']);
    return err;
  };
  expect(await said('nope.md')).toMatch(/There is no file nope\.md\. Check the path; markco docs lists/);
  expect(await said('nope')).toMatch(
    /No project is called "nope".*A page is named by its file, as in notes\/plan\.md\./s,
  );
  expect(await said(join(folder, 'plan'))).toContain(`If you mean the page: markco share ${join(folder, 'plan.md')}`);
  expect(desk.asked.filter(({ request }) => request.startsWith('POST'))).toEqual([]);
});

test('share that says too little, too much or no time asks nothing', async ({ desk }) => {
  await desk.device();
  for (const words of [
    ['x'],
    ['x', '--view', '--edit'],
    ['x', '--view', '--expires', '7'],
    ['x', '--view', '--expires', '0d'],
    ['x', '--view', '--expires', '53w'],
    ['x', '--revoke', share.id],
    ['--view', '--revoke', share.id],
  ])
    expect([words, (await desk.markco('share', ...words)).code]).toEqual([words, 2]);
  expect(desk.asked).toEqual([]);
});

test('shares lists the links, and share --revoke ends one by the beginning of its id', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/shares', { shares: [] });
  expect(await desk.markco('shares')).toMatchObject({
    ...{ code: 0, out: '', err: 'There are no links. Make one with: markco share PATH --view\n' },
  });
  desk.answers.set('GET /api/shares', { shares: [share, { ...share, id: id, documentId: undefined, endsAt: at }] });
  const { out } = await desk.markco('shares');
  expect(out).toMatch(/edit +No\?\[31mtes +plan +2 +when revoked/);
  expect(out).toMatch(/edit +No\?\[31mtes +all +2 +\S/);
  desk.answers.set(`DELETE /api/shares/${share.id}`, {});
  expect(await desk.markco('share', '--revoke', share.id.slice(0, 13))).toMatchObject({
    ...{ code: 0, err: 'The link is revoked. Whoever was there by it is cut off.\n' },
  });
  expect(await desk.markco('share', '--revoke', 'nothing')).toMatchObject({ code: 1, out: '' });
});
