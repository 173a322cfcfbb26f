/**
 * `WS /sync/…` with a stock `y-websocket` provider, beside our own client, on the same documents: at the device that has
 * the files, and the first of it at a cloud with a database, too.
 */
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeFrame, decodeFrame } from '@markco/protocol';
import { NO_POSTGRES } from '@markco/rendezvous/store/postgres.fixture';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, messagesOf, refusalOf, startDevice } from './device.fixture.ts';
import { openStores } from './stores.fixture.ts';

const device = await startDevice({
  files: {
    'page.md': 'Hello\n',
    'kept.md': 'Hello\n',
    'sub/déjà vu.md': 'Accents\n',
    'both.md': 'md\n',
    'both.qmd': 'qmd\n',
    'gone.md': 'gone\n',
  },
});
afterAll(() => device[Symbol.asyncDispose]());
const providers: WebsocketProvider[] = [];
afterEach(() => {
  for (const provider of providers.splice(0)) provider.destroy();
});

const room = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
type Place = Pick<CloudProgram, 'origin' | 'token' | 'client'>;
function provider(path: string, params: Record<string, string> = {}, at: Place = device): WebsocketProvider {
  const made = new WebsocketProvider(
    `${at.origin.replace('http', 'ws')}/sync/${device.userId}/${device.project.slug}`,
    room(path),
    new Y.Doc(),
    {
      params: { token: at.token, ...params },
      disableBc: true,
    },
  );
  providers.push(made);
  return made;
}
const textOf = ({ doc }: { doc: Y.Doc }): string => doc.getText('content').toString();
const file = (path: string): Promise<string> => readFile(join(device.folder, path), 'utf8');
const synced = (one: WebsocketProvider): Promise<boolean> => eventually(() => one.synced, 'the provider to be synced');

/** What holds wherever clients come to. */
function holdsAt(page: string, place: () => Place, missing?: string): void {
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  const open = (params = {}): WebsocketProvider => provider(page, params, place());

  test('SYNC-1 two stock providers, our own client and the file are one document', async () => {
    const [a, b] = [open(), open()];
    const client = place().client();
    const own = client.openDocument({ projectId: device.project.id, documentId: (await device.document(page)).id });
    await Promise.all([synced(a), synced(b), own.ready]);
    for (const one of [a, b, own]) expect(textOf(one)).toBe('Hello\n');

    a.doc.getText('content').insert(5, ' from a');
    b.doc.getText('content').insert(0, 'b says: ');
    own.text.insert(own.text.length - 1, ' (and own)');
    const whole = 'b says: Hello from a (and own)\n';
    for (const one of [a, b, own])
      await eventually(
        () => textOf(one).length === whole.length && textOf(one).startsWith('b says'),
        'the edits of all',
      );
    expect(new Set([a, b, own].map(textOf)).size).toBe(1);
    await own.saved(AbortSignal.timeout(5_000));
    await eventually(async () => (await file(`${page}.md`)) === textOf(a), 'the file');

    await writeFile(join(device.folder, `${page}.md`), `${textOf(a)}from outside\n`);
    for (const one of [a, b, own])
      await eventually(() => textOf(one).endsWith('from outside\n'), 'the edit of the file');
  });

  test('SYNC-3 a provider that was cut off sends what it wrote meanwhile, and gets what it missed', async () => {
    const [a, b] = [open(), open()];
    await Promise.all([synced(a), synced(b)]);
    a.disconnect();
    await eventually(() => !a.wsconnected, 'a to be cut off');
    a.doc.getText('content').insert(0, '[offline a]');
    b.doc.getText('content').insert(0, '[online b]');
    await eventually(async () => (await file(`${page}.md`)).includes('[online b]'), 'b in the file');
    a.connect();
    for (const one of [a, b])
      await eventually(
        () => textOf(one).includes('[offline a]') && textOf(one).includes('[online b]'),
        'both edits in both',
      );
    expect(textOf(a)).toBe(textOf(b));
    await eventually(async () => (await file(`${page}.md`)) === textOf(a), 'both in the file');
  });

  test('SYNC-4 mode=read shows every change and applies none', async () => {
    const [reader, writer] = [open({ mode: 'read' }), open()];
    await Promise.all([synced(reader), synced(writer)]);
    const before = textOf(writer);
    reader.doc.getText('content').insert(0, 'must not pass');
    writer.doc.getText('content').insert(0, 'must pass ');
    await eventually(() => textOf(reader).includes('must pass '), 'the change of the writer');
    expect(textOf(writer)).toBe(`must pass ${before}`);
    await eventually(async () => (await file(`${page}.md`)) === `must pass ${before}`, 'the file');
  });
}

