/**
 * The disk of a cloud is full (a tmpfs of 16 MiB holds its home) while two people type there, a device writes, and a cell
 * runs. Nothing is said to be saved, everything else goes on, and all is saved once there is room again.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, Run } from '@markco/protocol';
import { expect, test } from 'vitest';
import { startCloud } from '../../conformance/cloud.fixture.ts';
import { eventually, newRunId, startDevice } from '../../conformance/device.fixture.ts';
import { placeOf } from '../../conformance/agents.fixture.ts';
import { follow } from '../../conformance/follow.fixture.ts';
import { printedBy, startSpeaker } from '../../conformance/speaker.fixture.ts';
import { smallDisk, withTemporaryFolder } from '../small-disk.ts';
import { markersIn, sitDown } from './processes.fixture.ts';

const DISK_BYTES = 16 * 1024 * 1024;
const SOON_MS = 60_000;
const CODE = 'for at in 1 2 3; do echo "line $at"; sleep 0.2; done';
const FILES = { 'page.md': '# Page\n', 'cell.md': `# Cell\n\n\`\`\`bash\n${CODE}\n\`\`\`\n` };

test('a cloud on a full disk acknowledges nothing, goes on, and has everything once there is room', async ({
  skip,
}) => {
  await using disk = await smallDisk(DISK_BYTES);
  if (disk === undefined) return skip('a disk of its own can only be mounted by root');
  await using cloud = await withTemporaryFolder(disk.folder, () => startCloud());
  await using laptop = await startDevice({ files: FILES });
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const listed = async (): Promise<boolean> =>
    (await cloud.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents?.length === 2;
  await eventually(listed, 'the documents in the cloud', SOON_MS);
  const path = `sync/${laptop.userId}/${laptop.project.slug}`;
  const [one, two] = [sitDown('one', `${path}/page`, () => cloud), sitDown('two', `${path}/page`, () => cloud)];
  one.type();
  await eventually(() => one.acknowledged() === 1 && two.text() === one.text(), 'both to be there', SOON_MS);
  const storage = async (): Promise<string> => (await cloud.get<{ storage: string }>('/stats')).json.storage;
  const unsaved = async (): Promise<number> => {
    const state = await laptop.get<Cloud>('/api/cloud');
    return state.state === 'none' ? 0 : (state.unsaved?.documents ?? 0);
  };

  const place = placeOf(cloud, laptop.userId, laptop.project.id, (await laptop.document('cell')).id);
  const { token } = await place.addAgent('attic');
  using speaker = startSpeaker(token, () => cloud);
  await eventually(() => speaker.isConnected(), 'the agent', SOON_MS);
  const { id: onAgent } = await place.submit('1', { runOn: 'attic' });
  await eventually(() => speaker.acknowledged(onAgent) > 0, 'the run at the agent', SOON_MS);
  const agent = follow(cloud.client(), onAgent);

  const fill = async (): Promise<boolean> => {
    await disk.fill(0);
    for (let at = 0; at < 20; at++) one.type();
    return (await storage()) === 'disk_full';
  };
  await eventually(fill, 'the disk to refuse', SOON_MS);
  const { id: documentId } = await laptop.document('cell');
  const run = await laptop.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: laptop.project.id, documentId, language: 'bash', code: CODE },
  });
  two.type();
  await eventually(() => one.text() === two.text(), 'people to go on', SOON_MS);
  const page = join(laptop.folder, 'page.md');
  await eventually(async () => (await readFile(page, 'utf8')) === one.text(), 'the device to go on', SOON_MS);
  await writeFile(page, `written on the device\n${one.text()}`);
  await eventually(() => two.text().startsWith('written on the device'), 'what the device writes', SOON_MS);
  await eventually(
    async () => (await laptop.get<Run>(`/api/runs/${run.id}`)).state === 'completed',
    'the run',
    SOON_MS,
  );
  // The store may find room of its own for a moment; while it does not, nothing is said to be saved.
  await eventually(
    async () => (await disk.fill(0), (await unsaved()) > 0 && (await storage()) === 'disk_full'),
    'it',
    SOON_MS,
  );
  expect(one.acknowledged()).toBeLessThan(one.typed.length);

  await disk.free();
  await eventually(() => [one, two].every((each) => each.acknowledged() === each.typed.length), 'all saved', SOON_MS);
  await eventually(async () => (await unsaved()) === 0, 'the cloud to say so to the device', SOON_MS);
  speaker.finish(onAgent);
  expect(await agent).toMatchObject({ run: { state: 'completed' }, text: printedBy(speaker.printed(onAgent)) });
  await cloud.kill();
  await cloud.start();
  const fresh = [sitDown('late', `${path}/page`, () => cloud), sitDown('late', `${path}/cell`, () => cloud)] as const;
  await eventually(() => fresh[0].text() === one.text() && fresh[1].text().includes('line 3\n'), 'all of it', SOON_MS);
  const counts = markersIn(fresh[0].text());
  expect(counts.size).toBe(one.typed.length + two.typed.length);
  expect([...counts.values()].every((times) => times === 1)).toBe(true);
  for (const { provider } of [one, two, ...fresh]) provider.destroy();
}, 300_000);
