/** Everybody can use the page: screen readers, keyboards, phones, dark rooms, two languages. */
import type { BrowserContextOptions } from 'playwright-core';
import { troubles } from './axe.ts';
import { SOON } from './notebook.ts';
import { expect, test } from './page-test.ts';

const FILES = {
  '01-page.md': `---
title: A page with everything
---

# A page with everything

Words with *emphasis*, \`code\`, [a link](02-other.md), a [[02-other|wikilink]] and $e^{i\\pi}$.

- [ ] a task
- [x] a done one

| Name | Value |
|---|---:|
| one | 1 |

> [!NOTE]
> A callout.

\`\`\`python
print("\\033[31mred\\033[0m", "a long line " * 20)
for i in range(40): print(i)
\`\`\`

\`\`\`python
import nothing_of_this_name
\`\`\`

\`\`\`python
1 / 0
\`\`\`
`,
  '02-other.md': '# Other\n',
  'folder/03-deep.md': '# Deep\n',
};

const SCREENS = {
  'wide and light': { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  'wide and dark': { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  'narrow and light': { viewport: { width: 390, height: 844 }, colorScheme: 'light', hasTouch: true, isMobile: true },
  'narrow and dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true, isMobile: true },
} as const satisfies Record<string, BrowserContextOptions>;

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`axe finds nothing serious: ${screen}`, async ({ openFolder, openPage }) => {
    const folder = await openFolder(FILES);
    const notebook = await openPage(folder, '01-page', options);
    const { page, press } = notebook;
    const found: string[] = [];
    // But for its colors a page is the same in the dark.
    const rules = { colorsAlone: options.colorScheme === 'dark' };
    const look = async (where: string): Promise<void> =>
      void found.push(...(await troubles(notebook, rules)).map((trouble) => `${where}: ${trouble}`));
    await notebook.seen.locator('.mc-run').first().click();
    await notebook.says('✓', 0);
    await notebook.seen.locator('.mc-run').nth(1).click();
    await notebook.seen.locator('.mc-install button').waitFor();
    await notebook.seen.locator('.mc-run').nth(2).click();
    await notebook.says('ZeroDivisionError', 2);
    await notebook.seen.locator('.katex').first().waitFor();
    await look('document');
    await notebook.caretAfter('print(');
    for (const [keys, dialog] of [
      ['Control+Shift+P', 'dialog'],
      ['Control+F', '.cm-search'],
    ] as const) {
      await press(keys);
      await page.locator(dialog).waitFor();
      await look(keys);
      await press('Escape');
      await page.locator(dialog).waitFor({ state: 'hidden' });
      await notebook.seen.locator('.cm-content:focus').waitFor();
    }
    // What looks the same on every screen is looked at on one, in both themes.
    const narrow = 'isMobile' in options;
    for (const command of narrow
      ? []
      : ['Keyboard shortcuts', 'New document', 'Open a folder', 'Devices', 'Restart session']) {
      await notebook.command(command);
      await page.getByRole('dialog').waitFor();
      await page.locator('dialog .wait').waitFor({ state: 'hidden' });
      await look(command);
      await press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    for (const panel of narrow ? ['Variables', 'History'] : ['Outline', 'Variables', 'History', 'Runs']) {
      await notebook.command(panel);
      await page.locator('.panel').getByRole('heading', { name: panel, exact: true }).waitFor();
      await page.locator('.panel .wait').waitFor({ state: 'hidden' });
      if (panel !== 'History') await look(panel);
      else {
        await page.locator('.moment').first().click();
        await page.locator('.compare .wait').waitFor({ state: 'hidden' });
        await look('moment');
        if (!narrow) await page.getByRole('button', { name: 'Back to now' }).click();
      }
      await page.locator('.panel').getByRole('button', { name: 'Close', exact: true }).click();
    }
    await press('Control+Shift+F');
    await page.keyboard.type('page');
    await page.locator('.hit').first().waitFor();
    await look('search');
    if (narrow) await press('Escape');
    await notebook.seen.locator('.mc-menu summary').first().click();
    await notebook.seen.getByRole('button', { name: 'Whole output' }).first().click();
    await page.locator('.log-line').first().waitFor();
    await page.getByRole('searchbox', { name: 'Find in the output' }).fill('red');
    await page.locator('.log mark').first().waitFor();
    await look('run');
    expect([...new Set(found)]).toEqual([]);
  });
}

test('at 390 pixels nothing scrolls sideways, ▶ is large enough for a thumb, and the bar at the bottom works', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    ...FILES,
    '04-wide.md': `# Wide\n\n${'word'.repeat(200)}\n\n| ${'a | '.repeat(30)}\n|${'---|'.repeat(30)}\n| ${'some words | '.repeat(30)}\n\n\`\`\`python\n${'x = 1; '.repeat(60)}\nprint("y" * 400)\n\`\`\`\n`,
  });
  const notebook = await openPage(folder, '01-page', SCREENS['narrow and light']);
  const { page } = notebook;
  const sideways = (): Promise<number> =>
    page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - window.innerWidth);
  expect(await sideways()).toBeLessThanOrEqual(0);
  const bar = page.getByRole('navigation', { name: 'Main actions' });
  const box = async (name: string) => (await page.locator(name).first().boundingBox()) ?? { width: 0, height: 0 };
  for (const name of ['.mc-run', '.bottom-bar button']) {
    const { width, height } = await box(name);
    expect(Math.min(width, height), `${name} is at least 44 px`).toBeGreaterThanOrEqual(44);
  }
  await notebook.seen.locator('.mc-run').first().tap();
  await notebook.says('✓');
  await bar.getByRole('button', { name: 'Files' }).tap();
  await notebook.row('02-other').tap();
  await notebook.reads('# Other');
  await page.locator('.sidebar').waitFor({ state: 'hidden' });
  await bar.getByRole('button', { name: 'Files' }).tap();
  await notebook.row('04-wide').tap();
  await notebook.reads('# Wide');
  await notebook.caretAfter('x = 1;');
  await bar.getByRole('button', { name: 'Run' }).tap();
  // What is under the fold is drawn when one goes there.
  await notebook.caretAfter('print("y"');
  await notebook.says('✓');
  expect(await sideways()).toBeLessThanOrEqual(0);
  await bar.getByRole('button', { name: 'Search' }).tap();
  await page.getByRole('searchbox').fill('everything');
  await page.locator('.hit').first().tap();
  await notebook.reads('A page with everything');
  await bar.getByRole('button', { name: 'More' }).tap();
  await page.getByRole('dialog', { name: 'More' }).getByRole('button', { name: 'Outline' }).tap();
  await page.locator('.panel').waitFor();
  expect(await sideways()).toBeLessThanOrEqual(0);
  for (const field of await page.locator('input:visible').all())
    expect(
      parseFloat(await field.evaluate((input) => getComputedStyle(input).fontSize)),
      'iOS zooms into smaller fields',
    ).toBeGreaterThanOrEqual(16);
});

