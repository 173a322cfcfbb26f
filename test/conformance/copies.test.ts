/** What a client is told of where a document is: of the state it has itself, by the digest that it can work out. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, summarizeDoc, type Copies, type Project } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually } from './device.fixture.ts';
import { connectedTo, pair, SOON_MS, start } from './paired.fixture.ts';

test('SYNC-5 a client is told of exactly the state it sees on which devices it is, and again when that changes', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using desk = await start('desk');
  await pair(laptop, desk);
  await eventually(async () => (await connectedTo(desk)).includes('laptop'), 'the two to be connected', SOON_MS);
  const { id } = laptop.project;
  const isHeardOf = async () =>
    (await desk.get<{ projects: { project: Project }[] }>('/api/projects-elsewhere')).projects.length > 0;
  await eventually(isHeardOf, 'the project of the other', SOON_MS);
  const localPath = join(desk.root, 'attached');
  await mkdir(localPath);
  await desk.get(`/api/projects-elsewhere/${id}/attach`, { body: { localPath } });

  const client = laptop.client();
  let last: Copies | undefined;
  client.watchProject(id, ({ copies }) => (last = copies ?? last));
  const open = client.openDocument({ projectId: id, documentId: (await laptop.document('page')).id });
  await open.ready;
  const digest = (): string => Buffer.from(digestOf(summarizeDoc(open.doc))).toString('hex');
  const isInSync = (): boolean =>
    last?.digest === digest() && last.devices.length === 2 && last.devices.every(({ has }) => has);
  await eventually(isInSync, 'both to have it', SOON_MS);
  expect(last).toMatchObject({
    devices: [
      { name: 'laptop', online: true },
      { name: 'desk', online: true },
    ],
  });

  await desk.stop();
  open.text.insert(0, 'while the other is away ');
  expect(last?.digest === digest()).toBe(false);
  await eventually(() => last?.digest === digest() && last.devices.at(1)?.online === false, 'that it is away', SOON_MS);
  expect(last?.devices.map(({ has }) => has)).toEqual([true, false]);
  await desk.start();
  await eventually(isInSync, 'both to have it again', SOON_MS);
});
