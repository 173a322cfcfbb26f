/** A published project of 200 pages: how soon a save is public, how large a page is, and how long a reader waits. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventually, startDevice } from '../../conformance/device.fixture.ts';
import { startCloud } from '../../conformance/cloud.fixture.ts';
import type { Stage } from '../bench.ts';
import { median, quantile } from '../quantile.ts';
import type { Row } from '../result.ts';

const PAGES = 200;
/** About a chapter of a book. */
const WORDS = 8_000;
const READS = 50;

/** Words of a made-up language, so that they pack as badly as real ones. */
function wordsOf(seed: number): string[] {
  let state = seed + 1;
  const next = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const syllable = (): string => 'bdfgklmnprstvz'.charAt(next(14)) + 'aeiou'.charAt(next(5));
  const vocabulary = Array.from({ length: 3_000 }, () => Array.from({ length: 1 + next(4) }, syllable).join(''));
  return Array.from({ length: WORDS }, () => vocabulary[Math.min(next(3_000), next(3_000))] ?? '');
}

function chapter(at: number): string {
  const lines = wordsOf(at).map((word, index) => (index % 60 === 59 ? `${word}.\n\n` : `${word} `));
  return `# Chapter ${at}\n\n${lines.join('')}[On](note-${(at + 1) % PAGES}.md)\n\n\`\`\`python\nprint(${at})\n\`\`\`\n`;
}

export const publish: Stage = {
  name: 'publish',
  about: `a published project of ${PAGES} pages: a save until it is public, the size of a page, the wait of a reader`,
  async run(bench) {
    await using cloud = await startCloud();
    const files = Object.fromEntries(Array.from({ length: PAGES }, (_, at) => [`note-${at}.md`, chapter(at)]));
    await using laptop = await startDevice({ files });
    await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
    const route = `/api/projects/${laptop.project.id}/publication`;
    const published = async (): Promise<boolean> => {
      const { status, json } = await laptop.ask(route, { method: 'PUT', body: { userName: 'bench' } });
      return status === 200 && (json as { pages: number }).pages === PAGES;
    };
    await eventually(published, 'all pages to be public', 120_000);
    const url = `${cloud.origin}/@bench/notes`;
    const read = async (path: string): Promise<{ readonly text: string; readonly ms: number }> => {
      const from = performance.now();
      const text = await (await fetch(url + path)).text();
      return { text, ms: performance.now() - from };
    };
    const first = [];
    for (let at = 0; at < READS; at++) first.push((await read(`/note-${at}`)).ms);
    const again = [];
    for (let at = 0; at < READS; at++) again.push((await read(`/note-${at}`)).ms);
    const saves = [];
    for (let round = 0; round < (bench.quick ? 3 : 10); round++) {
      const mark = `Saved in round ${round}.`;
      const from = performance.now();
      await writeFile(join(laptop.folder, 'note-0.md'), `${chapter(0)}\n${mark}\n`);
      await eventually(async () => (await read('/note-0')).text.includes(mark), 'the save to be public', 30_000);
      saves.push(performance.now() - from);
    }
    const { text } = await read('/note-1');
    const row = (measure: string, unit: string, ours: number, of: number): Row => ({
      stage: this.name,
      measure,
      unit,
      ours,
      peers: {},
      target: { limit: 'at-most', of },
    });
    return [
      row('saved in a file to public, p95', 'ms', quantile(saves, 0.95), 5_000),
      row(`a page of ${WORDS} words, gzipped`, 'KB', gzipSync(text).length / 1_000, 60),
      row('a page that was not drawn yet, median', 'ms', median(first), 500),
      row('a page that was drawn before, median', 'ms', median(again), 100),
    ];
  },
};
