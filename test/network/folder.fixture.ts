/** For tests: three devices of one person, two of them behind routers, with one folder open on all and a page in it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project, ProjectId } from '@markco/protocol';
import { expect } from 'vitest';
import { pair, SOON, type LabDevice } from './device.fixture.ts';
import type { NatKind } from './lab.ts';

export type Three = {
  readonly laptop: LabDevice;
  readonly box: LabDevice;
  /** It passes on what the others say. */
  readonly nas: LabDevice;
  readonly projectId: ProjectId;
};

export const PAGE = 'page.md';

/** All are connected, each directly with each. */
export async function threeWithAFolder(
  device: (name: string, kind: NatKind) => Promise<LabDevice>,
  text: string,
): Promise<Three> {
  const nas = await device('nas', 'public');
  const laptop = await device('laptop', 'cone');
  const box = await device('box', 'cone');
  await Promise.all([nas.up('--relay'), laptop.up(), box.up()]);
  await pair(nas, laptop);
  await pair(nas, box);
  await writeFile(join(laptop.folder, PAGE), text);
  const { id: projectId } = await laptop.get<Project>('/api/projects/open-local', { localPath: laptop.folder });
  for (const each of [box, nas]) {
    const attach = () =>
      each.get(`/api/projects-elsewhere/${projectId}/attach`, { localPath: each.folder }).then(
        () => true,
        () => false,
      );
    await expect.poll(attach, SOON).toBe(true);
  }
  const all = { laptop, box, nas, projectId };
  await expect.poll(async () => (await waysOf(all)).every((way) => way === 'direct'), SOON).toBe(true);
  return all;
}

/** From each to each. */
export async function waysOf({ laptop, box, nas }: Three): Promise<readonly (string | null)[]> {
  const devices = [laptop, box, nas];
  return Promise.all(
    devices.flatMap((one) => devices.filter((each) => each !== one).map((other) => one.wayTo(other.name))),
  );
}
