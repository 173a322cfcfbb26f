/** What the routes refuse, asked of a running device, and that a refusal leaves everything as it was. */
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ACCOUNT_ROUTES,
  GUEST_ROUTES,
  newId,
  ROUTES,
  type Project,
  type ProjectId,
  type Route,
} from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { conforms, isError } from './answers.fixture.ts';
import { ids, startDevice, type Ask } from './device.fixture.ts';

const device = await startDevice({ files: { 'page.md': 'Hello.\n' } });
afterAll(() => device[Symbol.asyncDispose]());

const project = `/api/projects/${device.project.id}`;
const stranger = newId<ProjectId>(ids);
const contentHash = 'a'.repeat(64);

/** Everything a bad request could have changed. */
async function state(): Promise<unknown> {
  const [projects, documents, runs, sessions, devices, policy] = await Promise.all(
    ['/api/projects', `${project}/documents`, '/api/runs', '/api/sessions', '/api/device', '/api/device/policy'].map(
      async (path) => (await device.ask(path)).json,
    ),
  );
  return {
    projects,
    documents,
    runs,
    sessions,
    device: devices,
    policy,
    files: (await readdir(device.folder, { recursive: true })).toSorted(),
  };
}

const concrete = (path: string): string =>
  path
    .replace('/api/projects/:id', project)
    .replace(':userId', device.userId)
    .replace(':project', device.project.slug)
    .replaceAll(/:\w+/g, stranger)
    .replace('*', 'x.png');
const bodyFor = (route: Route): Ask => ({ method: route.method, ...(route.body === undefined ? {} : { body: {} }) });

test('HTTP-1 nothing but /health answers without a token, and a wrong one is as good as none', async () => {
  conforms('health', await device.ask('/health', { token: null }));
  const before = await state();
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    // A device has none of the routes of a cloud.
    if (route.open === true || Object.hasOwn({ ...ACCOUNT_ROUTES, ...GUEST_ROUTES, operator: true }, name)) continue;
    for (const token of [null, 'x', `${device.token}x`, device.token.slice(1), '']) {
      isError(await device.ask(concrete(route.path), { ...bodyFor(route), token }), 401, 'unauthorized');
    }
    // Not in the address: that ends in histories and logs.
    isError(
      await device.ask(`${concrete(route.path)}?token=${device.token}`, { ...bodyFor(route), token: null }),
      401,
      'unauthorized',
    );
  }
  expect(await state()).toEqual(before);
});

test('HTTP-2 another Host or Origin is refused before the token is looked at, and before a path is known', async () => {
  for (const path of ['/health', '/api/projects', '/api/nothing', `${project}/documents`]) {
    for (const token of [null, device.token]) {
      isError(await device.ask(path, { token, headers: { origin: 'https://example.com' } }), 403, 'forbidden');
      isError(await device.ask(path, { token, headers: { 'sec-fetch-site': 'cross-site' } }), 403, 'forbidden');
    }
  }
  for (const origin of [device.origin, `http://localhost:${device.port}`]) {
    expect((await device.ask('/api/projects', { headers: { origin, 'sec-fetch-site': 'same-origin' } })).status).toBe(
      200,
    );
  }
  const { headers } = await device.ask('/api/projects', {
    method: 'OPTIONS',
    headers: { origin: device.origin, 'access-control-request-method': 'POST' },
  });
  expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
});

