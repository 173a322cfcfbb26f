/** One run on a page of its own: long output, found, followed and saved. */
import { readFile } from 'node:fs/promises';
import { expect, test } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;
const LONG = { ...SOON, timeout: 90_000 };

async function openWhole(notebook: Notebook): Promise<void> {
  await notebook.seen.locator('.mc-menu summary').first().click();
  await notebook.seen.locator('.mc-menu').getByRole('button', { name: 'Whole output' }).first().click();
  await notebook.page.locator('.run-page').waitFor();
}

const lineNumbers = ({ page }: Notebook): Promise<readonly number[]> =>
  page.evaluate(() => {
    const box = document.querySelector('.log')?.getBoundingClientRect();
    return [...document.querySelectorAll('.log-line')]
      .filter((line) => {
        const { top, bottom } = line.getBoundingClientRect();
        return box !== undefined && top >= box.top - 1 && bottom <= box.bottom + 1;
      })
      .map((line) => Number(line.querySelector('.log-number')?.textContent));
  });

test('fifty megabytes are read, searched and saved, and the page goes on meanwhile', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'big.md': cell(
      'for i in range(500_000):\n    print("needle here" if i in (250_000, 499_990) else f"{i:06d} " + "x" * 92)\nprint("\\033[31mthe end\\033[0m")',
    ),
  });
  const notebook = await openPage(folder, 'big');
  const { page } = notebook;
  await notebook.seen.locator('.mc-run').first().click();
  await expect.poll(() => notebook.status().textContent(), LONG).toContain('✓');
  await page.evaluate(() => {
    const seen = window as unknown as { longest: number };
    seen.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
    }).observe({ type: 'longtask', buffered: false });
  });
  await openWhole(notebook);
  await expect.poll(() => page.locator('.to-end').textContent(), LONG).toBe('To the end (500,001 lines)');
  expect((await lineNumbers(notebook))[0]).toBe(1);

  await page.getByRole('searchbox').fill('NEEDLE');
  await expect.poll(() => page.locator('.run-count').textContent(), LONG).toBe('1 of 2');
  expect(await lineNumbers(notebook)).toContain(250_001);
  await page.locator('.log').focus();
  await notebook.press('n');
  await expect.poll(() => page.locator('.run-count').textContent(), SOON).toBe('2 of 2');
  await expect.poll(() => lineNumbers(notebook), SOON).toContain(499_991);
  await notebook.press('Shift+N');
  await expect.poll(() => lineNumbers(notebook), SOON).toContain(250_001);
  expect(await page.locator('.log mark').first().textContent()).toBe('needle');

  await page.locator('.to-end').click();
  await page.locator('.log').getByText('the end').waitFor();
  expect(await page.locator('.to-end').count()).toBe(0);
  const isColored = (): Promise<boolean> =>
    page
      .locator('.log-line')
      .filter({ hasText: 'the end' })
      .evaluate((line) => getComputedStyle(line.lastElementChild ?? line).color !== getComputedStyle(line).color);
  // A line may be drawn anew between finding it and asking for its color.
  await expect.poll(isColored, SOON).toBe(true);
  const longest = await page.evaluate(() => (window as unknown as { longest: number }).longest);
  process.stderr.write(`50 MB on the page of a run: longest task ${Math.round(longest)} ms\n`);
  expect(longest).toBeLessThan(1_000);

  const save = async (name: string): Promise<string> => {
    const [file] = await Promise.all([
      page.waitForEvent('download', { timeout: 60_000 }),
      page.getByRole('button', { name }).click(),
    ]);
    return readFile(await file.path(), 'utf8');
  };
  const plain = await save('Save as text');
  expect(plain.split('\n').length).toBe(500_002);
  expect(plain.endsWith('\nthe end\n')).toBe(true);
  expect(await save('Save with colors')).toContain('\x1b[31mthe end\x1b[0m\n');
});

test('a run that goes on is followed, until one looks elsewhere; the way back keeps the place', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'live.md': `${'Words.\n\n'.repeat(60)}${cell(
      'for i in range(200):\n    print("early", i)\nname = input("go on? ")\nfor i in range(200):\n    print("later", i)\nname = input("end? ")',
    )}`,
  });
  const notebook = await openPage(folder, 'live');
  const { page } = notebook;
  await notebook.caretAfter('name = input("end');
  await notebook.press('Control+Enter');
  await notebook.says('Waiting for your answer');
  const field = notebook.output().locator('input');
  await field.scrollIntoViewIfNeeded();
  const scrolled = await page.evaluate(() => document.querySelector('.cm-scroller')?.scrollTop ?? 0);
  const run = (
    (await page.evaluate(async () => (await fetch('/api/runs?limit=1')).json())) as { runs: { id: string }[] }
  ).runs[0];
  const answer = (text: string): Promise<unknown> =>
    page.evaluate(
      ([id, words]) =>
        fetch(`/api/runs/${id}/input`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ text: words }),
        }),
      [run?.id ?? '', text] as const,
    );

  await openWhole(notebook);
  await page.locator('.log').getByText('early 199').waitFor();
  await answer('yes');
  await page.locator('.log').getByText('later 199').waitFor();

  await page.locator('.log').hover();
  await page.mouse.wheel(0, -3_000);
  await page.locator('.to-end').waitFor();
  await expect.poll(async () => (await lineNumbers(notebook))[0], SOON).toBeLessThan(380);
  const [before] = await lineNumbers(notebook);
  await answer('end');
  await page.locator('.run-facts').getByText('Done').waitFor();
  expect((await lineNumbers(notebook))[0]).toBe(before);

  await page.getByRole('button', { name: '← live' }).click();
  await notebook.loaded();
  await expect
    .poll(() => page.evaluate(() => document.querySelector('.cm-scroller')?.scrollTop ?? 0), SOON)
    .toBeGreaterThan(scrolled / 2);
  await page.goBack();
  await expect.poll(async () => (await lineNumbers(notebook))[0], SOON).toBe(before);
  await page.reload();
  await expect.poll(async () => (await lineNumbers(notebook))[0], SOON).toBe(before);
});

test('a run that is not there says so', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'a.md': '# A\n' });
  const notebook = await openPage(folder, 'a');
  await notebook.page.evaluate(() => {
    history.pushState(null, '', '/runs/019a8f3c-0000-7000-8000-000000000001');
    dispatchEvent(new PopStateEvent('popstate'));
  });
  await notebook.page.locator('.run-page .trouble').first().waitFor();
});
