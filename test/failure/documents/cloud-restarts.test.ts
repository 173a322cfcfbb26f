/**
 * A cloud that is restarted over and over, and whose database goes away, while five people type and a cell runs.
 *
 * R6: everybody ends with the same text, every word in it once, and the run goes on.
 * R5: while the database is away people go on, nothing is said to be saved and no document is opened as an empty one; all
 * is saved once it is back.
 *
 * `MARKCO_TRIALS=20`: the 20 restarts of R6. `MARKCO_AWAY_MS=300000 MARKCO_BACKLOG=10000`: the five minutes of R5.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, Run } from '@markco/protocol';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { startCloud, type CloudProgram } from '../../conformance/cloud.fixture.ts';
import { eventually, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';
import { markersIn, sitDown, type Typist } from './processes.fixture.ts';

const EDITORS = 5;
const EVERY_MS = 100;
const RESTARTS = 1;
const AWAY_MS = Number(process.env['MARKCO_AWAY_MS'] ?? 2_000);
const BACKLOG = Number(process.env['MARKCO_BACKLOG'] ?? 1_000);
const SOON_MS = 60_000;
const PRINTS = 'for at in $(seq 1 60); do echo "line $at"; sleep 0.05; done';
const FILES = {
  'page.md': '# Page\n',
  'unread.md': '# Unread\n',
  'cell.md': `# Cell\n\n\`\`\`bash\n${PRINTS}\n\`\`\`\n`,
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function sit(cloud: CloudProgram, laptop: Device, name: string, page: string): Typist {
  return sitDown(name, `sync/${laptop.userId}/${laptop.project.slug}/${page}`, () => cloud);
}

/** Logs the laptop in, and has five people at the page. */
async function begin(cloud: CloudProgram, laptop: Device): Promise<readonly Typist[]> {
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const listed = async (): Promise<boolean> =>
    (await cloud.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents?.length ===
    Object.keys(FILES).length;
  await eventually(listed, 'the documents in the cloud', SOON_MS);
  const typists = Array.from({ length: EDITORS }, (_, at) => sit(cloud, laptop, `${at}`, 'page'));
  await eventually(() => typists.every(({ text }) => text().startsWith('# Page')), 'all to be there', SOON_MS);
  return typists;
}

/** Everybody has one text, every word of everybody in it once, and so has the file of the laptop. How long it took. */
async function converges(typists: readonly Typist[], laptop: Device): Promise<number> {
  const began = performance.now();
  const typed = typists.reduce((sum, each) => sum + each.typed.length, 0);
  const isOne = (): boolean => {
    const lengths = new Set(typists.map(({ doc }) => doc.getText('content').length));
    if (lengths.size > 1) return false;
    const texts = new Set(typists.map(({ text }) => text()));
    return texts.size === 1 && markersIn([...texts][0] ?? '').size === typed;
  };
  await eventually(isOne, 'one text', SOON_MS);
  const took = performance.now() - began;
  await eventually(
    async () => (await readFile(join(laptop.folder, 'page.md'), 'utf8')) === typists[0]?.text(),
    'the file of the laptop',
    SOON_MS,
  );
  expect([...markersIn(typists[0]?.text() ?? '').values()].every((times) => times === 1)).toBe(true);
  const isSaved = (each: Typist): boolean => each.acknowledged() === each.typed.length;
  await eventually(() => typists.every(isSaved), 'everything to be acknowledged', SOON_MS);
  return took;
}

async function restartsWhileTyping(cloud: CloudProgram, laptop: Device, typists: readonly Typist[], store: string) {
  const { numRuns, seed } = trials(`R6 restarts on ${store}`, RESTARTS);
  const random = chance(seed);
  const { id: documentId } = await laptop.document('cell');
  const took: number[] = [];
  let run: Run | undefined;
  for (let at = 0; at < numRuns; at++) {
    if (run === undefined || run.state === 'completed')
      run = await laptop.get<Run>('/api/runs', {
        body: { id: newRunId(), projectId: laptop.project.id, documentId, language: 'bash', code: PRINTS },
      });
    let isOver = false;
    const typing = typists.map(async (typist) => {
      while (!isOver) {
        typist.type();
        await pause(EVERY_MS);
      }
    });
    await pause(random() * 500);
    if (random() < 0.5) await cloud.kill();
    else expect(await cloud.stop()).toBe(0);
    await cloud.start();
    isOver = true;
    await Promise.all(typing);
    took.push(await converges(typists, laptop));
    const path = `/api/runs/${run.id}`;
    if (at === numRuns - 1)
      await eventually(async () => (await laptop.get<Run>(path)).state === 'completed', 'the run to end', SOON_MS);
    run = await laptop.get<Run>(path);
  }
  const cell = sit(cloud, laptop, 'reader', 'cell');
  await eventually(() => cell.text().includes('line 60\n'), 'the whole output in the cloud', SOON_MS);
  expect(cell.text().match(/^line 60$/gm)).toHaveLength(1);
  cell.provider.destroy();
  const edits = typists.reduce((sum, each) => sum + each.typed.length, 0);
  took.sort((a, b) => a - b);
  const middle = Math.round(took[Math.floor(took.length / 2)] ?? 0);
  const most = Math.round(took.at(-1) ?? 0);
  console.log(`  ${numRuns} restarts on ${store}, ${edits} edits: one text after ${middle} ms, ${most} ms at most`);
}

const leave = (typists: readonly Typist[]): void => typists.forEach(({ provider }) => provider.destroy());

test('R6 a cloud with a store of its own is restarted while five people type and a cell runs: every word once', async () => {
  await using cloud = await startCloud();
  await using laptop = await startDevice({ files: FILES });
  const typists = await begin(cloud, laptop);
  await restartsWhileTyping(cloud, laptop, typists, 'Level');
  leave(typists);
}, 900_000);

test('R5 R6 a cloud with a database: the same, and the database goes away with edits on their way', async ({
  skip,
}) => {
  skip(NO_POSTGRES !== undefined, NO_POSTGRES);
  await using postgres = await startPostgres();
  const url = await postgres.database();
  await using cloud = await startCloud({ DATABASE_URL: url });
  await using laptop = await startDevice({ files: FILES });
  const typists = await begin(cloud, laptop);
  const [one, two] = typists;
  if (one === undefined || two === undefined) return expect.unreachable();
  const { id: documentId } = await laptop.document('unread');
  // What nobody has opened since the cloud was started it has to read.
  await laptop.kill();
  await cloud.kill();
  await cloud.start();
  one.type();
  await eventually(() => one.acknowledged() === 1, 'everybody to be back', SOON_MS);
  const isAlone = async (): Promise<boolean> =>
    (await cloud.get<{ openDocuments: number }>('/stats')).json.openDocuments === 1;
  await eventually(isAlone, 'only the page to be in memory', SOON_MS);

  await postgres.kill();
  const began = performance.now();
  while (one.typed.length <= BACKLOG) {
    for (let at = 0; at < 100; at++) one.type();
    await pause(0);
  }
  await eventually(() => two.text() === one.text(), 'the others to see all of it', SOON_MS);
  const fresh = sit(cloud, laptop, 'fresh', 'unread');
  const page = cloud.client().openDocument({ projectId: laptop.project.id, documentId });
  await pause(Math.max(0, AWAY_MS - (performance.now() - began)));
  // Neither as an empty document nor as anything else, and nothing is said to be saved.
  const seen = [fresh.provider.synced, fresh.text(), page.status.get().synced, page.text.toString()];
  expect(seen).toEqual([false, '', false, '']);
  expect(one.acknowledged()).toBe(1);
  const away = performance.now() - began;
  await postgres.start();
  const back = performance.now();
  await eventually(() => one.acknowledged() === one.typed.length, 'all of it to be saved', SOON_MS);
  const drained = performance.now() - back;
  await eventually(() => fresh.text() === FILES['unread.md'], 'the other page, whole', SOON_MS);
  fresh.provider.destroy();
  const row = `SELECT content_text FROM documents WHERE doc_path = 'page'`;
  const rowIs = async (): Promise<boolean> =>
    (await postgres.rows<{ content_text: string }>(url, row))[0]?.content_text === one.text();
  await eventually(rowIs, 'the row', SOON_MS);
  console.log(
    `  database away ${Math.round(away)} ms, ${BACKLOG} edits saved ${Math.round(drained)} ms after it was back`,
  );

  await laptop.start();
  await restartsWhileTyping(cloud, laptop, typists, 'Postgres');
  leave(typists);
}, 900_000);
