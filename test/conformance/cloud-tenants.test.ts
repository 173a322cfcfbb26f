/** T15: two people on one cloud. Whatever one asks, by any route, nothing of the other's comes back. */
import { openClient, type Socket } from '@markco/client';
import {
  newId,
  ROUTES,
  type CloudAsk,
  type Document,
  type DocumentId,
  type ProjectId,
  type Route,
  type UserId,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import { createBrowser, signInAs, type Browser } from './cloud-browser.fixture.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, ids, startDevice, type Device } from './device.fixture.ts';
import { startOidc } from './oidc.fixture.ts';

const CANARY = 'canary-of-ada-7c1f';

type Tenant = {
  readonly browser: Browser;
  readonly userId: UserId;
  readonly projectId: ProjectId;
  readonly slug: string;
  readonly documentId: DocumentId;
  readonly session: string;
  /** A link to the document. */
  readonly share: string;
};

async function letIn(cloud: CloudProgram, browser: Browser, device: Device): Promise<Tenant> {
  const asked = await device.get<CloudAsk>('/api/cloud/ask', { body: { url: cloud.origin } });
  if (asked.state !== 'waiting') return expect.unreachable(asked.state);
  expect((await browser.ask('POST', `/api/account/device-requests/${asked.code}`)).status).toBe(204);
  const { userId, project } = device;
  const list = async (): Promise<readonly Document[]> =>
    (await browser.ask<{ documents?: Document[] }>('GET', `/api/documents/${userId}`)).json.documents ?? [];
  const [document] = await eventually(async () => ((await list()).length > 0 ? list() : null), 'the document');
  const { sessions } = (await browser.ask<{ sessions: { id: string }[] }>('GET', '/api/account/sessions')).json;
  const documentId = document?.id ?? expect.unreachable('no document');
  const body = { role: 'edit', documentId };
  const made = await browser.ask<{ share: { id: string } }>('POST', `/api/projects/${project.id}/shares`, body);
  return {
    ...{ browser, userId, projectId: project.id, slug: project.slug, documentId, share: made.json.share.id },
    session: sessions[0]?.id ?? expect.unreachable('no session'),
  };
}

const BODIES: Readonly<Record<string, unknown>> = {
  createDocument: { path: 'planted', text: 'planted' },
  share: { role: 'edit' },
  moveDocument: { path: 'stolen' },
  addPasskey: { ceremonyId: 'x', response: {} },
};

type Params = Readonly<Record<string, string>>;
function fill(path: string, params: Params): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => params[name] ?? 'none').replace('*', 'x');
}

