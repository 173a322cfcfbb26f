/** A share link in a real browser: its owner makes it in the page, a guest without an account writes, and is cut off. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const SOON = { timeout: 20_000 };
/** What a link that is revoked may still show. */
const CUT_OFF = { timeout: 5_000 };

async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
}

/** By the keyboard alone, from the open dialog. */
async function makeLink(page: Page, may: string): Promise<string> {
  await page.getByLabel('What they may do').selectOption({ label: may });
  const shown = page.getByRole('textbox', { name: 'Link' });
  const before = (await shown.count()) === 0 ? '' : await shown.inputValue();
  const button = page.getByRole('button', { name: 'Make a link' });
  await button.focus();
  await page.keyboard.press('Enter');
  const link = page.getByRole('textbox', { name: 'Link' });
  // Of the link that was made before nothing is left.
  await expect.poll(async () => ((await link.count()) === 0 ? before : link.inputValue()), SOON).not.toBe(before);
  return link.inputValue();
}

test('a person shares a page from a phone, a guest writes in it and sees nothing else, and is cut off when the link is revoked', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  await using cloud = await startCloud();
  await using laptop = await startDevice({
    files: { 'page.md': '# Page\n\n```python\nprint(6 * 7)\n```\n', 'other.md': '# Other\n' },
  });
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const documents = async (): Promise<number> =>
    (await cloud.get<{ documents: unknown[] }>(`/api/documents/${laptop.userId}`)).json.documents.length;
  await eventually(async () => (await documents()) === 2, 'both documents to be in the cloud', 20_000);

  const contexts = [await (await browser()).newContext(PHONE), await (await browser()).newContext(PHONE)];
  const [hers, guests] = await Promise.all(contexts.map((context) => context.newPage()));
  if (hers === undefined || guests === undefined) return expect.unreachable('no pages');
  await hers.goto(`${cloud.origin}/p/${laptop.project.slug}/page#token=${cloud.token}`);
  const herText = hers.locator('.cm-content');
  await herText.getByText('Page').first().waitFor(SOON);
  await hers.getByRole('button', { name: 'More' }).click();
  await hers.getByRole('button', { name: 'Share…' }).click();
  await hers.getByText('There are no links yet.').waitFor(SOON);
  const toWrite = await makeLink(hers, 'Read and write');
  const toRead = await makeLink(hers, 'Read');
  const toSuggest = await makeLink(hers, 'Suggest changes');
  expect(new Set([toRead, toWrite, toSuggest]).size).toBe(3);
  expect(await troubles({ page: hers })).toEqual([]);
  await fits(hers);

  const asked: string[] = [];
  guests.on('response', (response) => {
    if (response.status() >= 400) asked.push(`${response.status()} ${new URL(response.url()).pathname}`);
  });
  await guests.goto(toWrite);
  const text = guests.locator('.cm-content:visible');
  await text.getByText('Page').first().waitFor(SOON);
  expect(guests.url()).not.toContain(toWrite.split('/').at(-1));
  expect(await guests.evaluate(() => document.cookie)).toBe('');
  for (const name of ['Run this cell', 'Share…', 'Runs', 'Variables'])
    expect([name, await guests.getByRole('button', { name }).count()]).toEqual([name, 0]);
  await text.click();
  await guests.keyboard.press('Control+End');
  await guests.keyboard.type('Typed by a guest.');
  await guests.getByText(/^Saved here/).waitFor(SOON);
  await herText.getByText('Typed by a guest.').waitFor(SOON);
  // It is there again when the page is, and no other document is.
  await guests.reload();
  await text.getByText('Typed by a guest.').waitFor(SOON);
  expect(await troubles({ page: guests })).toEqual([]);
  await fits(guests);
  expect(asked).toEqual([]);
  await guests.goto(guests.url().replace(/page$/, 'other'));
  await guests.getByText('There is no such document here').waitFor(SOON);

  // Who may only read types in vain.
  await guests.goto(toRead);
  await text.getByText('Typed by a guest.').waitFor(SOON);
  await guests.getByText('Read only').waitFor(SOON);
  await text.click();
  await guests.keyboard.type('In vain.');
  expect(await text.innerText()).not.toContain('In vain.');

  // Who suggests does so beside it.
  await guests.goto(toSuggest);
  await guests.getByText('Read only').waitFor(SOON);
  await guests.getByRole('button', { name: 'Open the copy' }).click();
  await guests.getByText('This is the copy.').waitFor(SOON);
  await text.click();
  await guests.keyboard.press('Control+End');
  await guests.keyboard.type('Suggested.');
  await guests.keyboard.press('Control+Home');
  await guests.keyboard.press('End');
  await guests.keyboard.type(' one');
  await guests.getByText(/^Saved here/).waitFor(SOON);
  expect(await troubles({ page: guests })).toEqual([]);
  await fits(guests);
  await eventually(
    async () => (await laptop.documents()).some(({ path }) => path === 'page (suggested)'),
    'the copy on the laptop',
    20_000,
  );
  expect(await herText.innerText()).not.toContain('Suggested.');

  await guests.goto(toWrite);
  await text.getByText('Typed by a guest.').waitFor(SOON);
  const revoke = hers.getByRole('button', { name: 'Revoke the link to page in' });
  await expect.poll(() => revoke.count(), SOON).toBe(3);
  await hers.getByRole('listitem').filter({ hasText: 'Read and write' }).getByRole('button').click();
  await guests.getByText('This link does not work any more').waitFor(CUT_OFF);
  await guests.getByText('has revoked it').waitFor(SOON);
  expect(await text.count()).toBe(0);
  await expect.poll(() => revoke.count(), SOON).toBe(2);
  await guests.goto(toWrite);
  await guests.getByText('This link leads nowhere').waitFor(SOON);
  await guests.goto(toRead);
  await text.getByText('Typed by a guest.').waitFor(SOON);

  // She is told what is suggested, and decides, by the keyboard alone.
  await hers.keyboard.press('Escape');
  await hers.getByText('2 changes are suggested for this page.').waitFor(SOON);
  await hers.getByRole('button', { name: 'Review' }).press('Enter');
  const list = hers.getByRole('dialog', { name: 'Suggested changes' });
  const [first, last] = [1, 6].map((line) => list.getByRole('button', { name: `Accept the change in line ${line}` }));
  if (first === undefined || last === undefined) return expect.unreachable();
  await first.waitFor(SOON);
  await list.getByText('You changed this too').waitFor(SOON);
  expect(await troubles({ page: hers })).toEqual([]);
  await fits(hers);
  for (const button of await list.getByRole('button').all())
    expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(43.9);
  await first.press('Enter');
  await herText.getByText('Page one').waitFor(SOON);
  await expect.poll(() => last.evaluate((element) => element === document.activeElement), SOON).toBe(true);
  await hers.keyboard.press('Control+z');
  await first.waitFor(SOON);
  expect(await herText.innerText()).not.toContain('Page one');
  // With the list closed it is said what was done, and undone there or as what is typed.
  const undoSaid = async (said: string): Promise<void> => {
    await hers.keyboard.press('Escape');
    const toast = hers.getByRole('listitem').filter({ hasText: said });
    await toast.getByRole('button', { name: 'Undo' }).press('Enter');
    await expect.poll(() => toast.count(), SOON).toBe(0);
    await hers.getByText('2 changes are suggested for this page.').waitFor(SOON);
    await expect.poll(() => herText.innerText(), SOON).not.toContain('Page one');
  };
  const review = () => hers.getByRole('button', { name: 'Review' }).press('Enter');
  await first.press('Enter');
  await herText.getByText('Page one').waitFor(SOON);
  await undoSaid('1 change accepted.');
  await review();
  await list.getByRole('button', { name: 'Reject the change in line 6' }).press('Enter');
  await expect.poll(() => last.count(), SOON).toBe(0);
  await undoSaid('1 change rejected.');
  await review();
  await first.press('Enter');
  await herText.getByText('Page one').waitFor(SOON);
  await hers.keyboard.press('Escape');
  await hers.getByText('1 change accepted.').waitFor(SOON);
  await herText.focus();
  await hers.keyboard.press('Control+End');
  await hers.keyboard.type('!');
  await hers.keyboard.press('Control+z');
  await expect.poll(() => herText.innerText(), SOON).not.toContain('!');
  expect(await herText.innerText()).toContain('Page one');
  await hers.keyboard.press('Control+z');
  await hers.getByText('2 changes are suggested for this page.').waitFor(SOON);
  expect(await herText.innerText()).not.toContain('Page one');
  await expect.poll(() => hers.getByText('1 change accepted.').count(), SOON).toBe(0);
  await hers.keyboard.press('Control+y');
  await herText.getByText('Page one').waitFor(SOON);
  await hers.keyboard.press('Control+z');
  await review();
  await first.press('Enter');
  await expect.poll(() => first.count(), SOON).toBe(0);
  await list.getByRole('button', { name: 'Reject the change in line 6' }).press('Enter');
  await list.getByText('Nothing is left to decide.').waitFor(SOON);
  await list.getByRole('button', { name: 'Undo' }).press('Enter');
  await last.waitFor(SOON);
  // Her words and what she took are in the page, and so they are on the laptop; the rest goes with the copy.
  await list.getByRole('button', { name: 'Reject all, and remove the copy' }).press('Enter');
  await hers.getByText('Deleted').first().waitFor(SOON);
  expect(await hers.getByText('suggested for this page').count()).toBe(0);
  const onLaptop = async (): Promise<string> => readFile(join(laptop.folder, 'page.md'), 'utf8');
  await eventually(async () => (await onLaptop()).startsWith('# Page one\n'), 'what she took on the laptop', 20_000);
  expect(await onLaptop()).toContain('Typed by a guest.');
  expect(await onLaptop()).not.toContain('Suggested.');
  const copies = async () => (await laptop.documents()).filter(({ path }) => path.startsWith('page (suggested'));
  await eventually(async () => (await copies()).length === 0, 'the copy to be gone', 20_000);
  for (const context of contexts) await context.close();
});
