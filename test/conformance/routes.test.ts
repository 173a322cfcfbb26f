/** The routes of the contract, asked of a running device: what they answer. `refusals.test.ts` has what they refuse. */
import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId, type Document, type Project, type ProjectId, type Run, type RuntimeSession } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { conforms, isError } from './answers.fixture.ts';
import { eventually, ids, newRunId, startDevice, type Answer } from './device.fixture.ts';

const device = await startDevice({
  files: {
    'page.md': '---\ntitle: The Page\n---\n\nHello [other](notes/other.md).\n',
    'notes/other.md': '# Other\n\nBack to [page](../page.md).\n',
    'notes/02-plain-name.md': 'No heading here.\n',
    'cells.md': '```python\n1 + 1\n```\n',
  },
});
afterAll(() => device[Symbol.asyncDispose]());

const project = `/api/projects/${device.project.id}`;
const stranger = newId<ProjectId>(ids);

async function finished(run: Run): Promise<Run> {
  return eventually(async () => {
    const now = await device.get<Run>(`/api/runs/${run.id}`);
    return now.completedAt === undefined ? undefined : now;
  }, `the end of ${run.id}`);
}

test('HTTP-3 a cookie stands for the token after POST /api/session', async () => {
  const answer = await device.ask('/api/session', { method: 'POST' });
  conforms('signIn', answer);
  const cookie = answer.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^session_token=\S+; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/);
  const [pair = ''] = cookie.split(';');
  conforms('projects', await device.ask('/api/projects', { token: null, headers: { cookie: `theme=dark; ${pair}` } }));
  isError(await device.ask('/api/projects', { token: null, headers: { cookie: `${pair}x` } }), 401, 'unauthorized');
  isError(await device.ask('/api/projects', { token: 'wrong', headers: { cookie: pair } }), 401, 'unauthorized');
});

test('the device says what it is, how it does and what it can run', async () => {
  conforms('stats', await device.ask('/stats'));
  conforms('device', await device.ask('/api/device'));
  const devices = await device.ask('/api/devices');
  conforms('devices', devices);
  const {
    devices: [own],
  } = devices.json as { devices: { id: string; capability: object }[] };
  conforms('heartbeat', await device.ask('/api/devices/heartbeat', { body: own?.capability }));
  isError(
    await device.ask('/api/devices/heartbeat', { body: { ...own?.capability, deviceId: stranger } }),
    404,
    'not_found',
  );
  const metrics = await device.ask('/metrics');
  expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
});

test('POLICY-1 what the owner lets others do is set as a whole, and other devices are told it', async () => {
  const careful = {
    allowRemoteExecution: true,
    allowHeavyJobs: false,
    allowWhenOnBattery: false,
    maxConcurrentRuns: 2,
  };
  const told = async () => {
    const { devices } = await device.get<{ devices: { capability: { policy: object } }[] }>('/api/devices');
    return devices[0]?.capability.policy;
  };
  const before = await device.ask('/api/device/policy');
  conforms('devicePolicy', before);
  expect(before.json).toEqual({ policy: await told() });
  const set = await device.ask('/api/device/policy', { method: 'PUT', body: careful });
  conforms('setDevicePolicy', set);
  expect([set.json, await told()]).toEqual([{ policy: careful }, careful]);
  expect((await device.ask('/api/device/policy')).json).toEqual({ policy: careful });
  expect((await stat(join(device.home, 'device-policy.json'))).mode & 0o777).toBe(0o600);
});

test('POLICY-2 a policy that cannot be read lets no other device run anything, and the device says so', async () => {
  const file = join(device.home, 'device-policy.json');
  await writeFile(file, '{"allowRemoteExecution":');
  const closed = await device.ask('/api/device/policy');
  conforms('devicePolicy', closed);
  expect(closed.json).toMatchObject({
    policy: { allowRemoteExecution: false },
    problem: expect.stringContaining('device-policy.json is no JSON'),
  });
  await eventually(() => device.log().includes('device.policy-unreadable'), 'the line in the log');
  const { policy } = closed.json as { policy: object };
  const mended = { ...policy, allowRemoteExecution: true };
  expect((await device.ask('/api/device/policy', { method: 'PUT', body: mended })).json).toEqual({ policy: mended });
});