test('what is no folder of the user is refused, and nothing has changed', async () => {
  const before = await state();
  await symlink(device.home, join(device.root, 'to-home'));
  for (const [localPath, status, code] of [
    ['relative', 400, 'bad_request'],
    ['', 400, 'bad_request'],
    [join(device.folder, 'page.md'), 400, 'bad_request'],
    [join(device.root, 'missing'), 404, 'not_found'],
    [device.home, 400, 'bad_request'],
    [join(device.home, 'store'), 400, 'bad_request'],
    [join(device.root, 'to-home'), 400, 'bad_request'],
    ['/tmp/a\0b', 404, 'not_found'],
  ] as const) {
    isError(await device.ask('/api/projects/open-local', { body: { localPath } }), status, code);
  }
  isError(await device.ask('/api/projects/open-local', { body: {} }), 400, 'bad_request');
  isError(
    await device.ask('/api/projects/open-local', { body: { localPath: device.folder, extra: 1 } }),
    400,
    'bad_request',
  );
  isError(
    await device.ask('/api/projects/open-local', {
      bytes: '{"localPath":"/tmp"}',
      headers: { 'content-type': 'text/plain' },
    }),
    400,
    'bad_request',
  );
  isError(
    await device.ask('/api/projects/open-local', {
      bytes: '{"localPath":',
      headers: { 'content-type': 'application/json' },
    }),
    400,
    'bad_request',
  );
  for (const path of ['../x', '/x', 'a/../b', ''])
    isError(
      await device.ask('/api/projects/register-local', {
        body: { id: stranger, slug: 'x', displayName: 'X', documents: [{ path, ext: '.md', contentHash }] },
      }),
      400,
      'bad_request',
    );
  await rm(join(device.root, 'to-home'));
  expect(await state()).toEqual(before);
});

test('HTTP-4 what belongs to somebody else does not exist, in the same words as what never was', async () => {
  const known = await device.document('page');
  for (const [path, ask] of [
    ['/api/projects/ID/documents', {}],
    ['/api/projects/ID', { method: 'DELETE' }],
    ['/api/projects/ID/search?q=x', {}],
    ['/api/projects/ID/files/x.png', {}],
    [`/api/projects/ID/documents/${known.id}`, {}],
    [`${project}/documents/ID`, {}],
    [`${project}/documents/ID`, { method: 'DELETE' }],
    [`${project}/documents/ID/undelete`, { method: 'POST' }],
    [`${project}/documents/ID/history`, {}],
    [`${project}/documents/ID/move`, { body: { path: 'y' } }],
    ['/api/documents/ID', {}],
    [`/api/documents/ID/${device.project.slug}`, {}],
    ['/api/runs/ID', {}],
    ['/api/runs/ID/cancel', { method: 'POST' }],
    ['/api/runs/ID/input', { body: { text: 'x' } }],
    ['/api/sessions/ID', { method: 'DELETE' }],
    ['/api/sessions/ID/interrupt', { method: 'POST' }],
  ] as const) {
    const answers = await Promise.all(
      [
        stranger,
        device.project.id === path ? stranger : newId(ids),
        'no-uuid',
        '..%2f..%2fetc',
        device.project.id.toUpperCase(),
      ].map((id) => device.ask(path.replace('ID', id), ask)),
    );
    for (const answer of answers) isError(answer, 404, 'not_found');
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  }
  isError(await device.ask(`/api/documents/${device.userId}/nothing`), 404, 'not_found');
});

test('HTTP-6 names that lead elsewhere are refused, and nothing has changed', async () => {
  const { id } = await device.document('page');
  const before = await state();
  for (const path of [
    '../out',
    '/etc/x',
    'a/../../out',
    '.hidden',
    'a/.b/c',
    'C:\\x',
    'con',
    'a\u0000b',
    'x'.repeat(300),
    'a//b',
    'node_modules/x',
    ' ',
    '',
  ]) {
    isError(await device.ask(`${project}/documents`, { body: { path } }), 400, 'bad_request');
    isError(await device.ask(`${project}/documents/${id}/move`, { body: { path } }), 400, 'bad_request');
  }
  isError(await device.ask(`${project}/documents`, { body: { path: 'x', ext: '.exe' } }), 400, 'bad_request');
  isError(await device.ask(`${project}/documents`, { body: { path: 'x', text: 5 } }), 400, 'bad_request');
  expect(await state()).toEqual(before);
});

