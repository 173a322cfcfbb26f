import { mkdir, writeFile, appendFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { createTestFolder, eventually, never, PROJECT } from './folder.fixture.ts';

const DOCUMENTS = 10_000;

test('a folder of 10,000 documents opens within seconds, and the event loop goes on meanwhile', async ({
  annotate,
}) => {
  await using t = await createTestFolder();
  const paths: string[] = [];
  for (let i = 0; i < 100; i++) {
    await mkdir(join(t.root, `part-${i}`));
    const names = Array.from({ length: DOCUMENTS / 100 }, (_, j) => `part-${i}/${j}.md`);
    await Promise.all(
      names.map((name) =>
        writeFile(join(t.root, name), `# Document ${name}\n\n${'A line of text, and another one.\n'.repeat(60)}`),
      ),
    );
    paths.push(...names);
  }
  const measure = async (what: string, work: () => Promise<{ readonly documents: number }>): Promise<number> => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const startedAt = performance.now();
    const { documents } = await work();
    const took = performance.now() - startedAt;
    delay.disable();
    expect(documents).toBe(DOCUMENTS);
    await annotate(
      `${what} of ${DOCUMENTS} documents: ${(took / 1000).toFixed(2)} s, event loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(0)} ms, max ${(delay.max / 1e6).toFixed(0)} ms`,
    );
    expect(took).toBeLessThan(20_000);
    return delay.max / 1e6;
  };
  const first = await measure('first opening', () => t.folder.open(never));
  const id = t.record('part-3/7.md').id;
  await t.folder.close();
  await appendFile(join(t.root, 'part-1/1.md'), 'more\n');
  await rename(join(t.root, 'part-3/7.md'), join(t.root, 'moved.md'));
  const again = await measure('opening again', async () => {
    await t.restart();
    return { documents: [...t.catalog.list(PROJECT)].length };
  });
  expect(t.record('moved.md').id).toBe(id);
  // Two cores are shared with other tests: the gate is twice what is wanted.
  expect(Math.max(first, again)).toBeLessThan(200);

  await t.import('part-5/5.md');
  const startedAt = performance.now();
  t.type('part-5/5.md', 'typed ');
  await eventually(async () => (await t.read('part-5/5.md')).startsWith('typed '), 'an edit among 10,000');
  const out = performance.now() - startedAt;
  await unlink(join(t.root, paths[0] ?? ''));
  await eventually(() => t.catalog.byPath(PROJECT, paths[0] ?? '') === undefined, 'a delete among 10,000');
  await annotate(`an edit among ${DOCUMENTS} documents is in its file after ${out.toFixed(0)} ms`);
}, 120_000);