test('a folder is one project, however it is named and however often it is opened', async () => {
  const folder = join(device.root, 'Été & more');
  await mkdir(folder);
  await writeFile(join(folder, 'a.md'), 'text\n');
  await symlink(folder, join(device.root, 'link'));
  const opened = await Promise.all(
    [folder, `${folder}/`, join(device.root, 'link'), `${folder}/../${'Été & more'}`].map((localPath) =>
      device.ask('/api/projects/open-local', { body: { localPath } }),
    ),
  );
  const again = await device.ask('/api/projects/open-local', { body: { localPath: join(device.root, 'link') } });
  conforms('openLocal', again, 200);
  expect(opened.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 201]);
  const first = again.json as Project;
  expect(first).toMatchObject({
    slug: 'ete-more',
    displayName: 'Été & more',
    source: 'opened-local',
    localRootPath: folder,
  });
  for (const { json } of opened) expect(json).toMatchObject({ id: first.id, slug: first.slug });
  // Indexed before it answers, and nothing was written into the folder.
  const documents = await device.get<{ documents: Document[] }>(`/api/projects/${first.id}/documents`);
  expect(documents.documents.map(({ path }) => path)).toEqual(['a']);
  expect(await readdir(folder)).toEqual(['a.md']);
  conforms('closeProject', await device.ask(`/api/projects/${first.id}`, { method: 'DELETE' }));
  isError(await device.ask(`/api/projects/${first.id}/documents`), 404, 'not_found');
  const back = await device.ask('/api/projects/open-local', { body: { localPath: folder } });
  expect(back.json).toMatchObject({ id: first.id });
  await device.ask(`/api/projects/${first.id}`, { method: 'DELETE' });
});