describe('at the device', () => holdsAt('page', () => device));

test('SYNC-2 presence goes to everybody but its sender, and ends with its connection', async () => {
  const [a, b] = [provider('page'), provider('page')];
  const client = device.client();
  const own = client.openDocument({ projectId: device.project.id, documentId: (await device.document('page')).id });
  await Promise.all([synced(a), synced(b), own.ready]);
  a.awareness.setLocalStateField('user', { name: 'Ada' });
  for (const { awareness } of [b, own]) {
    await eventually(
      () =>
        [...awareness.getStates().values()].some(
          (state) => (state['user'] as { name?: string } | undefined)?.name === 'Ada',
        ),
      'Ada to be seen',
    );
  }
  own.awareness.setLocalState({ user: { name: 'Own' } });
  await eventually(
    () =>
      [...a.awareness.getStates().values()].some(
        (state) => (state['user'] as { name?: string } | undefined)?.name === 'Own',
      ),
    'Own to be seen',
  );
  const late = provider('page');
  await synced(late);
  await eventually(() => late.awareness.getStates().has(a.doc.clientID), 'who is here, to whoever comes later');
  a.ws?.close();
  a.shouldConnect = false;
  for (const { awareness } of [b, own, late])
    await eventually(() => !awareness.getStates().has(a.doc.clientID), 'Ada to be gone');
});

test('SYNC-5 a document is named without its extension, with any letters, and a twin with it', async () => {
  for (const [path, text] of [
    ['sub/déjà vu', 'Accents\n'],
    ['both', 'md\n'],
    ['both.qmd', 'qmd\n'],
  ] as const) {
    const one = provider(path);
    await synced(one);
    expect([path, textOf(one)]).toEqual([path, text]);
  }
  const [bare, named] = [provider('page'), provider('page.md')];
  await Promise.all([synced(bare), synced(named)]);
  expect(textOf(named)).toBe(textOf(bare));
});

test('SYNC-6 a new name is a document from its first edit on, with a file', async () => {
  const [a, b] = [provider('drafts/new one'), provider('drafts/new one')];
  await Promise.all([synced(a), synced(b)]);
  expect((await device.documents()).map(({ path }) => path)).not.toContain('drafts/new one');
  await expect(access(join(device.folder, 'drafts/new one.md'))).rejects.toThrow('ENOENT');
  a.doc.getText('content').insert(0, '# Begun\n');
  await eventually(() => textOf(b) === '# Begun\n', 'the other to see it');
  await eventually(
    () =>
      file('drafts/new one.md').then(
        (text) => text === '# Begun\n',
        () => false,
      ),
    'its file',
  );
  await eventually(
    () =>
      device.document('drafts/new one').then(
        ({ title }) => title === 'Begun',
        () => false,
      ),
    'it in the list',
  );
});

test('SYNC-7 what was deleted, what has no good name and what is not ours is refused before it is a WebSocket', async () => {
  const { id } = await device.document('gone');
  const open = device.socket(`/sync/${device.userId}/${device.project.slug}/gone`);
  const closed = messagesOf(open);
  await device.ask(`/api/projects/${device.project.id}/documents/${id}`, { method: 'DELETE' });
  expect(await closed).toMatchObject({ code: 4410 });
  for (const [path, status, code] of [
    [`${device.userId}/${device.project.slug}/gone`, 410, 'document_deleted'],
    [`${device.userId}/${device.project.slug}/..%2f..%2fout`, 400, 'bad_request'],
    [`${device.userId}/${device.project.slug}/.hidden`, 400, 'bad_request'],
    [`${device.userId}/${device.project.slug}/a%00b`, 400, 'bad_request'],
    [`${device.userId}/${device.project.slug}/%`, 400, 'bad_request'],
    [`${device.userId}/${device.project.slug}/${'x'.repeat(2_000)}`, 400, 'bad_request'],
    [`${device.userId}/${device.project.slug}/`, 404, 'not_found'],
    [`${device.userId}/nothing/page`, 404, 'not_found'],
    [`${device.project.id}/${device.project.slug}/page`, 404, 'not_found'],
    [`${device.project.id}/nothing/page`, 404, 'not_found'],
  ] as const) {
    expect([path, await refusalOf(device.socket(`/sync/${path}`))]).toMatchObject([
      path,
      { status, json: { error: { code } } },
    ]);
  }
  expect((await device.documents()).some(({ path }) => path.includes('out') || path.startsWith('.'))).toBe(false);
});

