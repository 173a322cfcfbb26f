/** What a cell shows while it runs and afterwards, as a person sees it. */
import { expect, test } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;

/** Runs the first cell and waits until it has ended. */
async function run(notebook: Notebook, ended: string | RegExp = '✓'): Promise<void> {
  await notebook.page.locator('.mc-run').first().click();
  await notebook.says(ended);
}

test('colors, bars that draw over themselves, and the last value', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    'out.md': cell(
      'print("\\033[1;31mred\\033[0m and \\033[38;2;10;200;30mgreen\\033[0m")\nfor i in range(2001):\n    print(f"\\r{i * 100 // 2000:3d}%|{\'█\' * (i // 200)}", end="", flush=i % 50 == 0)\nprint()\n{"answer": 42}',
    ),
  });
  const notebook = await openPage(folder, 'out');
  await run(notebook);
  const red = notebook.output().locator('span', { hasText: /^red$/ });
  expect(await red.evaluate((span) => getComputedStyle(span).color)).not.toBe(
    await notebook.output().evaluate((output) => getComputedStyle(output).color),
  );
  expect(
    await notebook
      .output()
      .locator('span', { hasText: /^green$/ })
      .evaluate((span) => getComputedStyle(span).color),
  ).toBe('rgb(10, 200, 30)');
  expect((await notebook.output().innerText()).split('\n').filter((line) => line.includes('%'))).toEqual([
    '100%|██████████',
  ]);
  await notebook.output().getByText("{'answer': 42}").waitFor();
  await folder.reads('out.md', "```output\nred and green\n100%|██████████\n{'answer': 42}\n```");
});

test('ten megabytes of output do not freeze the page, and long output is a scroller that can be opened', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'out.md': `${cell('for i in range(100_000):\n    print(i, "x" * 94)')}\nBelow.\n`,
  });
  const notebook = await openPage(folder, 'out');
  await notebook.page.evaluate(() => {
    const seen = window as unknown as { longest: number };
    seen.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
    }).observe({ type: 'longtask', buffered: false });
  });
  await notebook.page.locator('.mc-run').first().click();
  await notebook.page.locator('.mc-run-active').waitFor();
  await notebook.caretAfter('Below.');
  await notebook.type(' Typed meanwhile.');
  await expect.poll(() => notebook.status().textContent(), { ...SOON, timeout: 60_000 }).toContain('✓');
  expect(await notebook.text()).toContain('Below. Typed meanwhile.');
  const longest = await notebook.page.evaluate(() => (window as unknown as { longest: number }).longest);
  process.stderr.write(`10 MB of output: longest task ${Math.round(longest)} ms\n`);
  expect(longest).toBeLessThan(600);
  const scroller = notebook.output().locator('.mc-stream-scroller');
  const height = (): Promise<number> => scroller.evaluate((element) => element.clientHeight);
  const folded = await height();
  expect(folded).toBeLessThan(800);
  await notebook
    .output()
    .getByRole('button', { name: /^Show all \([\d,]+ lines\)$/ })
    .click();
  await expect.poll(height, SOON).toBeGreaterThan(folded);
  await notebook.output().getByRole('button', { name: 'Show less' }).click();
  await expect.poll(height, SOON).toBe(folded);
  await notebook.output().getByRole('button', { name: 'Whole output' }).click();
  await notebook.page.locator('.log').getByText('0 xxx').first().waitFor();
  await notebook.page.goBack();
  await folder.reads('out.md', /_assets\//);
  expect((await folder.read('out.md')).length).toBeLessThan(100_000);
});

test('an error shows the frames of the cell, and says its name in the status line', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'out.md': cell('import json\ndef load():\n    return json.loads("{")\nload()') });
  const notebook = await openPage(folder, 'out');
  await run(notebook, '✗ JSONDecodeError');
  await notebook.output().getByText('return json.loads("{")').waitFor();
  const inside = notebook.output().locator('details').first();
  expect(await inside.getAttribute('open')).toBeNull();
  await inside.locator('summary').click();
  await inside.getByText('raw_decode').first().waitFor();
});