test('a folder in an open project, or around one, is no project beside it, by whatever link and however close together', async () => {
  const outer = join(device.root, 'outer');
  const inner = join(outer, 'deep', 'inner');
  const hidden = join(outer, '.hidden');
  for (const folder of [inner, hidden, join(device.root, 'outer-too')]) await mkdir(folder, { recursive: true });
  await symlink(inner, join(device.root, 'link-to-inner'));
  const open = (localPath: string): Promise<Answer> => device.ask('/api/projects/open-local', { body: { localPath } });
  const close = ({ json }: Answer) => device.ask(`/api/projects/${(json as Project).id}`, { method: 'DELETE' });

  const around = await open(outer);
  for (const path of [inner, join(device.root, 'link-to-inner'), join(outer, 'deep')])
    isError(await open(path), 409, 'conflict');
  expect((await open(inner)).text).toContain(`the folder \\"deep/inner\\" of the open project \\"outer\\" (${outer})`);
  // What the project does not look at can be one of its own, and so can a neighbor whose name begins alike.
  for (const path of [hidden, join(device.root, 'outer-too')]) {
    const apart = await open(path);
    expect(apart.status).toBe(201);
    await close(apart);
  }
  await close(around);

  const inside = await open(inner);
  isError(await open(outer), 409, 'conflict');
  await close(inside);
  const both = await Promise.all([open(outer), open(inner), open(join(outer, 'deep'))]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  for (const answer of both) if (answer.status === 201) await close(answer);
  expect((await device.get<{ projects: Project[] }>('/api/projects')).projects).toHaveLength(1);
});

test('projects with the same name have slugs of their own, also when they are opened at once', async () => {
  const folders = ['x/notes', 'y/notes', 'z/Notes'].map((path) => join(device.root, path));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const opened = await Promise.all(
    folders.map((localPath) => device.get<Project>('/api/projects/open-local', { body: { localPath } })),
  );
  expect(new Set([...opened, device.project].map(({ slug }) => slug)).size).toBe(4);
  for (const { id } of opened) await device.ask(`/api/projects/${id}`, { method: 'DELETE' });
});

test('the documents of a project, by project, by user and by slug, with the titles that readers see', async () => {
  const byProject = await device.ask(`${project}/documents`);
  conforms('documents', byProject);
  const { documents } = byProject.json as { documents: Document[] };
  expect(Object.fromEntries(documents.map(({ path, title }) => [path, title]))).toEqual({
    page: 'The Page',
    'notes/other': 'Other',
    'notes/02-plain-name': 'Plain name',
    cells: 'Cells',
  });
  for (const document of documents) expect(document).not.toHaveProperty('yjsState');
  for (const path of [`/api/documents/${device.userId}`, `/api/documents/${device.userId}/${device.project.slug}`]) {
    const answer = await device.ask(path);
    conforms('documentsOfUserProject', answer);
    expect(answer.json).toEqual(byProject.json);
  }
  conforms('document', await device.ask(`${project}/documents/${documents[0]?.id}`));
});

test.for([
  ['endings of Windows and no final newline', '\uFEFFone\r\ntwo\r\nthree', 0o600],
  ['mixed endings, and a mode', 'one\r\ntwo\n\nthree\r\n\r\n', 0o755],
  ['nothing special', 'one\ntwo\n', 0o644],
] as const)('a document that was deleted comes back with its file byte for byte: %s', async ([, bytes, mode]) => {
  const file = join(device.folder, 'back.md');
  await writeFile(file, bytes);
  await chmod(file, mode);
  const { id } = await eventually(() => device.document('back').catch(() => undefined), 'the document to be listed');
  expect((await device.ask(`${project}/documents/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect(await readdir(device.folder)).not.toContain('back.md');
  const back = await device.get<Document>(`${project}/documents/${id}/undelete`, { method: 'POST' });
  expect(back.id).not.toBe(id);
  expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).toEqual([bytes, mode]);
  await device.ask(`${project}/documents/${back.id}`, { method: 'DELETE' });
});

test('a document is made, moved with the links to it, moved back to the same bytes, deleted and brought back', async () => {
  const before = Object.fromEntries(
    await Promise.all(
      ['page.md', 'notes/other.md'].map(
        async (path) => [path, await readFile(join(device.folder, path), 'utf8')] as const,
      ),
    ),
  );
  const { id } = await device.document('notes/other');
  const moved = await device.ask(`${project}/documents/${id}/move`, { body: { path: 'deep/er/renamed' } });
  conforms('moveDocument', moved);
  expect(moved.json).toMatchObject({ document: { id, path: 'deep/er/renamed', ext: '.md' }, updatedLinks: 2 });
  await eventually(
    async () => (await readFile(join(device.folder, 'page.md'), 'utf8')).includes('(deep/er/renamed.md)'),
    'the link in page.md',
  );
  await eventually(
    async () => (await readFile(join(device.folder, 'deep/er/renamed.md'), 'utf8')).includes('(../../page.md)'),
    'the link in the moved document',
  );
  conforms('moveDocument', await device.ask(`${project}/documents/${id}/move`, { body: { path: 'notes/other' } }));
  for (const [path, text] of Object.entries(before))
    await eventually(async () => (await readFile(join(device.folder, path), 'utf8')) === text, `${path} as before`);

  const made = await device.ask(`${project}/documents`, { body: { path: 'made', text: 'Made here.\n' } });
  conforms('createDocument', made);
  const document = made.json as Document;
  expect(await readFile(join(device.folder, 'made.md'), 'utf8')).toBe('Made here.\n');
  isError(await device.ask(`${project}/documents`, { body: { path: 'made' } }), 409, 'conflict');
  isError(await device.ask(`${project}/documents/${id}/move`, { body: { path: 'made' } }), 409, 'conflict');

  // Never opened, and deleted: its text is kept all the same.
  const own = `${project}/documents/${document.id}`;
  conforms('deleteDocument', await device.ask(own, { method: 'DELETE' }));
  await expect(stat(join(device.folder, 'made.md'))).rejects.toThrow('ENOENT');
  isError(await device.ask(own), 410, 'document_deleted');
  isError(await device.ask(own, { method: 'DELETE' }), 410, 'document_deleted');
  const undeleted = await device.ask(`${own}/undelete`, { method: 'POST' });
  conforms('undeleteDocument', undeleted);
  expect(await readFile(join(device.folder, 'made.md'), 'utf8')).toBe('Made here.\n');
  isError(await device.ask(`${own}/undelete`, { method: 'POST' }), 409, 'conflict');
  conforms(
    'deleteDocument',
    await device.ask(`${project}/documents/${(undeleted.json as Document).id}`, { method: 'DELETE' }),
  );
});

test('the history of a document can be read at any moment and restored as a new edit', async () => {
  const made = await device.get<Document>(`${project}/documents`, { body: { path: 'past', text: 'one\n' } });
  const own = `${project}/documents/${made.id}`;
  conforms('history', await device.ask(`${own}/history`));
  await writeFile(join(device.folder, 'past.md'), 'two\n');
  const later = await eventually(async () => {
    const history = await device.get<{ seq: number }>(`${own}/history`);
    return history.seq > 1 ? history : undefined;
  }, 'the edit in the history');
  const first = await device.ask(`${own}/history/1`);
  conforms('historyAt', first);
  expect(first.json).toMatchObject({ seq: 1, text: 'one\n' });
  conforms('historyRestore', await device.ask(`${own}/history/1/restore`, { method: 'POST' }));
  await eventually(
    async () => (await readFile(join(device.folder, 'past.md'), 'utf8')) === 'one\n',
    'the restored text in the file',
  );
  expect(await device.get(`${own}/history/${later.seq}`)).toMatchObject({ text: 'two\n' });
  for (const seq of ['-1', '999', 'x', '1.5', '0x1', '1e0'])
    isError(await device.ask(`${own}/history/${seq}`), 404, 'not_found');
  await device.ask(own, { method: 'DELETE' });
});

test('HTTP-5 a session is made once for a project and a language, and a run once for its id', async () => {
  const ensured = await device.ask('/api/sessions/ensure', {
    body: { projectId: device.project.id, language: 'python' },
  });
  conforms('ensureSession', ensured);
  const session = ensured.json as RuntimeSession;
  expect(
    (
      await device.get<RuntimeSession>('/api/sessions/ensure', {
        body: { projectId: device.project.id, language: 'py' },
      })
    ).id,
  ).toBe(session.id);
  const listed = await device.ask('/api/sessions');
  conforms('sessions', listed);
  expect((listed.json as { sessions: RuntimeSession[] }).sessions).toHaveLength(1);

  const id = newRunId();
  const request = { id, sessionId: session.id, code: 'print("ran")\n6 * 7' };
  const answers = await Promise.all(Array.from({ length: 5 }, () => device.ask('/api/runs', { body: request })));
  for (const answer of answers) conforms('submitRun', answer);
  const run = await finished(answers[0]?.json as Run);
  conforms('run', await device.ask(`/api/runs/${id}`));
  expect(run).toMatchObject({
    id,
    state: 'completed',
    sessionId: session.id,
    routedTo: { hostType: 'device', reason: expect.any(String) },
    ranOn: expect.any(String),
  });
  expect((await device.get<Run>('/api/runs', { body: request })).state).toBe('completed');
  isError(await device.ask('/api/runs', { body: { ...request, code: 'other' } }), 409, 'conflict');
  const all = await device.ask(`/api/runs?projectId=${device.project.id}&state=completed&limit=10`);
  conforms('runs', all);
  expect((all.json as { runs: Run[] }).runs.filter((one) => one.id === id)).toHaveLength(1);
  expect((await device.get<{ runs: Run[] }>(`/api/runs?before=${id}`)).runs.map((one) => one.id)).not.toContain(id);
  expect((await device.ask(`/api/runs/${id}/cancel`, { method: 'POST' })).json).toMatchObject({ state: 'completed' });
  isError(await device.ask(`/api/runs/${id}/input`, { body: { text: 'late' } }), 409, 'conflict');
  conforms('runOutput', await device.ask(`/api/runs/${id}/output`));

  conforms('interruptSession', await device.ask(`/api/sessions/${session.id}/interrupt`, { method: 'POST' }));
  isError(await device.ask(`/api/sessions/${session.id}/migrate`, { body: { target: 'cloud' } }), 501, 'unsupported');
  conforms('deleteSession', await device.ask(`/api/sessions/${session.id}`, { method: 'DELETE' }));
  expect((await device.get<{ sessions: RuntimeSession[] }>('/api/sessions')).sessions).toEqual([]);
});

test('a run that waits is cancelled, one that asks is answered', async () => {
  const body = { projectId: device.project.id, language: 'python' };
  const asking = await device.get<Run>('/api/runs', { body: { ...body, code: 'input("who? ")' } });
  const waiting = await device.get<Run>('/api/runs', { body: { ...body, code: 'print("never")' } });
  const cancelled = await device.ask(`/api/runs/${waiting.id}/cancel`, { method: 'POST' });
  conforms('cancelRun', cancelled);
  expect(cancelled.json).toMatchObject({ state: 'cancelled' });
  isError(await device.ask(`/api/runs/${asking.id}/output`), 409, 'conflict');
  await eventually(
    async () => (await device.ask(`/api/runs/${asking.id}/input`, { body: { text: 'me' } })).status === 200,
    'the answer to be taken',
  );
  expect((await finished(asking)).state).toBe('completed');
});
