/** A project is made public from a phone at the cloud: its address, what is kept back as a secret, and taking it back. */
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';
import { PHONE, SOON, SOON_MS } from './phone.ts';

test('a phone makes a project public, sees where, what is kept back and why, and takes it back', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  await using cloud = await startCloud();
  // In two, so that nobody takes this file itself for one that holds a key.
  const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');
  await using laptop = await startDevice({ files: { 'page.md': '# Page\n', 'keys.md': `# Keys\n\n${secret}\n` } });
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const documents = async (): Promise<number> =>
    (await cloud.get<{ documents: unknown[] }>(`/api/documents/${laptop.userId}`)).json.documents.length;
  await eventually(async () => (await documents()) === 2, 'both documents to be in the cloud', SOON_MS);

  const context = await (await browser()).newContext(PHONE);
  const page = await context.newPage();
  await page.goto(`${cloud.origin}/p/${laptop.project.slug}/page#token=${cloud.token}`);
  await page.locator('.cm-content').getByText('Page').first().waitFor(SOON);
  await page.getByRole('navigation', { name: 'Main actions' }).getByRole('button', { name: 'More' }).tap();
  await page.getByRole('dialog', { name: 'More' }).getByRole('button', { name: 'Publish…' }).tap();
  const dialog = page.getByRole('dialog', { name: 'Publish…' });
  const name = dialog.getByRole('textbox', { name: 'The name that your pages are under' });
  await name.fill('-no-');
  await dialog.getByRole('button', { name: 'Publish', exact: true }).tap();
  await dialog.getByText('must be 1 to 39 of a-z').waitFor(SOON);
  await name.fill('ada');
  await dialog.getByText(`/@ada/${laptop.project.slug}`).waitFor(SOON);
  await dialog.getByRole('button', { name: 'Publish', exact: true }).tap();
  await dialog.getByText('1 page is public').waitFor(SOON);
  const url = await dialog.getByRole('textbox', { name: 'Address' }).inputValue();
  expect(url).toBe(`${cloud.origin}/@ada/${laptop.project.slug}`);
  expect((await fetch(`${url}/page`)).status).toBe(200);
  expect((await fetch(`${url}/keys`)).status).toBe(404);
  expect(await troubles({ page })).toEqual([]);
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(isWide, 'it fits a phone').toBe(false);

  await dialog.getByRole('button', { name: 'It is no secret: keys, line 3' }).tap();
  await dialog.getByText('2 pages are public').waitFor(SOON);
  expect((await fetch(`${url}/keys`)).status).toBe(200);
  await dialog.getByRole('button', { name: 'Take back' }).tap();
  await dialog.getByText('is not public').waitFor(SOON);
  expect((await fetch(`${url}/page`)).status).toBe(404);
  // Its name is known by now, and what was said to be no secret is asked anew.
  await dialog.getByRole('button', { name: 'Publish', exact: true }).tap();
  await dialog.getByText('1 page is public').waitFor(SOON);
  await context.close();
}, 60_000);