test('a program asks, hides a password, and is stopped by the button', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    'out.md': cell(
      'import getpass\nname = input("Name? ")\nsecret = getpass.getpass("Secret? ")\nprint("hello", name, len(secret))\nwhile True:\n    pass',
    ),
  });
  const notebook = await openPage(folder, 'out');
  await notebook.page.locator('.mc-run').first().click();
  await notebook.says('Waiting for your answer');
  const field = notebook.output().locator('input');
  await notebook.output().getByLabel('Name?').fill('Ada');
  await notebook.press('Enter');
  await notebook.output().getByLabel('Secret?').waitFor();
  expect(await field.getAttribute('type')).toBe('password');
  await field.fill('canary-password');
  await notebook.press('Enter');
  await notebook.output().getByText('hello Ada 15').waitFor();
  await notebook.page.locator('.mc-run-active').click();
  await notebook.says('Stopped');
  await folder.reads('out.md', 'hello Ada 15');
  expect(await folder.read('out.md')).not.toContain('canary-password');
  expect(await notebook.page.locator('body').textContent()).not.toContain('canary-password');
});

test('who types an answer goes on typing it, whatever others do to the page meanwhile', async ({
  openFolder,
  openPage,
}) => {
  const asking = cell('name = input("Name? ")\nprint("hello", name)');
  const folder = await openFolder({ 'out.md': `# Out\n\n${asking}\nBelow.\n` });
  const notebook = await openPage(folder, 'out');
  await notebook.page.locator('.mc-run').first().click();
  const field = notebook.seen.getByLabel('Name?');
  await field.fill('Ad');
  const changes: readonly (readonly [string, string, string])[] = [
    ['above it', '# Out\n', '# Out\n\nMuch more.\n\n```js\n1\n```\n\n```output\n1\n```\n'],
    ['an output of its own', `${asking}`, `${asking}\n\`\`\`output\nof before\n\`\`\`\n`],
    ['below it', 'Below.', '```js\n2\n```\n\n```output\n2\n```\n\nBelow, changed.'],
    ['its output gone', '\n```output\nof before\n```\n', ''],
  ];
  for (const [what, before, after] of changes) {
    await folder.write(
      'out.md',
      (await folder.read('out.md')).replace(before, () => after),
    );
    await notebook.reads(after === '' ? '# Out' : after.trimEnd());
    await notebook.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => resolve(null))));
    const asked = await field.evaluate((input: HTMLInputElement) => [
      input.ownerDocument.activeElement === input,
      input.value,
    ]);
    expect(asked, what).toEqual([true, 'Ad']);
  }
  await notebook.type('a');
  await notebook.press('Enter');
  await notebook.seen.locator('.mc-output').getByText('hello Ada').waitFor();
});

test('an answer that does not arrive is asked for again, with what was typed', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'out.md': cell('print("hello", input("Name? "))') });
  const notebook = await openPage(folder, 'out');
  await notebook.page.locator('.mc-run').first().click();
  const field = notebook.output().getByLabel('Name?');
  await field.fill('Ada');
  await notebook.page.evaluate(() => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
      if (typeof data !== 'string' || !data.includes('"input"')) return send.call(this, data);
      WebSocket.prototype.send = send;
      this.close();
    };
    const isAsked = (node: Node): boolean => node instanceof HTMLElement && node.classList.contains('mc-question');
    const seen = window as unknown as { askedAgain: Promise<void> };
    seen.askedAgain = new Promise((resolve) => {
      new MutationObserver((changes) => {
        if (changes.some(({ addedNodes }) => [...addedNodes].some(isAsked))) resolve();
      }).observe(document.body, { childList: true, subtree: true });
    });
  });
  await notebook.press('Enter');
  await notebook.page.evaluate(() => (window as unknown as { askedAgain: Promise<void> }).askedAgain);
  expect(await field.inputValue()).toBe('Ada');
  await notebook.says('Waiting for your answer');
  // Until the connection is there again it is given back.
  const sayAgain = async (): Promise<string | null> => {
    if (await field.isVisible()) await notebook.press('Enter');
    return notebook.output().textContent();
  };
  await expect.poll(sayAgain, { ...SOON, interval: 250 }).toContain('hello Ada');
});