test('SYNC-8 SYNC-9 SYNC-10 SYNC-11 the bytes: step 1 is answered by step 2, an update is acknowledged with "saved" once it is on disk', async () => {
  const doc = new Y.Doc();
  const frames: ReturnType<typeof decodeFrame>[] = [];
  const ws: WebSocket = device.socket(`/sync/${device.userId}/${device.project.slug}/bytes`);
  ws.on('message', (data) => frames.push(decodeFrame(new Uint8Array(data as Buffer))));
  await eventually(() => ws.readyState === ws.OPEN, 'the socket');
  // Sent in the very turn the socket opened: the device listens before it has loaded anything.
  ws.send(encodeFrame({ type: 'step1', stateVector: Y.encodeStateVector(doc) }));
  await eventually(
    () => frames.some(({ type }) => type === 'step1') && frames.some(({ type }) => type === 'step2'),
    'step 1 and step 2 of the device',
  );
  doc.getText('content').insert(0, 'bytes');
  const update = Y.encodeStateAsUpdate(doc);
  for (let copies = 0; copies < 3; copies++) ws.send(encodeFrame({ type: 'update', update }));
  const saved = await eventually(
    () => frames.findLast((frame) => frame.type === 'saved' && frame.count === 3),
    'the acknowledgement of all three',
  );
  expect(encodeFrame(saved as { type: 'saved'; count: number })).toEqual(Uint8Array.of(2, 0x4d, 3));
  // SYNC-9: what comes without what it refers to is asked for.
  const other = new Y.Doc();
  other.getText('content').insert(0, 'a');
  const missed = Y.encodeStateVector(other);
  other.getText('content').insert(1, 'b');
  const asked = frames.filter(({ type }) => type === 'step1').length;
  ws.send(encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(other, missed) }));
  await eventually(() => frames.filter(({ type }) => type === 'step1').length > asked, 'step 1 again');
  // A message of a later version is passed over; one that ends too early ends the connection.
  ws.send(Uint8Array.of(9, 1, 2));
  ws.send(Uint8Array.of(0, 7));
  ws.send(encodeFrame({ type: 'query-awareness' }));
  await eventually(() => frames.some(({ type }) => type === 'awareness'), 'the connection to go on');
  const closed = messagesOf(ws);
  ws.send(Uint8Array.of(0, 2, 200));
  expect((await closed).code).toBe(1008);
  expect(await eventually(() => file('bytes.md').catch(() => undefined), 'the file')).toBe('bytes');
});

test('M5 an absolute path or a page of another site writes nothing, and nobody without the token is told any path', async () => {
  const evil = join(device.root, 'evil.md');
  const rooms = [evil, `..${evil}`, `../../${evil}`].map(encodeURIComponent);
  for (const path of rooms) {
    const refused = await refusalOf(device.socket(`/sync/${device.userId}/${device.project.slug}/${path}`));
    expect(refused.status).toBe(400);
  }
  const foreign = await refusalOf(
    device.socket(`/sync/${device.userId}/${device.project.slug}/page`, { headers: { origin: 'http://evil.example' } }),
  );
  expect(foreign.status).toBe(403);
  await expect(access(evil)).rejects.toThrow('ENOENT');
  const stats = await device.ask('/stats', { token: null });
  expect(stats.status).toBe(401);
  expect(JSON.stringify(stats.json)).not.toContain(device.folder);
});

describe('at a cloud on Postgres', () => {
  const opened = new AsyncDisposableStack();
  let cloud: CloudProgram | undefined;
  beforeAll(async () => {
    if (NO_POSTGRES !== undefined) return;
    const stores = opened.use(await openStores('Postgres'));
    const { origin, token, get } = (cloud = opened.use(await startCloud(await stores.environment())));
    await device.get('/api/cloud', { body: { url: origin, token } });
    const here = await device.documents();
    const documents = async (): Promise<number | undefined> =>
      (await get<{ documents?: unknown[] }>(`/api/documents/${device.userId}`)).json.documents?.length;
    await eventually(async () => (await documents()) === here.length, 'its documents to be there', 20_000);
  });
  afterAll(() => opened.disposeAsync());
  holdsAt('kept', () => cloud ?? device, NO_POSTGRES);
});