test('HTTP-6 a run that cannot be is refused, and nothing has changed', async () => {
  const page = await device.document('page');
  const folder = join(device.root, 'other');
  await mkdir(folder);
  const other = await device.get<Project>('/api/projects/open-local', { body: { localPath: folder } });
  const before = await state();
  const good = { projectId: device.project.id, language: 'python', code: '1' };
  for (const [body, status, code] of [
    [{}, 400, 'bad_request'],
    [{ code: '1' }, 400, 'bad_request'],
    [{ ...good, language: undefined }, 400, 'bad_request'],
    [{ ...good, extra: true }, 400, 'bad_request'],
    [{ ...good, id: 'not-an-id' }, 400, 'bad_request'],
    [{ ...good, docVersion: '%%%' }, 400, 'bad_request'],
    [{ ...good, docVersion: 'BQ==', documentId: page.id }, 400, 'bad_request'],
    [{ ...good, code: 'x'.repeat(1024 * 1024 + 1) }, 400, 'bad_request'],
    [{ ...good, language: 'cobol' }, 501, 'unsupported'],
    [{ ...good, projectId: stranger }, 404, 'not_found'],
    [{ ...good, documentId: stranger }, 404, 'not_found'],
    [{ ...good, projectId: other.id, documentId: page.id }, 404, 'not_found'],
    [{ sessionId: stranger, code: '1' }, 404, 'not_found'],
    [{ ...good, runOn: 'moon' }, 404, 'not_found'],
    [{ ...good, code: '#| on: moon\n1' }, 404, 'not_found'],
  ] as const) {
    isError(await device.ask('/api/runs', { body }), status, code);
  }
  for (const [body, status, code] of [
    [{ projectId: stranger, language: 'python' }, 404, 'not_found'],
    [{ projectId: device.project.id, language: 'python', runOn: 'moon' }, 404, 'not_found'],
    [{ projectId: device.project.id, language: 'python', documentId: stranger }, 404, 'not_found'],
    [{ projectId: device.project.id }, 400, 'bad_request'],
    [{ projectId: device.project.id, language: 'cobol' }, 501, 'unsupported'],
  ] as const) {
    isError(await device.ask('/api/sessions/ensure', { body }), status, code);
  }
  for (const query of ['limit=x', 'limit=-1', 'state=gone', 'projectId=x', 'before=x', 'what=1'])
    isError(await device.ask(`/api/runs?${query}`), 400, 'bad_request');
  expect(await state()).toEqual(before);
  await device.ask(`/api/projects/${other.id}`, { method: 'DELETE' });
});

test('POLICY-1 a policy that is not whole and exact is refused, and nothing has changed', async () => {
  const good = { allowRemoteExecution: false, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 8 };
  const before = await state();
  const put = (ask: Ask) => device.ask('/api/device/policy', { method: 'PUT', ...ask });
  for (const body of [
    {},
    [],
    null,
    { allowRemoteExecution: false },
    { ...good, maxConcurrentRuns: undefined },
    { ...good, extra: true },
    { ...good, allowRemoteExecution: 'false' },
    { ...good, allowHeavyJobs: 1 },
    { ...good, allowWhenOnBattery: null },
    { ...good, maxConcurrentRuns: -1 },
    { ...good, maxConcurrentRuns: 1_001 },
    { ...good, maxConcurrentRuns: 1.5 },
    { policy: good },
  ])
    isError(await put({ body }), 400, 'bad_request');
  isError(await put({ bytes: JSON.stringify(good), headers: { 'content-type': 'text/plain' } }), 400, 'bad_request');
  isError(await put({ bytes: '{', headers: { 'content-type': 'application/json' } }), 400, 'bad_request');
  isError(await put({}), 400, 'bad_request');
  isError(await put({ body: good, token: null }), 401, 'unauthorized');
  isError(await put({ body: good, headers: { origin: 'https://example.com' } }), 403, 'forbidden');
  isError(await device.ask('/api/device/policy', { method: 'POST', body: good }), 404, 'not_found');
  expect(await state()).toEqual(before);
});

test('what is not in the table does not exist', async () => {
  for (const path of ['/api', '/api/', '/api/nothing', '/api/runs/x/y/z', '/mrp/v1/nothing', '/sync/a/b/c', '/stats/x'])
    isError(await device.ask(path), 404, 'not_found');
  for (const method of ['PUT', 'PATCH', 'DELETE', 'TRACE'].slice(0, 3))
    isError(await device.ask('/api/projects', { method }), 404, 'not_found');
});
