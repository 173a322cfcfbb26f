/** What a device knows of its cloud when it is started again: a cloud that went back meanwhile, and what was said of it. */
import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud } from '@markco/protocol';
import { expect, test } from 'vitest';
import { startCloudHere } from './cloud-here.fixture.ts';
import { eventually, startDevice, type Device } from './device.fixture.ts';

type Kept = { readonly doubts: readonly unknown[]; words: [string, string, number][] };

const cloudOf = async (device: Device): Promise<Exclude<Cloud, { state: 'none' }>> => {
  const cloud = await device.get<Cloud>('/api/cloud');
  return cloud.state === 'none' ? expect.unreachable('no cloud') : cloud;
};
const doubtsOf = async (device: Device): Promise<readonly string[]> =>
  ((await cloudOf(device)).doubts ?? []).map(({ message }) => message);
const SAID = [expect.stringContaining('It lacks edits of page that it had said were saved')];

test('a cloud that goes back while the laptop is off is found out, and it is said until a person has seen to it', async () => {
  await using cloud = await startCloudHere();
  await using laptop = await startDevice({ files: { 'page.md': '# Page\n' } });
  const file = join(laptop.home, 'cloud-trust.json');
  const kept = async (): Promise<Kept | undefined> =>
    JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) as Kept | undefined;
  const hasAll = async (): Promise<boolean> => {
    const { state, unsaved } = await cloudOf(laptop);
    return state === 'connected' && unsaved === undefined;
  };
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  await eventually(hasAll, 'the page to be in the cloud');
  await cloud.stop();
  const [store, old] = [join(cloud.home, 'store'), join(cloud.home, 'old')];
  await cp(store, old, { recursive: true });
  await cloud.start();
  await eventually(hasAll, 'the cloud to be back');
  await writeFile(join(laptop.folder, 'page.md'), '# Page\n\nWritten later.\n');
  const textThere = async (): Promise<boolean> => {
    const headers = { authorization: `Bearer ${cloud.token}` };
    const answer = await fetch(`${cloud.origin}/api/documents/${laptop.userId}`, { headers });
    return ((await answer.json()) as { documents: { sizeBytes: number }[] }).documents[0]?.sizeBytes === 23;
  };
  await eventually(async () => (await textThere()) && (await hasAll()), 'the edit to be there');

  await laptop.stop();
  await cloud.stop();
  await rm(store, { recursive: true });
  await cp(old, store, { recursive: true });
  await cloud.start();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const before = (await kept()) ?? expect.unreachable('nothing was kept');
  // As if the laptop had been off for a while: what was just said proves nothing.
  await writeFile(
    file,
    JSON.stringify({ ...before, words: before.words.map(([id, said, at]) => [id, said, at - 60_000]) }),
  );
  await laptop.start();
  await eventually(async () => (await doubtsOf(laptop)).length > 0, 'it to be found out');
  expect(await doubtsOf(laptop)).toEqual(SAID);
  await eventually(textThere, 'the cloud to have it again');

  await eventually(async () => (await kept())?.doubts.length === 1, 'it to be written down');
  await laptop.kill();
  await laptop.start();
  await eventually(hasAll, 'the cloud');
  expect(await doubtsOf(laptop)).toEqual(SAID);
  expect((await laptop.ask('/api/cloud/doubts', { method: 'DELETE' })).status).toBe(204);
  expect(await doubtsOf(laptop)).toEqual([]);
  await laptop.stop();
  // What cannot be read accuses nobody, and stops nothing.
  expect((await kept())?.doubts).toEqual([]);
  await writeFile(file, '{"cloud":');
  await laptop.start();
  await eventually(hasAll, 'the cloud');
  expect(await doubtsOf(laptop)).toEqual([]);
  // Without a cloud there is nothing to be known of it.
  expect((await laptop.ask('/api/cloud', { method: 'DELETE' })).status).toBe(204);
  await laptop.stop();
  expect(await kept()).toBeNull();
});
