/** One cloud of two processes, on a real Postgres and a real NATS: whoever is served by one is served by the other. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, DocumentId, ProjectId } from '@markco/protocol';
import {
  NO_NATS,
  startLossyWay,
  startNats,
  type LossyWay,
  type NatsServer,
} from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test as base } from 'vitest';
import type { WebsocketProvider } from 'y-websocket';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, startDevice, type Device } from './device.fixture.ts';

const SOON_MS = 30_000;
const SYNC_PORT = 23_006;

type Two = { readonly one: CloudProgram; readonly two: CloudProgram };

/** Two on one database, the first with the token of both. */
async function startTwo(url: string, nats: readonly [string, string]): Promise<Two & AsyncDisposable> {
  const env = { DATABASE_URL: url, SYNC_RELAY_PORT: String(SYNC_PORT) };
  const one = await startCloud({ ...env, NATS_URL: nats[0] });
  try {
    const two = await startCloud({ DATABASE_URL: url, NATS_URL: nats[1] }, one.token);
    return {
      ...{ one, two },
      async [Symbol.asyncDispose]() {
        await two[Symbol.asyncDispose]();
        await one[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await one[Symbol.asyncDispose]();
    throw error;
  }
}

/** Which messages to the second process are lost. */
type Way = LossyWay & { isLost: boolean };

const test = base.extend<{ nats: NatsServer; way: Way; two: Two; laptop: Device }>({
  nats: [
    async ({}, use) => {
      await using nats = await startNats();
      await use(nats);
    },
    { scope: 'file' },
  ],
  way: [
    async ({ nats }, use) => {
      const loses = { isLost: false };
      await using way = await startLossyWay(nats.url, () => loses.isLost);
      await use(Object.assign(loses, way));
    },
    { scope: 'file' },
  ],
  two: [
    async ({ nats, way }, use) => {
      await using postgres = await startPostgres();
      await using two = await startTwo(await postgres.database(), [nats.url, way.url]);
      await use(two);
    },
    { scope: 'file' },
  ],
  laptop: [
    async ({}, use) => {
      await using laptop = await startDevice({ files: { 'page.md': '# Page\n' } });
      await use(laptop);
    },
    { scope: 'file' },
  ],
});

const documentsAt = async (cloud: CloudProgram, userId: string): Promise<readonly Document[]> =>
  (await cloud.get<{ documents?: Document[] }>(`/api/documents/${userId}`)).json.documents ?? [];

/** Logs the laptop in at one process and answers the page, once both have it. */
async function pageIn({ one, two }: Two, laptop: Device): Promise<{ projectId: ProjectId; documentId: DocumentId }> {
  await laptop.get<Cloud>('/api/cloud', { body: { url: one.origin, token: one.token } });
  const listed = async () => {
    const [page] = await documentsAt(two, laptop.userId);
    return page ?? null;
  };
  const page = await eventually(listed, 'the page at the other process', SOON_MS);
  return { projectId: laptop.project.id, documentId: page.id };
}

const textOf = ({ doc }: WebsocketProvider): string => doc.getText('content').toString();
const write = ({ doc }: WebsocketProvider, text: string): void => doc.getText('content').insert(0, text);

const missing = NO_POSTGRES ?? NO_NATS;
if (missing !== undefined) base('one cloud of two processes', ({ skip }) => skip(missing));
else {
  test('people at two processes see each other write and each other’s carets, and a device at one has what comes to the other', async ({
    two,
    laptop,
  }) => {
    await pageIn(two, laptop);
    const { slug } = laptop.project;
    const [here, there] = [two.one.stock(laptop.userId, slug, 'page'), two.two.stock(laptop.userId, slug, 'page')];
    await eventually(() => here.synced && there.synced, 'both to be there', SOON_MS);
    here.awareness.setLocalStateField('user', { name: 'Ada' });
    await eventually(
      () => there.awareness.getStates().get(here.doc.clientID)?.['user']?.name === 'Ada',
      'the name of the other',
      SOON_MS,
    );
    write(here, 'from one ');
    await eventually(() => textOf(there).startsWith('from one '), 'the edit at the other process', SOON_MS);
    write(there, 'from two ');
    await eventually(() => textOf(here).startsWith('from two from one '), 'the edit at the first', SOON_MS);
    await eventually(
      async () => (await readFile(join(laptop.folder, 'page.md'), 'utf8')) === textOf(here),
      'the file of the device',
      SOON_MS,
    );
    await writeFile(join(laptop.folder, 'page.md'), `from the file\n${textOf(here)}`);
    await eventually(() => textOf(there).startsWith('from the file'), 'what was written into the file', SOON_MS);
    here.destroy();
    await eventually(() => !there.awareness.getStates().has(here.doc.clientID), 'the caret to go', SOON_MS);
  }, 120_000);

  test('what is lost between the processes is read from the database, and so is everything while NATS is away', async ({
    nats,
    way,
    two,
    laptop,
  }) => {
    await pageIn(two, laptop);
    const { slug } = laptop.project;
    const [here, there] = [two.one.stock(laptop.userId, slug, 'page'), two.two.stock(laptop.userId, slug, 'page')];
    await eventually(() => here.synced && there.synced, 'both to be there', SOON_MS);
    const arrives = async (text: string): Promise<void> => {
      write(here, text);
      await eventually(() => textOf(there).startsWith(text), `${text}at the other process`, SOON_MS);
      write(there, `seen ${text}`);
      await eventually(() => textOf(here).startsWith(`seen ${text}`), `${text}answered`, SOON_MS);
    };
    way.isLost = true;
    write(here, 'lost ');
    await eventually(() => way.dropped() > 0, 'a message to be lost', SOON_MS);
    way.isLost = false;
    // The next one shows that one is missing.
    await arrives('gap ');
    way.isLost = true;
    await arrives('nothing is heard ');
    way.isLost = false;
    await nats.kill();
    await arrives('NATS is away ');
    await nats.start();
    await eventually(() => two.two.log().split('processes.reached').length > 2, 'NATS to be found again', SOON_MS);
    await arrives('NATS is back ');
    await eventually(() => textOf(here) === textOf(there), 'one text', SOON_MS);
  }, 120_000);

  test('a page that two people begin at two processes at once is one page, and browsers at both find each other', async ({
    two,
    laptop,
  }) => {
    await pageIn(two, laptop);
    const { slug } = laptop.project;
    for (const name of ['fresh', 'another', 'third']) {
      const [here, there] = [two.one.stock(laptop.userId, slug, name), two.two.stock(laptop.userId, slug, name)];
      write(here, 'here ');
      write(there, 'there ');
      const isOne = (): boolean =>
        textOf(here) === textOf(there) && textOf(here).includes('here ') && textOf(here).includes('there ');
      await eventually(isOne, 'what both wrote, at both', SOON_MS);
    }
    const names = async (cloud: CloudProgram): Promise<readonly string[]> =>
      (await documentsAt(cloud, laptop.userId)).map(({ path }) => path).toSorted();
    const expected = ['another', 'fresh', 'page', 'third'];
    for (const cloud of [two.one, two.two])
      await eventually(async () => (await names(cloud)).join() === expected.join(), 'the names', SOON_MS);
    const signalAt = (cloud: CloudProgram): WebSocket =>
      new WebSocket(`${cloud.origin.replace('http', 'ws')}/api/signal?token=${cloud.token}`);
    const [one, other] = [signalAt(two.one), signalAt(two.two)];
    const heard: string[] = [];
    other.addEventListener('message', ({ data }) => heard.push(String(data)));
    await eventually(() => one.readyState === 1 && other.readyState === 1, 'both to be connected', SOON_MS);
    other.send(JSON.stringify({ type: 'subscribe', topics: ['room'] }));
    other.send(JSON.stringify({ type: 'ping' }));
    await eventually(() => heard.length === 1, 'the subscription', SOON_MS);
    one.send(JSON.stringify({ type: 'publish', topic: 'room', from: 'the first' }));
    await eventually(() => heard.length === 2, 'what was published at the other process', SOON_MS);
    expect(JSON.parse(heard[1] ?? '')).toMatchObject({ type: 'publish', topic: 'room', from: 'the first' });
    one.close();
    other.close();
  }, 120_000);

  test('T2 a link made at one process leads somewhere at the other, and who came by it there is cut off when it is revoked', async ({
    nats,
    two,
    laptop,
  }) => {
    const { projectId, documentId } = await pageIn(two, laptop);
    const ask = async <T>({ origin }: CloudProgram, method: string, path: string, body?: object) => {
      const response = await fetch(`${origin}${path}`, {
        method,
        headers: { authorization: `Bearer ${two.one.token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { response, json: (response.status === 204 ? undefined : await response.json()) as T };
    };
    const cutOff = async (): Promise<void> => {
      const made = await ask<{ url: string }>(two.one, 'POST', `/api/projects/${projectId}/shares`, {
        ...{ role: 'edit', documentId },
      });
      const token = made.json.url.split('/').at(-1);
      const join = () => ask<{ id: string }>(two.two, 'POST', '/api/join', { token });
      const isThere = async (): Promise<boolean> =>
        (await ask<{ shares: unknown[] }>(two.two, 'GET', '/api/shares')).json.shares.length === 1;
      await eventually(isThere, 'the link at the other process', SOON_MS);
      const joined = await join();
      const [, guest = ''] = /=([^;]+)/.exec(joined.response.headers.get('set-cookie') ?? '') ?? [];
      const closed: number[] = [];
      const at = `${two.two.origin.replace('http', 'ws')}/sync/${laptop.userId}/${laptop.project.slug}/page`;
      const socket = new WebSocket(`${at}?token=${guest}`);
      socket.addEventListener('close', ({ code }) => closed.push(code));
      await eventually(() => socket.readyState === 1, 'the guest to be there', SOON_MS);
      expect((await ask(two.one, 'DELETE', `/api/shares/${joined.json.id}`)).response.status).toBe(204);
      // What T2 allows.
      await eventually(() => closed.length > 0, 'the guest to be cut off', 5_000);
      expect(closed).toEqual([4401]);
      expect((await join()).response.status).toBe(404);
    };
    await cutOff();
    // Without a way between them they read it from the database.
    await nats.kill();
    await cutOff();
    await nats.start();
    await eventually(() => two.two.log().split('processes.reached').length > 2, 'NATS to be found again', SOON_MS);
  }, 120_000);

  test('a process that is stopped sends everybody to the other one, and loses nothing', async ({ two, laptop }) => {
    await pageIn(two, laptop);
    const { slug } = laptop.project;
    const closed: number[] = [];
    const here = two.two.stock(laptop.userId, slug, 'page');
    here.on('connection-close', (event) => closed.push(event?.code ?? 0));
    await eventually(() => here.synced, 'it to be there', SOON_MS);
    const metrics = async (): Promise<string> => {
      const headers = { authorization: `Bearer ${two.two.token}` };
      return (await fetch(`${two.two.origin}/metrics`, { headers })).text();
    };
    const before = await metrics();
    for (const line of ['nats_connected 1', 'storage_ok 1', 'other_processes 1']) expect(before).toContain(line);
    expect(before).toMatch(/websocket_connections\{kind="sync"\} [1-9]/);
    expect(before).toMatch(/log_sync_ms_count [1-9]/);
    for (let at = 0; at < 50; at++) write(here, `⟦${at}⟧`);
    const updatesIn = (text: string): number =>
      Number(/document_updates_total\{origin="page"\} (\d+)/.exec(text)?.[1] ?? 0);
    // What it has taken in is saved before it ends, whether it could still say so or not.
    await eventually(async () => updatesIn(await metrics()) >= updatesIn(before) + 50, 'the edits', SOON_MS);
    expect(await two.two.stop()).toBe(0);
    expect(closed).toContain(1012);
    here.disconnect();
    const there = two.one.stock(laptop.userId, slug, 'page');
    await eventually(() => textOf(there) === textOf(here), 'all of it at the other process', SOON_MS);
    await two.two.start();
  }, 120_000);

  test('SYNC_RELAY_PORT serves documents and nothing else', async ({ two, laptop }) => {
    await pageIn(two, laptop);
    const origin = `ws://127.0.0.1:${SYNC_PORT}`;
    const query = `?token=${two.one.token}`;
    const socketAt = (path: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${origin}${path}${query}`);
        socket.addEventListener('open', () => {
          socket.close();
          resolve('open');
        });
        socket.addEventListener('error', () => resolve('refused'));
      });
    expect(await socketAt(`/sync/${laptop.userId}/${laptop.project.slug}/page`)).toBe('open');
    expect(await socketAt('/api/stream')).toBe('refused');
    expect(await socketAt('/api/link')).toBe('refused');
  }, 60_000);
}
