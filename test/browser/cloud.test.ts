/** A phone at a cloud, while the laptop whose documents it keeps is off. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { onEachStore, openStores } from '../conformance/stores.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';

const PHONE = { width: 390, height: 844 };
const SOON = { timeout: 20_000 };

onEachStore((name, missing) => {
  test('a phone opens and edits at the cloud while the laptop is off, and the laptop has it when it is back', async ({
    browser,
    skip,
  }) => {
    skip(chromiumPath === undefined, NO_CHROMIUM);
    skip(missing !== undefined, missing);
    await using stores = await openStores(name);
    await using cloud = await startCloud(await stores.environment());
    await using laptop = await startDevice({
      files: { 'page.md': '# Page\n\n```python\nprint(6 * 7)\n```\n', 'sub/other.md': '# Other\n' },
    });
    await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
    const documents = async (): Promise<number> =>
      (await cloud.get<{ documents: unknown[] }>(`/api/documents/${laptop.userId}`)).json.documents.length;
    await eventually(async () => (await documents()) === 2, 'both documents to be in the cloud', 20_000);
    await laptop.kill();

    const context = await (await browser()).newContext({ viewport: PHONE, hasTouch: true, isMobile: true });
    const page = await context.newPage();
    const { origin, token } = cloud;
    await page.goto(`${origin}/p/${laptop.project.slug}/page#token=${token}`);
    const text = page.locator('.cm-content');
    await text.getByText('Page').first().waitFor(SOON);
    expect(page.url()).not.toContain(token);
    await text.click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('Typed on the phone.');
    await page.getByText(/^Saved here/).waitFor(SOON);

    // A cell says that nobody can run it now, and the document stays as it is.
    await page.getByRole('button', { name: 'Run this cell' }).click();
    await page.getByText('Add this browser to them').first().waitFor(SOON);

    await page.reload();
    await text.getByText('Typed on the phone.').waitFor(SOON);
    await context.close();
    await laptop.start();
    const file = (path: string): Promise<string> => readFile(join(laptop.folder, path), 'utf8');
    await eventually(
      async () => (await file('page.md')).includes('Typed on the phone.'),
      'the edit in the file',
      20_000,
    );
    expect(await file('page.md')).toContain('```python\nprint(6 * 7)\n```\n');
    expect(await file('page.md')).not.toContain('output');
  });
});
