/** A cloud that keeps what it is given in Postgres: real servers, killed and frozen. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, DocumentId, ProjectId } from '@markco/protocol';
import { NO_POSTGRES, startPostgres, type PostgresServer } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test as base } from 'vitest';
import { trials } from '../../setup/trials.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, startDevice, type Device } from './device.fixture.ts';

const SOON_MS = 30_000;
/** After each backup. */
const EDITS_LOST = 1_000;
const soon = (): AbortSignal => AbortSignal.timeout(SOON_MS);

const test = base.extend<{ postgres: PostgresServer; url: string; cloud: CloudProgram; laptop: Device }>({
  postgres: [
    async ({ skip }, use) => {
      skip(NO_POSTGRES !== undefined, NO_POSTGRES);
      await using postgres = await startPostgres();
      await use(postgres);
    },
    { auto: true },
  ],
  url: async ({ postgres }, use) => use(await postgres.database()),
  cloud: async ({ url }, use) => {
    await using cloud = await startCloud({ DATABASE_URL: url });
    await use(cloud);
  },
  laptop: async ({}, use) => {
    await using laptop = await startDevice({ files: { 'page.md': '# Page\n' } });
    await use(laptop);
  },
});

type Row = {
  user_id: string;
  project: string;
  doc_path: string;
  content_text: string;
  byte_size: number;
  yjs_state: Buffer;
};
const rowsOf = (postgres: PostgresServer, url: string): Promise<readonly Row[]> =>
  postgres.rows<Row>(url, 'SELECT * FROM documents ORDER BY doc_path');

/** Logs the laptop in and answers the page as the cloud has it. */
async function pageIn(cloud: CloudProgram, laptop: Device): Promise<{ projectId: ProjectId; documentId: DocumentId }> {
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const list = async (): Promise<readonly Document[]> =>
    (await cloud.get<{ documents: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents;
  const [page] = await eventually(async () => ((await list()).length > 0 ? list() : null), 'the page', SOON_MS);
  return { projectId: laptop.project.id, documentId: page?.id ?? expect.unreachable() };
}

test('what was acknowledged survives kill -9 of the cloud and of its database, and psql reads it', async ({
  postgres,
  url,
  cloud,
  laptop,
}) => {
  const page = await pageIn(cloud, laptop);
  await laptop.kill();
  const markers: string[] = [];
  for (let round = 0; round < 5; round++) {
    const client = cloud.client();
    const open = client.openDocument(page);
    await open.ready;
    for (let at = 0; at < 10; at++) {
      const marker = `⟦${round}.${at}⟧`;
      open.text.insert(0, marker);
      await open.saved(soon());
      markers.push(marker);
    }
    await Promise.all([cloud.kill(), postgres.kill()]);
    await client.close();
    await postgres.start();
    await cloud.start();
  }
  const read = cloud.client().openDocument(page);
  await read.ready;
  await eventually(() => read.status.get().synced, 'the text', SOON_MS);
  for (const marker of markers) expect(read.text.toString().split(marker)).toHaveLength(2);
  const text = read.text.toString();
  await eventually(async () => (await rowsOf(postgres, url))[0]?.content_text === text, 'the row', SOON_MS);
  const [row, ...others] = await rowsOf(postgres, url);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ user_id: laptop.userId, project: laptop.project.slug, doc_path: 'page' });
  expect(row?.byte_size).toBe(row?.yjs_state.length);
}, 120_000);

test('while the database is frozen people go on editing together, nothing is acknowledged, and all of it is once it is back', async ({
  postgres,
  url,
  cloud,
  laptop,
}) => {
  const page = await pageIn(cloud, laptop);
  await laptop.kill();
  const [one, two] = [cloud.client().openDocument(page), cloud.client().openDocument(page)];
  await Promise.all([one.ready, two.ready]);
  await eventually(() => one.status.get().synced && two.status.get().synced, 'both to be there', SOON_MS);
  postgres.signal('SIGSTOP');
  try {
    one.text.insert(0, 'first ');
    await eventually(() => two.text.toString().startsWith('first '), 'the edit to be passed on', SOON_MS);
    two.text.insert(0, 'second ');
    await eventually(() => one.text.toString().startsWith('second first '), 'that of the other one', SOON_MS);
    expect(one.status.get().pendingEdits).toBe(1);
    expect(two.status.get().pendingEdits).toBe(1);
    // Given up after five seconds without an answer.
    await eventually(
      async () => (await cloud.get<{ storage: string }>('/stats')).json.storage === 'storage_failed',
      'the store to be given up',
      SOON_MS,
    );
    expect([one.status.get().pendingEdits, two.status.get().pendingEdits]).toEqual([1, 1]);
    const fresh = await cloud.get(`/api/projects/${page.projectId}/documents`);
    expect(fresh.status).toBe(200);
  } finally {
    postgres.signal('SIGCONT');
  }
  await Promise.all([one.saved(soon()), two.saved(soon())]);
  await eventually(
    async () => (await rowsOf(postgres, url))[0]?.content_text.startsWith('second first ') === true,
    'the row',
    SOON_MS,
  );
  expect(cloud.log()).toContain('storage.recovered');
}, 120_000);

test('R22 a cloud that is restored from an old backup gets from the devices what it lost', async ({
  postgres,
  url,
  laptop,
}) => {
  const { numRuns } = trials('R22 restores of an old backup', 1);
  await using clouds = new AsyncDisposableStack();
  let of = url;
  let cloud = clouds.use(await startCloud({ DATABASE_URL: of }));
  const page = await pageIn(cloud, laptop);
  await eventually(async () => (await rowsOf(postgres, of)).length === 1, 'the row', SOON_MS);
  const open = laptop.client().openDocument(page);
  await open.ready;
  for (let restore = 1; restore <= numRuns; restore++) {
    const backup = postgres.backUp(of);
    for (let at = 0; at < EDITS_LOST; at++) open.text.insert(0, `⟦${restore}-${at}⟧`);
    await open.saved(soon());
    await writeFile(join(laptop.folder, `later-${restore}.md`), `made after backup ${restore}`);
    const isThere = async (): Promise<boolean> => {
      const texts = (await rowsOf(postgres, of)).map((row) => row.content_text);
      return (
        texts.length === restore + 1 &&
        texts.includes(`made after backup ${restore}`) &&
        texts.includes(open.text.toString())
      );
    };
    await eventually(isThere, 'everything in the cloud', SOON_MS);
    await cloud.kill();
    of = await postgres.restore(backup);
    expect(await rowsOf(postgres, of)).toHaveLength(restore);
    const port = new URL(cloud.origin).port;
    cloud = clouds.use(await startCloud({ DATABASE_URL: of, MARKCO_PORT: port }, cloud.token));
    await eventually(isThere, 'everything in the restored cloud', SOON_MS);
    const read = cloud.client().openDocument(page);
    await read.ready;
    await eventually(() => read.text.toString() === open.text.toString(), 'the text', SOON_MS);
    for (let at = 0; at < EDITS_LOST; at++) expect(read.text.toString().split(`⟦${restore}-${at}⟧`)).toHaveLength(2);
  }
}, 300_000);

test('a cloud does not start without its database, and says so', async ({ postgres, url }) => {
  await postgres.kill();
  await expect(startCloud({ DATABASE_URL: url })).rejects.toThrow('The database in DATABASE_URL cannot be reached');
});
