/** A thousand real pages in one project: found, searched, edited in some, and byte for byte the same in all others. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openClient, type Socket } from '@markco/client';
import { WebSocket } from 'ws';
import { startDevice } from '../browser/device.ts';
import { copyMarkdown } from './real-folder.ts';

const EDITED = 20;

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('real pages are opened, searched and edited, and what nobody touched stays byte for byte', async () => {
  const { folder, names } = await copyMarkdown();
  const read = (name: string): Promise<Uint8Array> => readFile(join(folder.path, name));
  const device = await startDevice();
  const client = openClient({
    origin: `http://127.0.0.1:${device.port}`,
    token: device.token,
    webSocket: (url) => new WebSocket(url) as unknown as Socket,
    fetch,
    now: Date.now,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  });
  try {
    expect(names.length).toBeGreaterThanOrEqual(500);
    const before = new Map(await Promise.all(names.map(async (name) => [name, hashOf(await read(name))] as const)));
    const started = performance.now();
    const project = await device.api('openLocal', { body: { localPath: folder.path } });
    const opened = performance.now() - started;
    const { documents } = await device.api('documents', { params: { id: project.id } });
    expect(documents.length).toBe(names.length);

    const asked = performance.now();
    const { hits } = await device.api('search', { params: { id: project.id }, query: { q: 'license' } });
    const searched = performance.now() - asked;
    expect(hits.length).toBeGreaterThan(50);

    const seed = Date.now() % 1_000_000;
    const [chosen] = fc.sample(fc.shuffledSubarray([...documents], { minLength: EDITED, maxLength: EDITED }), {
      seed,
      numRuns: 1,
    });
    const edited = new Map<string, string>();
    for (const document of chosen ?? []) {
      const open = client.openDocument({ projectId: project.id, documentId: document.id });
      await open.ready;
      const at = Math.floor(open.text.length / 2);
      open.text.insert(at, `‹edit of seed ${seed}›`);
      await open.saved(AbortSignal.timeout(20_000));
      edited.set(document.path + document.ext, open.text.toString());
      open.close();
    }
    for (const [name, text] of edited)
      await expect
        .poll(
          async () =>
            Buffer.from(await read(name))
              .toString()
              .replaceAll('\r\n', '\n')
              .replace(/^\uFEFF/, ''),
          { timeout: 20_000 },
        )
        .toBe(text.replaceAll('\r\n', '\n').replace(/^\uFEFF/, ''));
    const changed: string[] = [];
    for (const name of names)
      if (!edited.has(name) && hashOf(await read(name)) !== before.get(name)) changed.push(name);
    expect(changed, `seed ${seed}`).toEqual([]);
    process.stderr.write(
      `${names.length} real pages: opened in ${Math.round(opened)} ms, searched in ${Math.round(searched)} ms, ${edited.size} edited, 0 others changed (seed ${seed})\n`,
    );
  } finally {
    await client.close();
    await device.close();
    await rm(folder.path, { recursive: true, force: true });
  }
});
