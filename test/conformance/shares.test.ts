/** Share links of a cloud: what a guest has by one, what it has not, and how it ends. */
import { openClient, type Client, type OpenDocument, type Socket } from '@markco/client';
import {
  encodeFrame,
  newId,
  ROUTES,
  type DocumentId,
  type Document,
  type ProjectId,
  type Route,
  type Share,
} from '@markco/protocol';
import { expect, test as base } from 'vitest';
import * as Y from 'yjs';
import { searchFor } from './canaries.fixture.ts';
import { createBrowser, type Browser } from './cloud-browser.fixture.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, ids, startDevice, type Device } from './device.fixture.ts';

const SOON_MS = 20_000;
/** What T2 allows, and a connection that is closed is told within it. */
const CUT_OFF_MS = 5_000;

type Guest = {
  readonly browser: Browser;
  readonly share: string;
  readonly token: string;
  client(): Client;
};
type Made = { readonly share: Share; readonly url: string };
type Parts = {
  readonly cloud: CloudProgram;
  readonly laptop: Device;
  readonly page: Document;
  readonly other: Document;
};

const test = base.extend<Parts & { make: (body: object) => Promise<Made>; join: (made: Made) => Promise<Guest> }>({
  cloud: [
    async ({}, use) => {
      await using cloud = await startCloud();
      await use(cloud);
    },
    { scope: 'file' },
  ],
  laptop: [
    async ({ cloud }, use) => {
      await using laptop = await startDevice({
        files: {
          ...{ 'page.md': '# Page\n\n![](seen.png)\n', 'other.md': '# Canary 51c0\n\n![](hidden.png)\n' },
          ...{ 'seen.png': 'seen', 'hidden.png': 'hidden' },
        },
      });
      await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
      await eventually(async () => (await documentsOf(cloud, laptop)).length === 2, 'both documents', SOON_MS);
      await use(laptop);
    },
    { scope: 'file' },
  ],
  page: async ({ cloud, laptop }, use) => use(await documentAt(cloud, laptop, 'page')),
  other: async ({ cloud, laptop }, use) => use(await documentAt(cloud, laptop, 'other')),
  make: async ({ cloud, laptop }, use) => {
    const path = `/api/projects/${laptop.project.id}/shares`;
    await use(async (body) => (await owner<Made>(cloud, 'POST', path, body)).json);
  },
  join: async ({ cloud }, use) => {
    const clients: Client[] = [];
    await use(async ({ url }) => {
      const browser = createBrowser(cloud.origin);
      const joined = await browser.ask<{ id: string }>('POST', '/api/join', { token: url.split('/').at(-1) });
      expect(joined.status).toBe(200);
      const share = joined.json.id;
      const token = browser.jar.get(`share_${share}`) ?? expect.unreachable('no cookie');
      return {
        ...{ browser, share, token },
        client() {
          const { origin } = cloud;
          const client = openClient({
            ...{ origin, token, share, fetch, ...ids },
            webSocket: (address) => new globalThis.WebSocket(address) as Socket,
          });
          clients.push(client);
          return client;
        },
      };
    });
    await Promise.all(clients.map((client) => client.close()));
  },
});

