/** Published pages in a browser: read without a script, on a desk and on a phone, and whatever stands in them harmless (T6). */
import { gzipSync } from 'node:zlib';
import type { Locator, Page } from 'playwright-core';
import type { Publication } from '@markco/protocol';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { startOtherServer } from './other-server.ts';
import { expect, test as base } from './page-test.ts';
import { createPayloads, type Payloads } from './payloads.ts';

const SOON_MS = 20_000;

const GUIDE = `---
title: A guide
author: Ada
date: 2026-11-22
---
# A guide

Words with *emphasis*, \`code\`, a [link](02-more/01-next.md) and $e^{i\\pi} = -1$.

> [!WARNING]
> Mind the step.

| Left | Right |
|:-----|------:|
| ${'wide '.repeat(30)} | 2 |

- [x] done
- [ ] to do

$$
\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}
$$

\`\`\`python
def f(x):  # a comment
    return "${'long '.repeat(40)}" + str(x * 42)
\`\`\`

\`\`\`output
${Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n')}
\`\`\`

\`\`\`python
#| echo: false
1 / 0
\`\`\`

\`\`\`output
Traceback (most recent call last):
  File "<cell>", line 1, in <module>
ZeroDivisionError: division by zero
\`\`\`
`;

const DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="33" height="9"><rect width="33" height="9"/></svg>';
const LONG = `# Long\n\n${`${'All work and no play makes a dull page. '.repeat(12)}\n\n`.repeat(80)}`;

/** Outputs of one page: each is a page of its own in it. What is HTML or SVG comes first among them. */
const FRAMES = 16;
const FRAMES_MAX = 48;

/** One cell with its output. */
const cell = (output: string, options: string): string =>
  `\`\`\`python\n${options}0\n\`\`\`\n\n~~~~~~~~~~~~output\n${output}\n~~~~~~~~~~~~\n`;

function pagesOf({
  documents,
  displays,
  printed,
}: Pick<Payloads, 'documents' | 'displays' | 'printed'>): Record<string, string> {
  const parts = Array.from({ length: Math.ceil(displays.length / FRAMES) }, (_none, part) =>
    displays.slice(part * FRAMES, (part + 1) * FRAMES),
  );
  return {
    '01-guide.md': GUIDE,
    '02-more/01-next.md': '# Next\n\nBack to [[01-guide]].\n\n![dot](../dot.svg)\n',
    'long.md': LONG,
    'printed.md': printed.map((text) => cell(text, '')).join('\n'),
    ...Object.fromEntries(
      parts.map((part, index) => [
        `displayed-${index}.md`,
        part.map(([, text]) => cell(text, '#| output: asis\n')).join('\n'),
      ]),
    ),
    // A name that cannot be a document's on every machine is no document.
    ...Object.fromEntries(Object.entries(documents).filter(([name]) => !name.includes(':'))),
  };
}

type Site = {
  readonly url: string;
  readonly payloads: number;
  readonly pages: number;
  /** What was asked of another server. */
  readonly asked: readonly string[];
};

/** All of it in one project of a cloud. */
async function publishAll(stack: AsyncDisposableStack): Promise<Site> {
  const other = await startOtherServer();
  stack.defer(() => other.close());
  const cloud = stack.use(await startCloud());
  const { count, documents, displays: all, printed } = createPayloads(other.origin);
  const displays = all.slice(0, FRAMES_MAX);
  const pages = pagesOf({ documents, displays, printed });
  const settings = `\`\`\`yaml config\ntitle: 'Notes</title><script>top.hit(7)</script><img src=x onerror=top.hit(7)>'\n\`\`\`\n`;
  const laptop = stack.use(await startDevice({ files: { ...pages, 'mrmd.md': settings, 'dot.svg': DOT } }));
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const route = `/api/projects/${laptop.project.id}/publication`;
  const publish = () => laptop.ask(route, { method: 'PUT', body: { userName: 'ada' } });
  await eventually(async () => (await publish()).status === 200, 'the project in the cloud', SOON_MS);
  const { url } = await eventually(
    async () => {
      const found = await laptop.get<Publication>(route);
      return found.state === 'public' && found.pages === Object.keys(pages).length ? found : undefined;
    },
    'all pages to be public',
    SOON_MS,
  );
  await eventually(
    async () => (await (await fetch(`${url}/more/next`)).text()).includes('<img'),
    'the picture to be in the cloud',
    SOON_MS,
  );
  return {
    ...{ url, asked: other.asked, pages: Object.keys(pages).length },
    payloads: count + displays.length + printed.length,
  };
}

const test = base.extend<{ site: () => Promise<Site> }>({
  site: [
    async ({}, use) => {
      await using stack = new AsyncDisposableStack();
      let started: Promise<Site> | undefined;
      await use(() => (started ??= publishAll(stack)));
    },
    { scope: 'file' },
  ],
});

const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

