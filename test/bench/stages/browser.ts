/**
 * The page in Chromium: switching and opening documents, typing in a large one, what other programs write.
 *
 * Frames are not held back to a display's rhythm (60 Hz alone would add up to 17 ms to every figure), so what is
 * measured is our work and the browser's until the frame with the change is handed over.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { chromiumPath, NO_CHROMIUM } from '../../browser/chromium.ts';
import { withFolder, type Bench, type Stage } from '../bench.ts';
import { quantile } from '../quantile.ts';
import type { Row } from '../result.ts';
import { projectFolder, startDevice, type Device } from '../servers/markco.ts';
import { delay } from '../wait.ts';

const NOTES = 20;
const LARGE_BYTES = 300_000;
const LIMIT_MS = 30_000;

declare global {
  interface Window {
    /** Resolves, with the time of day in ms, when a frame with this text in the editor was handed over. */
    painted(text: string): Promise<number>;
    /** When text was first there, in ms since the page was asked for. */
    firstText: number | undefined;
    keystrokes: number[];
  }
}

/** Runs in the page before anything else. */
function watchPage(): void {
  const shown = (): string => document.querySelector('.mc-pane:not(.mc-pane-hidden) .cm-content')?.textContent ?? '';
  const afterPaint = (work: () => void): void => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', work);
      port1.start();
      port2.postMessage(0);
    });
  };
  // Told by the document of its changes: asking at every frame would cost more than what is measured.
  const whenShown = (isThere: (text: string) => boolean, then: () => void): void => {
    if (isThere(shown())) return afterPaint(then);
    const observer = new MutationObserver(() => {
      if (!isThere(shown())) return;
      observer.disconnect();
      afterPaint(then);
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ['class'] });
  };
  window.painted = (text) =>
    new Promise((resolve) =>
      whenShown(
        (its) => its.includes(text),
        () => resolve(performance.timeOrigin + performance.now()),
      ),
    );
  whenShown(
    (text) => text !== '',
    () => (window.firstText = performance.now()),
  );
  window.keystrokes = [];
  addEventListener(
    'keydown',
    ({ timeStamp }) => afterPaint(() => window.keystrokes.push(performance.now() - timeStamp)),
    { capture: true },
  );
}

const marker = (note: number): string => `marker-of-note-${note}.`;

async function writeProject(folder: string): Promise<void> {
  const project = projectFolder(folder);
  await mkdir(project, { recursive: true });
  const words = 'Some words of a note, with *emphasis*, `code` and a [link](note-1.md). ';
  for (let note = 0; note < NOTES; note++) {
    await writeFile(
      join(project, `note-${note}.md`),
      `# Note ${note}\n\n${marker(note)}\n\n${`${words.repeat(4)}\n\n`.repeat(30)}`,
    );
  }
  const section = (at: number): string =>
    `## Section ${at}\n\n${words.repeat(6)}\n\n\`\`\`python\nprint(${at})\n\`\`\`\n\n- one\n- two\n\n`;
  let large = '# Large\n\nmarker-of-large.\n\n';
  for (let at = 0; large.length < LARGE_BYTES; at++) large += section(at);
  await writeFile(join(project, 'large.md'), large);
}

const linkTo = (device: Device, document: string): string => `${device.origin}/p/${device.slug}/${document}`;

async function openPage(context: BrowserContext, url: string, text: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  await page.goto(url);
  await page.evaluate((wanted) => window.painted(wanted), text);
  return page;
}

/** Bytes, gzipped, that the page asks for until the document is there. */
async function firstLoad(browser: Browser, device: Device): Promise<number> {
  const context = await newContext(browser);
  const bodies: Promise<Buffer>[] = [];
  context.on('response', (response) => {
    if (response.request().serviceWorker() === null && response.url().startsWith(device.origin))
      bodies.push(response.body().catch(() => Buffer.alloc(0)));
  });
  await openPage(context, `${linkTo(device, 'note-0')}#token=${device.token}`, marker(0));
  const loaded = [...bodies];
  const sizes = (await Promise.all(loaded)).map((body) => gzipSync(body).length);
  await context.close();
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function newContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
  await context.addInitScript(watchPage);
  return context;
}

/** Milliseconds from a press on each note in the tree to the frame that shows it. */
async function switches(page: Page, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let note = 0; note < NOTES; note++) {
      const ms = await page.evaluate(
        async ({ note: its, text }) => {
          const row = document.querySelector<HTMLElement>(
            `[role=treeitem][title^="note-${its}."], [role=treeitem][title="note-${its}"]`,
          );
          if (row === null) throw new Error(`note-${its} is not in the tree`);
          const began = performance.timeOrigin + performance.now();
          row.click();
          return (await window.painted(text)) - began;
        },
        { note, text: marker(note) },
      );
      times.push(ms);
      await delay(30);
    }
  }
  return times;
}