test('French is whole: no English word and no key is left', async ({ openFolder, openPage }) => {
  const folder = await openFolder(FILES);
  const notebook = await openPage(folder, '01-page', { locale: 'fr-FR' });
  const { page, press } = notebook;
  expect(await page.locator('html').getAttribute('lang')).toBe('fr');
  await notebook.seen.locator('.mc-run').first().click();
  await notebook.says('✓');
  await page
    .locator('.save-line')
    .getByText(/^Enregistré ici/)
    .waitFor();
  const words: string[] = [];
  const read = async (): Promise<void> =>
    void words.push(
      ...(await page.evaluate(() =>
        [...document.querySelectorAll('body *')].flatMap((element) => [
          ...['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name) ?? ''),
          ...[...element.childNodes]
            .filter(({ nodeType }) => nodeType === 3)
            .map(({ textContent }) => textContent ?? ''),
        ]),
      )),
    );
  await read();
  for (const keys of ['Control+P', 'Control+Shift+P']) {
    await press(keys);
    await page.getByRole('dialog').waitFor();
    await read();
    await press('Escape');
  }
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await press('?');
  await page.getByRole('dialog').waitFor();
  await read();
  await press('Escape');
  for (const keys of ['Control+Shift+O', 'Control+Shift+H', 'Control+Shift+U']) {
    await press(keys);
    await page.locator('.panel').waitFor();
    await page.locator('.panel .wait').waitFor({ state: 'hidden' });
    await read();
  }
  const said = new Set(words.map((word) => word.trim()));
  expect([...said].filter((word) => /^(?:editor\.|[a-z]+[A-Z][A-Za-z]+$)|\{\w+\}/.test(word))).toEqual([]);
  expect(
    [...said].filter((word) =>
      /^(?:Run|Save|Close|Search|Files|History|Commands|Show|New|Open|Delete|Rename|Cancel|Undo|Restart|Interrupt)\b/.test(
        word,
      ),
    ),
  ).toEqual([]);
  // The language is a command, and the choice stays.
  await notebook.command('Language');
  await expect.poll(() => page.locator('html').getAttribute('lang'), SOON).toBe('en');
  await page.reload();
  await notebook.loaded();
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
});