test('a page is read without a script, at 1280 and 390 pixels, light and dark, in at most 60 KB', async ({
  browser,
  site,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  const { url } = await site();
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [390, 'dark'],
  ] as const) {
    const context = await (
      await browser()
    ).newContext({ viewport: { width, height: 844 }, colorScheme, javaScriptEnabled: false });
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${url}/guide`);
    expect(asked).toEqual([`${url}/guide`]);
    expect(await page.title()).toMatch(/^A guide · Notes/);
    await page.getByRole('heading', { name: 'A guide', level: 1 }).waitFor();
    expect(await page.locator('math').count()).toBe(2);
    const [keyword, text, cells] = [page.locator('.tok-keyword').first(), page.locator('main'), page.locator('td')];
    const colorOf = (element: Locator): Promise<string> => element.evaluate((found) => getComputedStyle(found).color);
    expect(await colorOf(keyword)).not.toBe(await colorOf(text));
    expect(await cells.last().evaluate((found) => getComputedStyle(found).textAlign)).toBe('right');
    expect(await page.locator('.callout-title').innerText()).toBe('Warning');
    expect(await page.getByText('1 / 0').count()).toBe(0);
    expect(await page.getByText('line 39').isVisible()).toBe(false);
    await page.getByText('40 lines of output').click();
    expect(await page.getByText('line 39').isVisible()).toBe(true);
    for (const path of ['/guide', '/long', '/table', '/printed', '']) {
      if (path !== '/guide') await page.goto(url + path);
      expect([path, await isTooWide(page)]).toEqual([path, false]);
    }
    await page.goto(`${url}/guide`);
    await page.getByRole('link', { name: 'link', exact: true }).click();
    await page.getByRole('heading', { name: 'Next' }).waitFor();
    const isDrawn = (): Promise<boolean> =>
      page.locator('article img').evaluate((image) => (image as HTMLImageElement).naturalWidth === 33);
    await eventually(isDrawn, 'the picture to be drawn', SOON_MS);
    await page.getByRole('link', { name: '← A guide' }).click();
    await page.getByRole('heading', { name: 'A guide', level: 1 }).waitFor();
    await context.close();
  }
  for (const path of ['', '/guide', '/long'])
    expect(gzipSync(await (await fetch(url + path)).text()).length).toBeLessThan(60_000);
  const context = await (await browser()).newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${url}/guide`);
  expect(await troubles({ page })).toEqual([]);
  await context.close();
});

test('T6 whatever a document, its name or its outputs say, no script of it runs and nothing is told to anybody', async ({
  browser,
  site: started,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  const site = await started();
  expect(site.payloads).toBeGreaterThanOrEqual(500);
  // Tall enough that every frame is drawn.
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 9_000 } });
  const hits: string[] = [];
  await context.exposeFunction('hit', (id: string) => void hits.push(id));
  const page = await context.newPage();
  await page.goto(site.url);
  const addresses = await page
    .locator('.list a')
    .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href));
  expect(addresses.length).toBe(site.pages);
  const unsafe: string[] = [];
  let frames = 0;
  for (const address of [site.url, ...addresses]) {
    await page.goto(address);
    unsafe.push(...(await unsafeIn(page)).map((what) => `${address}: ${what}`));
    frames += await page.locator('iframe').count();
  }
  expect(unsafe).toEqual([]);
  expect(frames).toBeGreaterThan(40);
  expect(hits).toEqual([]);
  expect(site.asked).toEqual([]);
  expect(await page.evaluate(() => origin)).toBe('null');
  // A script that does run is caught.
  await page.evaluate(() => (window as unknown as { hit(id: string): void }).hit('bait'));
  expect(hits).toEqual(['bait']);
  await context.close();
  process.stderr.write(`Published hostile content: ${site.payloads} payloads, 0 reached\n`);
});

/** Presses what there is to press, and says what no published page has. */
function unsafeIn(page: Page): Promise<readonly string[]> {
  // All in one turn: in this page no timer and no listener runs, not even those of the test.
  return page.evaluate(() => {
    const here = location.href;
    for (const details of document.querySelectorAll('details')) details.open = true;
    for (const element of document.querySelectorAll<HTMLElement>('article *')) {
      // Where a link leads is looked at below; here nothing of the document runs that could keep it from leading there.
      if (element.closest('a') !== null) continue;
      for (const type of ['pointerenter', 'mouseover', 'focus', 'mousedown', 'mouseup', 'click'])
        element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }));
    }
    const all = [...document.querySelectorAll('*')];
    const found = all.flatMap((element) => [
      ...[...element.attributes]
        .filter(({ name }) => /^(?:on|srcset$|action$|formaction$|background$|ping$)/i.test(name))
        .map(({ name }) => `${element.tagName} ${name}`),
      ...[...element.attributes]
        .filter(
          ({ name, value }) =>
            /^(?:href|src|xlink:href)$/i.test(name) && !/^(?:\/@ada\/|#|\?|https?:\/\/|mailto:|tel:|$)/.test(value),
        )
        .map(({ name, value }) => `${element.tagName} ${name}=${value}`),
      ...(/^(?:SCRIPT|OBJECT|EMBED|FORM|BASE|SVG|VIDEO|AUDIO|TEMPLATE)$/i.test(element.tagName)
        ? [element.outerHTML]
        : []),
      ...(element.tagName === 'IFRAME' && element.getAttribute('sandbox') !== '' ? [element.outerHTML] : []),
      ...(element.tagName === 'STYLE' && element.closest('head') === null ? [element.outerHTML] : []),
    ]);
    return [...found, ...(location.href === here ? [] : [location.href])];
  });
}