test('cells wait in a queue that can be seen, run above runs those above, and an edit marks the output as stale', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'out.md': `${cell('import time\ntime.sleep(1)')}\n${cell('"second"')}\n${cell('"third"')}\nEnd.\n`,
  });
  const notebook = await openPage(folder, 'out');
  await notebook.caretAfter('"third"');
  await notebook.press('Control+Shift+Enter');
  await notebook.says(/in queue/, 2);
  for (const index of [0, 1, 2]) await notebook.says('✓', index);
  expect(await notebook.page.locator('.mc-stale:visible').count()).toBe(0);

  await notebook.caretAfter('"second');
  await notebook.type(' changed');
  await notebook.page.locator('.mc-stale:visible').waitFor();
  await notebook.caretAfter('"third"');
  await notebook.command('Run all above');
  await folder.reads('out.md', "'second changed'");
  await expect.poll(() => notebook.page.locator('.mc-stale:visible').count(), SOON).toBe(0);
});

test('HTML is shown in a frame without an origin, SVG as an image, and both can be cleared and undone', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'out.md': cell(
      "class Html:\n    def _repr_html_(self):\n        return \"<table><tr><th>head</th></tr></table><script>document.body.append(String(window.origin))</script>\"\nclass Svg:\n    def _repr_svg_(self):\n        return \"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><rect width='40' height='20'/></svg>\"\ndisplay(Svg())\nHtml()",
    ),
  });
  const notebook = await openPage(folder, 'out');
  await run(notebook);
  const frame = notebook.page.frameLocator('.mc-frame');
  await frame.locator('th', { hasText: 'head' }).waitFor();
  await frame.locator('body', { hasText: 'null' }).waitFor();
  expect(await notebook.page.locator('.mc-frame').getAttribute('sandbox')).toBe('allow-scripts');
  const image = notebook.output().locator('.mc-figure img');
  await expect.poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth), SOON).toBeGreaterThan(0);
  await image.click();
  await notebook.page.locator('dialog.mc-zoom').waitFor();
  await notebook.press('Escape');
  await folder.reads('out.md', '```output');
  const before = await folder.read('out.md');
  await notebook.page.locator('.mc-menu summary').click();
  await notebook.page.getByRole('button', { name: 'Clear output' }).click();
  await expect.poll(() => folder.read('out.md'), SOON).not.toContain('```output');
  await notebook.press('Control+Z');
  await folder.reads('out.md', before);
});

test('a formula is drawn, and JSON is a tree that can be opened', async ({ openFolder, openPage }) => {
  const code = `class Formula:
    def _repr_latex_(self): return r"$\\frac{a}{b}$"
display(Formula())
display({"application/json": {"list": [1, {"deep": "value"}]}, "text/plain": "a tree"}, raw=True)`;
  const folder = await openFolder({ 'page.md': `# Page\n\n\`\`\`python\n${code}\n\`\`\`\n` });
  const notebook = await openPage(folder, 'page');
  const { seen } = notebook;
  await notebook.caretAfter('class Formula:');
  await notebook.press('Control+Enter');
  await seen.locator('.mc-output .katex .mfrac').waitFor();
  for (const level of ['list', '1: ']) await seen.locator('.mc-output summary', { hasText: level }).click();
  await seen.locator('.mc-output').getByText('"value"').waitFor();
});