test('T15 what one person asks of what is another’s is answered as what is not there, by every route and socket', async () => {
  await using oidc = await startOidc();
  await using cloud = await startCloud({ ...oidc.env, MARKCO_REGISTRATION: 'open' });
  oidc.serve(cloud.origin);
  const [adas, bobs] = [createBrowser(cloud.origin), createBrowser(cloud.origin)];
  await signInAs(oidc, adas, 'ada');
  await signInAs(oidc, bobs, 'bob');
  await using laptop = await startDevice({ files: { 'page.md': `# ${CANARY}\n` } });
  await using tower = await startDevice({ files: { 'mine.md': '# Mine\n' } });
  const [ada, bob] = [await letIn(cloud, adas, laptop), await letIn(cloud, bobs, tower)];
  const nobody = { userId: newId<UserId>(ids), projectId: newId<ProjectId>(ids), documentId: newId<DocumentId>(ids) };
  const other = newId<UserId>(ids);
  const paramsOf = (
    of: Pick<Tenant, 'userId' | 'projectId'>,
    documentId: string,
    session: string,
    share: string = other,
  ): Params => ({
    share,
    ...{ userId: of.userId, id: of.projectId, documentId, project: ada.slug, seq: '0', session },
    ...{ passkey: session, identity: session, device: session, invite: session, code: 'BCDFGHJK', name: 'x' },
  });
  // Hers, and beside it the same with ids that are nobody's; hers in a project of his, too.
  const pairs = [
    [paramsOf(ada, ada.documentId, ada.session, ada.share), paramsOf(nobody, nobody.documentId, other)],
    [paramsOf(bob, ada.documentId, ada.session, ada.share), paramsOf(bob, nobody.documentId, other)],
  ] as const;
  const secrets = [CANARY, ada.userId, ada.projectId, ada.documentId, ada.session, ada.share, 'ada@example.com'];
  let asked = 0;
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    if (route.open === true || name === 'signOut' || name === 'endSessions') continue;
    for (const [hers, nobodys] of pairs) {
      const path = name === 'search' ? `${route.path}?q=canary` : route.path;
      const body = route.body === undefined ? undefined : (BODIES[name] ?? {});
      const ask = async (params: Params): Promise<readonly [number, string]> => {
        asked++;
        const answer = await bobs.ask(route.method, fill(path, params), body);
        let text = JSON.stringify(answer.json);
        // What he sent comes back in some words; that is his.
        for (const value of Object.values(params)) if (value.length === 36) text = text.replaceAll(value, '·');
        return [answer.status, text];
      };
      if (/:(?!project\b|name\b|seq\b|code\b)/.test(route.path)) {
        const found = await ask(hers);
        // A list of his own documents changes with what he makes.
        if (hers['id'] !== bob.projectId || route.path.includes(':documentId'))
          expect([name, await ask(nobodys)]).toEqual([name, found]);
        if (hers['id'] === ada.projectId) expect([name, found[0] >= 400]).toEqual([name, true]);
      }
      const answer = await bobs.ask(route.method, fill(path, paramsOf(bob, bob.documentId, other)), body);
      for (const secret of secrets) expect([name, JSON.stringify(answer.json).includes(secret)]).toEqual([name, false]);
    }
  }
  expect(asked).toBeGreaterThan(100);
  // He is no operator: what is of all of them is not his to see.
  for (const path of ['/stats', '/api/invites']) expect((await bobs.ask('GET', path)).status).toBe(403);

  const token = bobs.jar.get('session_token') ?? '';
  const closing = (path: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${cloud.origin.replace('http', 'ws')}${path}?token=${token}`);
      socket.addEventListener('open', () => resolve('open'));
      socket.addEventListener('error', () => resolve('refused'));
    });
  expect(await closing(`/sync/${bob.userId}/${bob.slug}/mine`)).toBe('open');
  for (const [user, slug] of [
    [ada.userId, ada.slug],
    [nobody.userId, ada.slug],
    [bob.userId, 'no-such-project'],
  ])
    expect(await closing(`/sync/${user}/${slug}/page`)).toBe('refused');

  const client = openClient({
    ...{ origin: cloud.origin, token, fetch, ...ids },
    webSocket: (url) => new globalThis.WebSocket(url) as Socket,
  });
  const failures = [ada.documentId, nobody.documentId].map(async (documentId) => {
    const { status, text } = client.openDocument({ projectId: ada.projectId, documentId });
    const failure = await eventually(() => status.get().failure, 'the refusal');
    return [failure, text.toString()];
  });
  const [hers, nobodys] = await Promise.all(failures);
  await client.close();
  expect(hers).toEqual([{ code: 'not_found', message: expect.any(String) }, '']);
  expect(nobodys).toEqual(hers);

  // What is hers is as it was.
  const page = await adas.ask<Document>('GET', `/api/projects/${ada.projectId}/documents/${ada.documentId}`);
  expect(page.json).toMatchObject({ path: 'page', title: CANARY });
  expect((await adas.ask<{ documents: unknown[] }>('GET', `/api/documents/${ada.userId}`)).json.documents).toHaveLength(
    1,
  );
  expect((await adas.ask('GET', '/api/account')).status).toBe(200);
  expect((await adas.ask('GET', '/api/shares')).json).toMatchObject({ shares: [{ id: ada.share, guests: 0 }] });
}, 60_000);