async function owner<T>(cloud: CloudProgram, method: string, path: string, body?: object) {
  const response = await fetch(`${cloud.origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${cloud.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as T };
}

const documentsOf = async (cloud: CloudProgram, { userId }: Device): Promise<readonly Document[]> =>
  (await cloud.get<{ documents?: Document[] }>(`/api/documents/${userId}`)).json.documents ?? [];
async function documentAt(cloud: CloudProgram, laptop: Device, path: string): Promise<Document> {
  const found = (await documentsOf(cloud, laptop)).find((document) => document.path === path);
  return found ?? expect.unreachable(`no ${path}`);
}
const failureOf = ({ status }: OpenDocument) => eventually(() => status.get().failure, 'the refusal');
const asGuest = ({ browser, share }: Guest, method: string, path: string, body?: unknown) =>
  browser.ask<Record<string, unknown>>(method, `${path}${path.includes('?') ? '&' : '?'}share=${share}`, body);

test('a guest who may edit writes in the one document, the laptop has it, and it ends when the link is revoked', async ({
  cloud,
  laptop,
  page,
  other,
  make,
  join,
}) => {
  const made = await make({ role: 'edit', documentId: page.id });
  expect(made.url).toMatch(new RegExp(`^${cloud.origin}/join/[\\w-]{22}$`));
  expect(made.share).toMatchObject({ role: 'edit', path: 'page', guests: 0 });
  const guest = await join(made);
  const joined = await asGuest(guest, 'GET', '/api/joined');
  expect(joined.json).toMatchObject({ role: 'edit', project: { id: laptop.project.id }, document: { id: page.id } });

  const client = guest.client();
  const { projectId } = page;
  const open = client.openDocument({ projectId, documentId: page.id });
  await open.ready;
  open.text.insert(0, 'By a guest. ');
  await open.saved(AbortSignal.timeout(SOON_MS));
  const hers = cloud.stock(laptop.userId, laptop.project.slug, 'page');
  const textOf = (): string => hers.doc.getText('content').toString();
  await eventually(() => textOf().startsWith('By a guest. # Page'), 'what the guest wrote, at hers', SOON_MS);
  // Nothing beside it, by the same connection.
  const refused = client.openDocument({ projectId, documentId: other.id });
  expect(await failureOf(refused)).toMatchObject({ code: 'not_found' });
  const nobodys = client.openDocument({ projectId, documentId: newId<DocumentId>(ids) });
  expect(await failureOf(nobodys)).toEqual(await failureOf(refused));
  await expect(
    client.submitRun({ projectId, language: 'python', code: '1' }, AbortSignal.timeout(SOON_MS)),
  ).rejects.toMatchObject({ code: 'forbidden' });

  expect((await owner<{ shares: Share[] }>(cloud, 'GET', '/api/shares')).json.shares).toMatchObject([
    { id: guest.share, guests: 1 },
  ]);
  const at = performance.now();
  expect((await owner(cloud, 'DELETE', `/api/shares/${guest.share}`)).status).toBe(204);
  await eventually(() => client.connection.get().state === 'offline', 'the guest to be cut off', CUT_OFF_MS);
  expect(performance.now() - at).toBeLessThan(CUT_OFF_MS);
  await eventually(() => 'refused' in client.connection.get(), 'it to be told that it is over', CUT_OFF_MS);
  open.text.insert(0, 'Too late. ');
  expect((await asGuest(guest, 'GET', '/api/joined')).status).toBe(401);
  expect((await asGuest(guest, 'POST', '/api/join', { token: made.url.split('/').at(-1) })).status).toBe(404);
  expect((await owner(cloud, 'DELETE', `/api/shares/${guest.share}`)).status).toBe(404);
  expect(textOf()).not.toContain('Too late');
});

test('T2 10,000 frames of a guest who may only read leave the document as it was', async ({
  cloud,
  laptop,
  page,
  make,
  join,
}) => {
  const guest = await join(await make({ role: 'view' }));
  const hers = cloud.stock(laptop.userId, laptop.project.slug, 'page');
  await eventually(() => hers.synced, 'hers', SOON_MS);
  const before = Y.encodeStateVector(hers.doc);

  const address = `${cloud.origin.replace('http', 'ws')}/sync/${laptop.userId}/${laptop.project.slug}/page`;
  const socket = new WebSocket(`${address}?token=${guest.token}`);
  socket.binaryType = 'arraybuffer';
  const heard: Uint8Array[] = [];
  socket.addEventListener('message', ({ data }) => heard.push(new Uint8Array(data as ArrayBuffer)));
  await eventually(() => socket.readyState === 1, 'the socket', SOON_MS);
  const forged = new Y.Doc();
  forged.getText('content').insert(0, 'forged');
  const whole = Y.encodeStateAsUpdate(forged);
  for (let at = 0; at < 10_000; at++) {
    // Updates that could be taken, cut ones, ones with a byte changed, and what is none.
    const update = at % 4 === 0 ? whole : at % 4 === 1 ? whole.slice(0, at % whole.length) : whole.slice();
    if (at % 4 === 2) update[at % update.length] = at % 256;
    if (at % 4 === 3) update.fill(at % 256);
    socket.send(new Uint8Array(encodeFrame({ type: at % 2 === 0 ? 'update' : 'step2', update })));
  }
  heard.length = 0;
  socket.send(new Uint8Array(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) })));
  await eventually(() => heard.some((frame) => frame[0] === 0 && frame[1] === 1), 'the answer after all', SOON_MS);
  expect(socket.readyState).toBe(1);
  socket.close();
  // The same over the connection of the page.
  const open = guest.client().openDocument({ projectId: page.projectId, documentId: page.id });
  await open.ready;
  open.text.insert(0, 'forged');
  const fresh = cloud.stock(laptop.userId, laptop.project.slug, 'page');
  await eventually(() => fresh.synced, 'the document as it is', SOON_MS);
  expect(Y.encodeStateVector(fresh.doc)).toEqual(before);
  expect(hers.doc.getText('content').toString()).not.toContain('forged');
});

test('who suggests writes in a copy beside the page, which its owner sees, and not in the page', async ({
  cloud,
  laptop,
  page,
  make,
  join,
}) => {
  const path = `/api/projects/${laptop.project.id}/shares`;
  expect((await owner(cloud, 'POST', path, { role: 'suggest' })).status).toBe(400);
  const made = await make({ role: 'suggest', documentId: page.id });
  expect(made.share).toMatchObject({ path: 'page', copyPath: 'page (suggested)' });
  expect((await make({ role: 'suggest', documentId: page.id })).share.copyPath).toBe('page (suggested 2)');
  const guest = await join(made);
  const { copy } = (await asGuest(guest, 'GET', '/api/joined')).json as { copy: Document };
  const client = guest.client();
  const [original, own] = [page.id, copy.id].map((documentId) =>
    client.openDocument({ projectId: page.projectId, documentId }),
  );
  await Promise.all([original?.ready, own?.ready]);
  expect(own?.text.toString()).toBe(original?.text.toString());
  const begun = own?.text.toString();
  original?.text.insert(0, 'In the page. ');
  own?.text.insert(0, 'In the copy. ');
  await own?.saved(AbortSignal.timeout(SOON_MS));
  const { slug } = laptop.project;
  const [hers, beside] = [page.path, copy.path].map((each) => cloud.stock(laptop.userId, slug, each));
  await eventually(() => hers?.synced === true && beside?.synced === true, 'both, as its owner has them', SOON_MS);
  expect(beside?.doc.getText('content').toString()).toMatch(/^In the copy\. /);
  expect(hers?.doc.getText('content').toString()).not.toContain('In the');
  // What is suggested, for its owner alone: the copies that are there, each with what it began with.
  const suggestions = `/api/projects/${page.projectId}/documents/${page.id}/suggestions`;
  const of = { share: made.share.id, copyId: copy.id, base: begun };
  const asked = await owner<{ copies: object[] }>(cloud, 'GET', suggestions);
  expect(asked.json.copies).toHaveLength(2);
  expect(asked.json.copies).toContainEqual(of);
  expect((await laptop.get<{ copies: object[] }>(suggestions)).copies).toContainEqual(of);
  expect((await asGuest(guest, 'GET', suggestions)).status).toBe(404);
  // A link to what was deleted says so; without the copy there is still the page to read.
  const toCopy = await join(await make({ role: 'view', documentId: copy.id }));
  await owner(cloud, 'DELETE', `/api/projects/${page.projectId}/documents/${copy.id}`);
  expect((await asGuest(guest, 'GET', '/api/joined')).json).not.toHaveProperty('copy');
  expect((await asGuest(toCopy, 'GET', '/api/joined')).json).toMatchObject({ error: { code: 'document_deleted' } });
  for (const each of await documentsOf(cloud, laptop))
    if (each.path.includes('suggested'))
      await owner(cloud, 'DELETE', `/api/projects/${page.projectId}/documents/${each.id}`);
});

const BODIES: Readonly<Record<string, unknown>> = {
  createDocument: { path: 'planted', text: 'planted' },
  moveDocument: { path: 'stolen' },
  share: { role: 'edit' },
  addPasskey: { ceremonyId: 'x', response: {} },
};
/** What the link leads to; all others are refused whatever they name. */
const OF_DOCUMENT = ['document', 'joined', 'projectFile'];
const OF_EDITOR = [...OF_DOCUMENT, 'history', 'historyAt', 'historyRestore'];
const OF_PROJECT = [...OF_DOCUMENT, 'documents', 'search'];

test('T15 a guest gets nothing by any route or socket but what its link leads to', async ({
  cloud,
  laptop,
  page,
  other,
  make,
  join,
}) => {
  const guests = [
    [await join(await make({ role: 'view', documentId: page.id })), OF_DOCUMENT],
    [await join(await make({ role: 'edit', documentId: page.id })), OF_EDITOR],
    [await join(await make({ role: 'view' })), OF_PROJECT],
  ] as const;
  const { userId, project } = laptop;
  for (const picture of ['seen.png', 'hidden.png']) {
    const isBrought = async (): Promise<boolean> => {
      const headers = { authorization: `Bearer ${cloud.token}` };
      return (await fetch(`${cloud.origin}/api/projects/${project.id}/files/${picture}`, { headers })).ok;
    };
    await eventually(isBrought, `${picture} in the cloud`, SOON_MS);
  }
  const params = { userId, id: project.id, documentId: page.id, project: project.slug, seq: '1', share: 'none' };
  const fill = (path: string, given: Readonly<Record<string, string>>): string =>
    path.replaceAll(/:(\w+)/g, (_, name: string) => given[name] ?? 'none').replace('*', 'seen.png');
  for (const [guest, leadsTo] of guests) {
    for (const [name, route] of Object.entries<Route>(ROUTES)) {
      if (route.open === true) continue;
      const path = name === 'search' ? `${route.path}?q=canary` : route.path;
      const body = route.body === undefined ? undefined : (BODIES[name] ?? {});
      const answer = await asGuest(guest, route.method, fill(path, params), body);
      if (leadsTo.includes(name)) expect([name, answer.status]).toEqual([name, 200]);
      else expect([name, answer.status >= 400]).toEqual([name, true]);
      if (guest !== guests[2][0]) {
        for (const elsewhere of [{ documentId: other.id }, { id: newId<ProjectId>(ids) }, { userId: newId(ids) }]) {
          const asked = await asGuest(guest, route.method, fill(path, { ...params, ...elsewhere }), body);
          expect([name, JSON.stringify(asked.json).includes('51c0')]).toEqual([name, false]);
          if (/:documentId/.test(route.path) && 'documentId' in elsewhere)
            expect([name, asked.status]).toEqual([name, 404]);
        }
      }
    }
    const hidden = await asGuest(guest, 'GET', `/api/projects/${project.id}/files/hidden.png`);
    expect(hidden.status).toBe(guest === guests[2][0] ? 200 : 404);
    const socket = (path: string): Promise<string> =>
      new Promise((resolve) => {
        const made = new WebSocket(`${cloud.origin.replace('http', 'ws')}${path}?token=${guest.token}`);
        made.addEventListener('open', () => (made.close(), resolve('open')));
        made.addEventListener('error', () => resolve('refused'));
      });
    const at = `/sync/${userId}/${project.slug}`;
    const seen = guest === guests[2][0] ? 'open' : 'refused';
    const wanted = {
      '/api/guest': 'open',
      [`${at}/page`]: 'open',
      [`${at}/other`]: seen,
      [`${at}/planted`]: 'refused',
    };
    for (const [path, outcome] of Object.entries(wanted)) expect([path, await socket(path)]).toEqual([path, outcome]);
    for (const path of ['/api/stream', '/api/link', '/api/signal', '/', `/sync/${userId}/elsewhere/page`])
      expect([path, await socket(path)]).toEqual([path, 'refused']);
  }
  expect((await documentsOf(cloud, laptop)).map(({ path }) => path).toSorted()).toEqual(['other', 'page']);
});

test('what is asked wrongly makes no link, and a device has the same links by its cloud', async ({
  laptop,
  page,
  cloud,
  make,
  join,
}) => {
  const path = `/api/projects/${laptop.project.id}/shares`;
  const before = (await owner<{ shares: Share[] }>(cloud, 'GET', '/api/shares')).json.shares.length;
  for (const body of [{}, { role: 'run' }, { role: 'view', lastsMs: 59_999 }, { role: 'view', documentId: 'x' }])
    expect((await owner(cloud, 'POST', path, body)).status).toBe(400);
  expect((await owner(cloud, 'POST', path, { role: 'view', documentId: newId(ids) })).status).toBe(404);
  expect((await owner(cloud, 'POST', `/api/projects/${newId(ids)}/shares`, { role: 'view' })).status).toBe(404);
  expect((await owner<{ shares: Share[] }>(cloud, 'GET', '/api/shares')).json.shares).toHaveLength(before);
  const made = await make({ role: 'view', documentId: page.id, lastsMs: 60_000 });
  expect(Date.parse(made.share.endsAt ?? '') - Date.parse(made.share.createdAt)).toBe(60_000);
  await join(made);
  const listed = await laptop.get<{ shares: Share[] }>('/api/shares');
  expect(listed.shares.find(({ id }) => id === made.share.id)).toMatchObject({ path: 'page', guests: 1 });
});

test('T14 twenty times a minute somebody comes by one link or from one address, and no oftener', async ({
  cloud,
  make,
}) => {
  const made = await make({ role: 'view' });
  const token = made.url.split('/').at(-1);
  const tries = async (from: () => Browser, given: unknown): Promise<readonly number[]> => {
    const found: number[] = [];
    for (let at = 0; at < 21; at++) found.push((await from().ask('POST', '/api/join', { token: given })).status);
    return found;
  };
  const one = createBrowser(cloud.origin);
  expect(await tries(() => one, 'guessed')).toEqual([...Array.from({ length: 20 }, () => 404), 429]);
  // From ever other addresses, by one link.
  const by = await tries(() => createBrowser(cloud.origin), token);
  expect(by).toEqual([...Array.from({ length: 20 }, () => 200), 429]);
});

test('T16 what is secret in a link and in the cookie of a guest is in no log and in no file of the cloud', async ({
  cloud,
  make,
  join,
}) => {
  const made = await make({ role: 'view' });
  const secret = made.url.split('/').at(-1) ?? '';
  const page = await fetch(`${cloud.origin}/join/${secret}`);
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  const guest = await join(made);
  expect((await asGuest(guest, 'GET', '/api/joined')).status).toBe(200);
  await owner(cloud, 'DELETE', `/api/shares/${guest.share}`);
  const canaries = searchFor({ link: secret, cookie: guest.token });
  await canaries.lookInFolder(cloud.home);
  canaries.look('the log', cloud.log());
  expect(canaries.bytesSeen).toBeGreaterThan(1_000);
  expect(canaries.found).toEqual([]);
  expect(cloud.log()).toContain('share.joined');
});
