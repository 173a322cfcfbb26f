/** A cloud that keeps documents while the devices they come from are off. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, Project } from '@markco/protocol';
import { afterAll, beforeAll, expect, test as base } from 'vitest';
import type { WebsocketProvider } from 'y-websocket';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, startDevice, type Device } from './device.fixture.ts';
import { onEachStore, openStores, type Stores } from './stores.fixture.ts';

const FILES = { 'page.md': '# Page\n', 'sub/other.md': 'Other\n' };
const login = (device: Device, { origin, token }: CloudProgram): Promise<Cloud> =>
  device.get<Cloud>('/api/cloud', { body: { url: origin, token } });
const file = (device: Device, path: string): Promise<string> => readFile(join(device.folder, path), 'utf8');
const textOf = ({ doc }: WebsocketProvider): string => doc.getText('content').toString();
const documentsIn = async (cloud: CloudProgram, { userId }: Device): Promise<readonly string[]> =>
  (await cloud.get<{ documents: Document[] }>(`/api/documents/${userId}`)).json.documents
    .map(({ path }) => path)
    .toSorted();

onEachStore((name, missing) => {
  let stores: Stores | undefined;
  beforeAll(async () => {
    stores = await openStores(name);
  });
  afterAll(() => stores?.[Symbol.asyncDispose]());
  const test = base.extend<{ cloud: CloudProgram; laptop: Device }>({
    cloud: async ({ skip }, use) => {
      skip(missing !== undefined, missing);
      await using cloud = await startCloud(await stores?.environment());
      await use(cloud);
    },
    laptop: async ({}, use) => {
      await using laptop = await startDevice({ files: FILES });
      await use(laptop);
    },
  });

  test('CLOUD-1 documents are in the cloud, are edited there by a stock client while the device is off, and merge when it is back', async ({
    cloud,
    laptop,
  }) => {
    expect(await login(laptop, cloud)).toMatchObject({ state: 'connected', url: cloud.origin });
    await eventually(async () => (await documentsIn(cloud, laptop)).length === 2, 'both documents to be there');
    expect(await documentsIn(cloud, laptop)).toEqual(['page', 'sub/other']);
    const phone = cloud.stock(laptop.userId, laptop.project.slug, 'page');
    await eventually(() => textOf(phone) === '# Page\n', 'the text on the phone');

    await appendFile(join(laptop.folder, 'page.md'), 'from the laptop\n');
    await eventually(() => textOf(phone).includes('from the laptop'), 'what the laptop wrote');

    await laptop.kill();
    phone.doc.getText('content').insert(0, 'from the phone\n');
    const tablet = cloud.stock(laptop.userId, laptop.project.slug, 'page');
    await eventually(() => textOf(tablet).startsWith('from the phone'), 'the edit in the cloud');
    // The next start finds an edit of its own beside that of the phone.
    await appendFile(join(laptop.folder, 'page.md'), 'written while it was off\n');
    await cloud.kill();
    await cloud.start();
    await laptop.start();
    const whole = 'from the phone\n# Page\nfrom the laptop\nwritten while it was off\n';
    await eventually(async () => (await file(laptop, 'page.md')) === whole, 'both edits in the file');
    await eventually(() => textOf(phone) === whole, 'both on the phone');
  });

  test('CLOUD-2 what is renamed, added and deleted is so in the cloud too, and after it was away', async ({
    cloud,
    laptop,
  }) => {
    await login(laptop, cloud);
    await eventually(async () => (await documentsIn(cloud, laptop)).length === 2, 'both documents to be there');
    await cloud.kill();
    await eventually(async () => (await laptop.get<Cloud>('/api/cloud')).state === 'offline', 'the device to notice');
    const { id } = await laptop.document('page');
    await laptop.get(`/api/projects/${laptop.project.id}/documents/${id}/move`, { body: { path: 'renamed' } });
    await writeFile(join(laptop.folder, 'new.md'), 'New\n');
    const other = await laptop.document('sub/other');
    await laptop.ask(`/api/projects/${laptop.project.id}/documents/${other.id}`, { method: 'DELETE' });
    await cloud.start();
    await eventually(async () => (await documentsIn(cloud, laptop)).join() === 'new,renamed', 'the names in the cloud');
    const stock = cloud.stock(laptop.userId, laptop.project.slug, 'renamed');
    await eventually(() => textOf(stock) === '# Page\n', 'the text under its new name');
  });

  test('CLOUD-3 nobody is let in without the token, and no other person with it', async ({ cloud, laptop }) => {
    const refused = await laptop.ask('/api/cloud', { body: { url: cloud.origin, token: 'not-this-one' } });
    expect([refused.status, refused.json]).toMatchObject([401, { error: { code: 'unauthorized' } }]);
    expect(await laptop.get<Cloud>('/api/cloud')).toEqual({ state: 'none' });
    await login(laptop, cloud);
    await eventually(async () => (await documentsIn(cloud, laptop)).length === 2, 'both documents to be there');

    await using stranger = await startDevice({ files: { 'mine.md': 'Mine\n' } });
    const other = await stranger.ask('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
    expect([other.status, other.json]).toMatchObject([403, { error: { code: 'forbidden' } }]);
    expect((await cloud.get<{ projects: Project[] }>('/api/projects')).json.projects.map(({ id }) => id)).toEqual([
      laptop.project.id,
    ]);
    for (const token of ['', 'not-this-one'])
      for (const path of ['/stats', '/api/projects', `/api/documents/${laptop.userId}`])
        expect((await cloud.get(path, token)).status).toBe(401);
    expect((await cloud.get('/health', '')).json).toEqual({ status: 'ok' });
    for (const path of [`/api/documents/${stranger.userId}`, `/api/projects/${stranger.project.id}/documents`])
      expect((await cloud.get(path)).status).toBe(404);
  });

  test('CLOUD-4 a device that has left tells the cloud nothing more, and says so', async ({ cloud, laptop }) => {
    await login(laptop, cloud);
    await eventually(async () => (await documentsIn(cloud, laptop)).length === 2, 'both documents to be there');
    expect((await laptop.ask('/api/cloud', { method: 'DELETE' })).status).toBe(204);
    expect(await laptop.get<Cloud>('/api/cloud')).toEqual({ state: 'none' });
    await eventually(
      async () => (await cloud.get<{ devices: number }>('/stats')).json.devices === 0,
      'the cloud to notice',
    );
    await laptop.kill();
    await laptop.start();
    expect(await laptop.get<Cloud>('/api/cloud')).toEqual({ state: 'none' });
    expect((await cloud.get<{ devices: number }>('/stats')).json.devices).toBe(0);
  });
});
