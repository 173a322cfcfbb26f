/** A project of many small pages, and how it is known to be on another device. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MeshDevice } from '../../servers/mesh.ts';
import { delay, eventually } from '../../wait.ts';

const ALL_MS = 600_000;

export const pages = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `folder-${at % 20}/page-${at}.md`,
      `# Page ${at}\n\nWords of page ${at}.\n`,
    ]),
  );

/** Resolves when a device has a file with this text; when it was written there, Unix milliseconds. */
export const arrived = (device: MeshDevice, path: string, text: string): Promise<number> =>
  eventually(`${path} on ${device.name}`, ALL_MS, async () => {
    const file = join(device.folder, path);
    if ((await readFile(file, 'utf8').catch(() => '')) !== text) return undefined;
    return (await stat(file)).mtimeMs;
  });

export async function allArrived(device: MeshDevice, count: number): Promise<void> {
  await eventually(`${count} pages on ${device.name}`, ALL_MS, async () => {
    await delay(500);
    const { documents } = await device.api<{ documents: unknown[] }>(`/api/projects/${device.projectId}/documents`);
    return documents.length === count ? true : undefined;
  });
  for (const [path, text] of Object.entries(pages(count)).filter((_, at) => at % 97 === 0))
    await arrived(device, path, text);
}
