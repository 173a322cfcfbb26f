import { mkdir, writeFile, appendFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTestFolder, eventually, never, PROJECT } from './folder.fixture.ts';

const DOCUMENTS = 10_000;

/** The most processor time of this thread between two turns: waiting for a busy machine does not count. */
function longestTurn(): { stop(): number } {
  let before = process.threadCpuUsage();
  let longest = 0;
  let next = setImmediate(function turn() {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, user + system);
    before = process.threadCpuUsage();
    next = setImmediate(turn);
  });
  return {
    stop() {
      clearImmediate(next);
      return longest / 1_000;
    },
  };
}

test('a folder of 10,000 documents opens, and the event loop goes on meanwhile', async ({ annotate }) => {
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
  const watch = async (what: string, work: () => Promise<{ readonly documents: number }>): Promise<number> => {
    const startedAt = performance.now();
    const turns = longestTurn();
    const { documents } = await work();
    const longestMs = turns.stop();
    expect(documents).toBe(DOCUMENTS);
    await annotate(
      `${what} of ${DOCUMENTS} documents: ${((performance.now() - startedAt) / 1000).toFixed(2)} s, the longest turn of the event loop takes ${longestMs.toFixed(0)} ms of processor time`,
    );
    return longestMs;
  };
  const first = await watch('first opening', () => t.folder.open(never));
  const id = t.record('part-3/7.md').id;
  await t.folder.close();
  await appendFile(join(t.root, 'part-1/1.md'), 'more\n');
  await rename(join(t.root, 'part-3/7.md'), join(t.root, 'moved.md'));
  const again = await watch('opening again', async () => {
    await t.restart();
    return { documents: [...t.catalog.list(PROJECT)].length };
  });
  expect(t.record('moved.md').id).toBe(id);
  expect(Math.max(first, again)).toBeLessThan(100);

  await t.import('part-5/5.md');
  const startedAt = performance.now();
  t.type('part-5/5.md', 'typed ');
  await eventually(async () => (await t.read('part-5/5.md')).startsWith('typed '), 'an edit among 10,000');
  const out = performance.now() - startedAt;
  await unlink(join(t.root, paths[0] ?? ''));
  await eventually(() => t.catalog.byPath(PROJECT, paths[0] ?? '') === undefined, 'a delete among 10,000');
  await annotate(`an edit among ${DOCUMENTS} documents is in its file after ${out.toFixed(0)} ms`);
}, 120_000);