test('on a phone, Run of the bottom bar brings the output into view, unless one scrolls away meanwhile', async ({
  openFolder,
  openPage,
}) => {
  const code =
    'import time\nprint("begin", flush=True)\ntime.sleep(0.5)\nprint("\\n".join(f"row {i}" for i in range(10)))';
  const folder = await openFolder({
    'phone.md': `${'Some text above.\n\n'.repeat(30)}${cell(code)}\n${'Some text below.\n\n'.repeat(30)}`,
  });
  const notebook = await openPage(folder, 'phone', {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const { page } = notebook;
  const bar = page.locator('.bottom-bar').getByRole('button', { name: 'Run' });
  const place = (): Promise<{ readonly top: number; readonly bottom: number; readonly barTop: number }> =>
    page.evaluate(() => {
      const { top, bottom } = document.querySelector('.mc-foot')?.getBoundingClientRect() ?? { top: 1e9, bottom: 1e9 };
      return { top, bottom, barTop: document.querySelector('.bottom-bar')?.getBoundingClientRect().top ?? 0 };
    });
  const toTop = (): Promise<void> => page.evaluate(() => document.querySelector('.cm-scroller')?.scrollTo(0, 0));

  await notebook.caretAfter('import time');
  await toTop();
  await bar.tap();
  await notebook.says('✓');
  await notebook.output().getByText('row 9').waitFor();
  await expect.poll(async () => (await place()).bottom - (await place()).barTop, SOON).toBeLessThanOrEqual(0);
  expect((await place()).top).toBeGreaterThan(0);

  await bar.tap();
  await page.locator('.mc-run-active').waitFor();
  await page.mouse.move(200, 300);
  await page.mouse.wheel(0, -5_000);
  await expect.poll(async () => (await place()).top > (await place()).barTop, SOON).toBe(true);
  await folder.reads('phone.md', 'row 9');
  await expect.poll(() => page.locator('.mc-run-active').count(), SOON).toBe(0);
  expect(await page.evaluate(() => document.querySelector('.cm-scroller')?.scrollTop)).toBe(0);
});

test('after a reload rich results and folded tracebacks are seen again, from the run or from the text', async ({
  openFolder,
  openPage,
}) => {
  const rich = 'class Html:\n    def _repr_html_(self):\n        return "<b>bold result</b>"\nHtml()';
  const folder = await openFolder({
    'rich.md': `${cell(rich)}\n${cell('import json\njson.loads("{")')}`,
  });
  const notebook = await openPage(folder, 'rich');
  await notebook.caretAfter('class Html');
  await notebook.press('Control+Shift+Enter');
  await notebook.says('✗', 1);
  await folder.reads('rich.md', /```output\n<__main__\.Html[^]*```output\nTraceback/);
  await notebook.page.reload();
  await notebook.loaded();
  await notebook.page.frameLocator('.mc-frame').getByText('bold result').waitFor();
  await notebook.output(1).locator('details summary').waitFor();

  // A copy of the document knows of no run.
  await folder.write('copy.md', await folder.read('rich.md'));
  const copy = await openPage(folder, 'copy');
  await copy.output().getByText('<__main__.Html').waitFor();
  const inside = copy.output(1).locator('.mc-error details');
  expect(await inside.getAttribute('open')).toBeNull();
  await inside.locator('summary').click();
  await inside.getByText('raw_decode').first().waitFor();
});

test('in the dark a picture with dark ink on nothing lies on paper, others on the page', async ({
  openFolder,
  openPage,
}) => {
  const svg = (inner: string): string =>
    `<svg xmlns='http://www.w3.org/2000/svg' width='80' height='40'>${inner}</svg>`;
  const pictures = [
    svg("<text x='4' y='30' font-size='30'>ink</text>"),
    svg("<path d='M0 0 L80 40' stroke='#3b6ea5' stroke-width='3'/>"),
    svg("<rect width='80' height='40' fill='#fff'/><text x='4' y='30' font-size='30'>ink</text>"),
  ];
  const folder = await openFolder({
    'dark.md': cell(
      `class Svg:\n    def __init__(self, text):\n        self.text = text\n    def _repr_svg_(self):\n        return self.text\nfor text in ${JSON.stringify(pictures)}:\n    display(Svg(text))`,
    ),
  });
  const notebook = await openPage(folder, 'dark', { colorScheme: 'dark' });
  await run(notebook);
  await expect
    .poll(
      () =>
        notebook
          .output()
          .locator('.mc-figure img')
          .evaluateAll((images) => images.map((image) => getComputedStyle(image).backgroundColor)),
      SOON,
    )
    .toEqual(['rgb(255, 255, 255)', 'rgba(0, 0, 0, 0)', 'rgba(0, 0, 0, 0)']);
});
