/**
 * A device and a client of one version of MarkCo at a cloud of another: the newer at the older, and the other way round.
 *
 * `MARKCO_OLDER` is the folder of an older version, its packages installed (`git worktree add`, then `npm ci`).
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import type * as clients from '@markco/client';
import type { Cloud, Document } from '@markco/protocol';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startCloud } from './cloud.fixture.ts';
import { eventually, ids, newRunId, startDevice } from './device.fixture.ts';

const HERE = join(import.meta.dirname, '../..');
const OLDER = env['MARKCO_OLDER'];
const SOON_MS = 30_000;
const CODE = 'for at in 1 2 3; do echo "line $at"; done';
const PAGE = `# Page\n\n\`\`\`bash\n${CODE}\n\`\`\`\n`;

async function work(theirs: string, ours: string): Promise<void> {
  await using cloud = await startCloud({}, undefined, [], theirs);
  await using laptop = await startDevice({ files: { 'page.md': PAGE }, version: ours });
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const listed = async (): Promise<readonly Document[]> =>
    (await cloud.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents ?? [];
  await eventually(async () => (await listed()).length === 1, 'the document in the cloud', SOON_MS);
  const { openClient } = (await import(join(ours, 'packages/client/src/index.ts'))) as typeof clients;
  const client = openClient({
    ...{ origin: cloud.origin, token: cloud.token, fetch, ...ids },
    webSocket: (url) => new WebSocket(url) as unknown as clients.Socket,
  });
  const { id: documentId } = await laptop.document('page');
  const page = client.openDocument({ projectId: laptop.project.id, documentId });
  const file = join(laptop.folder, 'page.md');
  const isThere = (text: string): boolean => page.text.toString().includes(text);
  await eventually(() => isThere(CODE), 'the text at the client', SOON_MS);

  page.text.insert(page.text.length, '\nWritten at the cloud.\n');
  await eventually(async () => (await readFile(file, 'utf8')).includes('at the cloud'), 'the file', SOON_MS);
  await appendFile(file, '\nWritten in the file.\n');
  await eventually(() => isThere('in the file'), 'what was written in the file', SOON_MS);
  await laptop.get('/api/runs', {
    body: { id: newRunId(), projectId: laptop.project.id, documentId, language: 'bash', code: CODE },
  });
  await eventually(() => isThere('line 3\n'), 'the output at the client', SOON_MS);

  // What each writes while the cloud is away is there once it is back.
  await cloud.kill();
  page.text.insert(page.text.length, '\nWritten meanwhile at the client.\n');
  await appendFile(file, '\nWritten meanwhile in the file.\n');
  await cloud.start();
  await eventually(() => isThere('meanwhile in the file'), 'what the file has', SOON_MS);
  const whole = async (): Promise<boolean> => (await readFile(file, 'utf8')) === page.text.toString();
  await eventually(whole, 'one text', SOON_MS);
  const text = page.text.toString();
  for (const words of [
    'at the cloud',
    'in the file.\n\n',
    'meanwhile at the client',
    'meanwhile in the file',
    'line 3\n',
  ])
    expect(text.split(words).length, words).toBeGreaterThan(1);
  expect(text.match(/Written meanwhile/g)).toHaveLength(2);
  await client.close();
}

const why = 'it needs an older version: MARKCO_OLDER names its folder';

test('an older device and an older client work with this cloud', async ({ skip }) => {
  if (OLDER === undefined) return skip(why);
  await work(HERE, OLDER);
}, 180_000);

test('this device and this client work with an older cloud', async ({ skip }) => {
  if (OLDER === undefined) return skip(why);
  await work(OLDER, HERE);
}, 180_000);