async function keystrokes(page: Page, keys: number): Promise<number[]> {
  const content = page.locator('.mc-pane:not(.mc-pane-hidden) .cm-content');
  await content.getByText('marker-of-large.').click();
  await page.keyboard.press('End');
  await page.evaluate(() => void (window.keystrokes = []));
  for (let key = 0; key < keys; key++) {
    await page.keyboard.press('abcdefgh '[key % 9] ?? 'x');
    await delay(20 + (key % 5) * 10);
  }
  await delay(200);
  return page.evaluate(() => window.keystrokes);
}

async function fileWrites(page: Page, file: string, count: number): Promise<number[]> {
  const times: number[] = [];
  const text = await readFile(file, 'utf8');
  for (let trial = 0; trial < count; trial++) {
    const line = `written-by-another-program-${trial}.`;
    const seen = page.evaluate((wanted) => window.painted(wanted), line);
    const began = performance.timeOrigin + performance.now();
    await writeFile(file, text.replace('\n\n', `\n\n${line}\n\n`));
    times.push((await seen) - began);
    await delay(100);
  }
  return times;
}

/** A quantile of a histogram of `/metrics`: the upper bound of its bucket. */
function bucketOf(metrics: string, name: string, part: number): number {
  const buckets = [...metrics.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)`, 'gm'))].map((match) => ({
    upTo: Number(match[1]),
    count: Number(match[2]),
  }));
  const total = buckets.at(-1)?.count ?? 0;
  return buckets.find(({ count }) => total > 0 && count >= part * total)?.upTo ?? Number.NaN;
}

async function measure(bench: Bench, browser: Browser, device: Device): Promise<Row[]> {
  const rows: Row[] = [];
  const add = (name: string, unit: string, ours: number, of?: number): void => {
    rows.push({
      stage: 'browser',
      measure: name,
      unit,
      ours,
      peers: {},
      ...(of === undefined ? {} : { target: { limit: 'at-most', of } as const }),
    });
  };
  const part = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      bench.skip(`browser, ${name}`, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  };
  await part('first load', async () =>
    add('first load, gzipped', 'KB', (await firstLoad(browser, device)) / 1_000, 350),
  );

  const context = await newContext(browser);
  const page = await openPage(context, `${linkTo(device, 'note-0')}#token=${device.token}`, marker(0));
  await part('switching', async () => {
    const first = await switches(page, 1);
    const again = await switches(page, bench.quick ? 2 : 5);
    add('switch to a document for the first time p95', 'ms', quantile(first, 0.95));
    add('hot switch p50', 'ms', quantile(again, 0.5));
    add('hot switch p95', 'ms', quantile(again, 0.95), 50);
  });
  await part('second visit', async () => {
    // The own copies are written by then.
    await delay(2_000);
    const visits: number[] = [];
    const opens: number[] = [];
    for (let visit = 0; visit < (bench.quick ? 5 : 15); visit++) {
      const note = visit % NOTES;
      const again = await openPage(context, linkTo(device, `note-${note}`), marker(note));
      visits.push((await again.evaluate(() => window.firstText)) ?? Number.NaN);
      opens.push(...(await switches(again, 1)));
      await again.close();
    }
    add('cached open p50 (a new page, documents from its own copy)', 'ms', quantile(opens, 0.5));
    add('cached open p95 (a new page, documents from its own copy)', 'ms', quantile(opens, 0.95), 100);
    add('second visit, whole page, address to text p50', 'ms', quantile(visits, 0.5));
    add('second visit, whole page, address to text p95', 'ms', quantile(visits, 0.95));
  });
  await part('file writes', async () => {
    const open = await openPage(context, linkTo(device, 'note-1'), marker(1));
    const times = await fileWrites(open, join(device.project, 'note-1.md'), bench.quick ? 10 : 30);
    add('file written by another program → page p50', 'ms', quantile(times, 0.5));
    add('file written by another program → page p95', 'ms', quantile(times, 0.95), 500);
    await open.close();
  });
  await part('typing', async () => {
    const large = await openPage(context, linkTo(device, 'large'), 'marker-of-large.');
    await keystrokes(large, 30);
    const times = await keystrokes(large, bench.quick ? 60 : 200);
    add('keystroke → paint p50, 300 KB document', 'ms', quantile(times, 0.5));
    add('keystroke → paint p95, 300 KB document', 'ms', quantile(times, 0.95), 16);
    await large.close();
  });
  await part('projection lag', async () => {
    await delay(1_000);
    add(
      'projection lag p95 (bucket of /metrics)',
      'ms',
      bucketOf(await (await device.get('/metrics')).text(), 'projection_lag_ms', 0.95),
      300,
    );
  });
  await context.close();
  return rows;
}

export const browser: Stage = {
  name: 'browser',
  about: 'the page in Chromium: switch, open, type, files of other programs',
  async run(bench) {
    if (chromiumPath === undefined) {
      bench.skip('browser', NO_CHROMIUM);
      return [];
    }
    const executablePath = chromiumPath;
    return withFolder(async (folder) => {
      await writeProject(folder);
      const device = await startDevice(folder);
      const running = await chromium.launch({
        executablePath,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--disable-background-networking',
          '--disable-frame-rate-limit',
          '--disable-gpu-vsync',
        ],
      });
      try {
        return await measure(bench, running, device);
      } finally {
        await running.close();
        await device.stop();
      }
    });
  },
};
