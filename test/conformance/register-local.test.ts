/** `POST /api/projects/register-local`: a program that keeps a folder of its own brings it to a device, or to a cloud. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId, type Document, type Project, type ProjectId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { startCloud } from './cloud.fixture.ts';
import { eventually, ids, startDevice } from './device.fixture.ts';

const contentHash = 'a'.repeat(64);
const asked = (id: ProjectId, ...files: readonly (readonly [path: string, ext: string])[]) => ({
  ...{ id, slug: 'plans', displayName: 'Plans' },
  documents: files.map(([path, ext]) => ({ path, ext, contentHash })),
});
type Place = { readonly origin: string; readonly token: string };

async function register(to: Place, body: unknown): Promise<{ status: number; json: Project }> {
  const answer = await fetch(`${to.origin}/api/projects/register-local`, {
    method: 'POST',
    headers: { authorization: `Bearer ${to.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, json: (await answer.json()) as Project };
}

async function listed({ origin, token }: Place, { userId, slug }: Project): Promise<readonly string[]> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${origin}/api/documents/${userId}/${slug}`, { headers });
  return ((await answer.json()) as { documents: Document[] }).documents.map(({ path, ext }) => path + ext).toSorted();
}

/** Registers, brings the text of one document with a stock client, registers again. */
async function bring(to: Place): Promise<Project> {
  const id = newId<ProjectId>(ids);
  const { status, json: project } = await register(to, asked(id, ['page', '.qmd'], ['sub/other', '.md']));
  expect([status, project]).toMatchObject([200, { id, slug: 'plans', displayName: 'Plans' }]);
  expect(await listed(to, project)).toEqual([]);
  const stock = new WebsocketProvider(
    `${to.origin.replace('http', 'ws')}/sync/${project.userId}/${project.slug}`,
    'page',
    new Y.Doc(),
    { params: { token: to.token }, disableBc: true },
  );
  try {
    await eventually(() => stock.synced, 'the document to be open');
    stock.doc.getText('content').insert(0, '# Page\n');
    // By the name that was registered, not as a new page.md.
    await eventually(async () => (await listed(to, project)).join() === 'page.qmd', 'the document to be listed');
  } finally {
    stock.destroy();
  }
  expect((await register(to, asked(id, ['page', '.qmd'], ['third', '.md']))).json).toEqual(project);
  expect(await listed(to, project)).toEqual(['page.qmd']);
  // Another project of the same name has another address; one with a bad name in it is none.
  const another = await register(to, asked(newId<ProjectId>(ids)));
  expect(another.json.slug).toBe('plans-2');
  const bad = await register(to, asked(newId<ProjectId>(ids), ['fine', '.md'], ['../outside', '.md']));
  expect([bad.status, bad.json]).toMatchObject([400, { error: { code: 'bad_request' } }]);
  return project;
}

test('a project is registered with a device: a folder of its own, and each document in it once its text has come', async () => {
  await using device = await startDevice({ files: {} });
  const before = await device.get<{ projects: Project[] }>('/api/projects');
  const project = await bring(device);
  const page = join(device.root, 'elsewhere', 'plans', 'page.qmd');
  await eventually(async () => (await readFile(page, 'utf8').catch(() => '')) === '# Page\n', 'the file');
  const { projects } = await device.get<{ projects: Project[] }>('/api/projects');
  expect(projects).toHaveLength(before.projects.length + 2);
  await device.kill();
  await device.start();
  expect(await listed(device, project)).toEqual(['page.qmd']);
});

test('a project is registered with a cloud, and is as it was when the cloud was killed', async () => {
  await using cloud = await startCloud();
  const project = await bring(cloud);
  await cloud.kill();
  await cloud.start();
  expect(await listed(cloud, project)).toEqual(['page.qmd']);
  expect((await register(cloud, asked(project.id))).json).toEqual(project);
});
