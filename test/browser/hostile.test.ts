/** T6: whatever a document, a file name or a program says, no script of it runs in the page and nothing leaves it. */
import { findCells } from '@markco/protocol';
import type { Page } from 'playwright-core';
import { SOON } from './notebook.ts';
import { startOtherServer } from './other-server.ts';
import { expect, test } from './page-test.ts';
import { createPayloads } from './payloads.ts';

const SHOWN = `# Shown

\`\`\`python
import json
class Shown:
    def __init__(self, mime, text):
        self.bundle = {mime: text}
    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.bundle
payloads = json.load(open("payloads.json"))
print("ready")
\`\`\`
`;

/** The page is tall enough that everything of a document is drawn at once. */
const TALL = { viewport: { width: 1280, height: 9_000 } } as const;

/** Lays out what a script could reach, and notes what reaches it. */
async function layBait(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen = window as unknown as { hits: string[]; hit(id: string): void; opened: string[] };
    seen.hits = [];
    seen.hit = (id) => void seen.hits.push(id);
    seen.opened = [];
    window.open = (url) => {
      seen.opened.push(String(url));
      return null;
    };
    document.cookie = 'canary=cookie-secret; path=/';
    localStorage.setItem('canary', 'storage-secret');
  });
}

/** Presses every link there is, moves over what listens, and says what was reached. */
async function provoke(page: Page): Promise<{ hits: readonly string[]; unsafe: readonly string[] }> {
  return page.evaluate(async () => {
    const seen = window as unknown as { hits: string[]; opened: string[] };
    const here = location.href;
    const links = [...document.querySelectorAll<HTMLAnchorElement>('.mc-editor a')];
    const unsafe = links.filter(({ href }) => href !== '' && !/^(https?|mailto):/.test(href)).map(({ href }) => href);
    for (const element of document.querySelectorAll<HTMLElement>('.mc-editor a, .mc-editor [class*=mc-link]')) {
      element.addEventListener('click', (event) => event.preventDefault());
      for (const type of ['pointerenter', 'mouseover', 'mousedown', 'mouseup', 'click'])
        element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, ctrlKey: true }));
    }
    await new Promise((turn) => requestAnimationFrame(() => setTimeout(turn)));
    const attributes = [...document.querySelectorAll('body *')].flatMap((element) =>
      [...element.attributes].filter(({ name }) => /^on/i.test(name)).map(({ name }) => `${element.tagName} ${name}`),
    );
    const scripts = [...document.querySelectorAll('script')]
      .filter(({ src }) => !src.startsWith(location.origin))
      .map(({ outerHTML }) => outerHTML);
    const covers = [...document.querySelectorAll('.mc-editor [style*=fixed]')].map(({ outerHTML }) => outerHTML);
    if (location.href.split('#')[0]?.split('/p/')[0] !== here.split('/p/')[0]) unsafe.push(location.href);
    return {
      hits: seen.hits,
      unsafe: [
        ...unsafe,
        ...attributes,
        ...scripts,
        ...covers,
        ...seen.opened.filter((url) => !/^(https?|mailto):/.test(url)),
      ],
    };
  });
}

test(
  'documents, names and outputs run nothing, reach nobody and make no cells',
  { timeout: 180_000 },
  async ({ openFolder, openPage, device }) => {
    const server = await startOtherServer();
    const { count, documents, displays, printed } = createPayloads(server.origin);
    expect(count).toBeGreaterThanOrEqual(500);
    const folder = await openFolder({
      ...documents,
      '00-shown.md': SHOWN,
      'payloads.json': JSON.stringify({ displays, printed }),
    });
    const notebook = await openPage(folder, '00-shown', TALL);
    const { page } = notebook;
    const reached: string[] = [];
    try {
      await layBait(page);
      // A name that cannot be a document's on every machine is no document; all others are shown.
      for (const name of Object.keys(documents).filter((file) => !file.includes(':'))) {
        await page.locator(`.tree-row[data-path=${JSON.stringify(name.replace(/\.md$/, ''))}]`).click();
        await notebook.loaded();
        await expect
          .poll(
            () =>
              page.evaluate(() => [
                window.editorInView().state.doc.toString().length,
                document.querySelectorAll('.mc-editor .cm-line').length,
              ]),
            SOON,
          )
          .toEqual([documents[name]?.length, expect.any(Number)]);
        await expect.poll(() => page.getByText('Drawing…').count(), SOON).toBe(0);
        const { hits, unsafe } = await provoke(page);
        reached.push(...[...hits, ...unsafe].map((what) => `${name}: ${what}`));
        await page.evaluate(() => ((window as unknown as { hits: string[] }).hits = []));
      }
      expect(reached).toEqual([]);

      await page.locator('.tree-row[data-path="00-shown"]').click();
      await notebook.reads('ready');
      const cells = Array.from(
        { length: Math.ceil(displays.length / 20) },
        (_, part) =>
          `for mime, text in payloads["displays"][${part * 20}:${part * 20 + 20}]:\n    display(Shown(mime, text))`,
      );
      const code = [...cells, 'print("\\n".join(payloads["printed"]))\nprint("all printed")'];
      const text = `${SHOWN}\n${code.map((lines) => `\`\`\`python\n${lines}\n\`\`\`\n`).join('\n')}`;
      await folder.write('00-shown.md', text);
      await notebook.reads('all printed');
      await notebook.caretAfter('# Shown');
      await notebook.press('Control+Shift+Enter');
      const ended = async (): Promise<number> => {
        const { runs } = await device.api('runs', { query: { projectId: folder.project.id, state: 'completed' } });
        return runs.length;
      };
      await expect.poll(ended, { ...SOON, timeout: 60_000 }).toBe(code.length + 1);
      await expect.poll(async () => (await folder.read('00-shown.md')).match(/all printed\n/g)?.length, SOON).toBe(1);
      await expect.poll(() => notebook.seen.locator('.mc-frame').count(), SOON).toBeGreaterThan(20);
      // Only what is near the window is drawn, so each cell is gone to.
      const shown: string[] = [];
      for (const lines of code) {
        await notebook.caretAfter(lines.split('\n')[0] ?? '');
        await page.evaluate(
          () => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))),
        );
        for (const frame of page.frames()) await frame.waitForLoadState().catch(() => undefined);
        const { hits, unsafe } = await provoke(page);
        shown.push(...hits, ...unsafe);
      }
      expect(shown).toEqual([]);
      await expect
        .poll(async () => findCells(await notebook.text()).filter(({ output }) => output !== undefined).length, SOON)
        .toBe(code.length + 1);
      expect(findCells(await notebook.text()).length, 'output makes no cells').toBe(code.length + 1);
      expect(
        await page.evaluate(() => ({}) as { polluted?: number }).then((object) => object.polluted),
      ).toBeUndefined();
      expect(await page.title()).not.toContain('owned');
      expect(server.asked).toEqual([]);
      // Scripts do run in their frames, and many of these are no good ones.
      notebook.thrown.splice(0);
      process.stderr.write(`Hostile content: ${count + displays.length + printed.length} payloads, 0 reached\n`);
    } finally {
      await server.close();
    }
  },
);

test('the bait works: a script that does run in the page is caught', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'a.md': '# A\n' });
  const { page } = await openPage(folder, 'a');
  await layBait(page);
  await page.evaluate(() =>
    document
      .querySelector('.mc-editor')
      ?.insertAdjacentHTML('beforeend', '<a href="javascript:1" onclick="top.hit(1)">x</a>'),
  );
  expect((await provoke(page)).unsafe).toContain('A onclick');
});
