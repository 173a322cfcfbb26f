/** A picture that is pasted into a page on one device is seen in the page on another one, and stays when the first is gone. */
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { PairingHere } from '@markco/protocol';
import { startDevice as startOther } from '../conformance/device.fixture.ts';
import { createNotebook } from './notebook.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

const SLOW = { timeout: 30_000, interval: 100 } as const;
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

test('a picture pasted on one device is seen on the other, and as well when the first one is gone', async ({
  browser,
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': '# Page\n\nHere: \n' });
  await using box = await startOther({ files: { 'mine.md': '# Mine\n' }, env: { MARKCO_NAME: 'box' } });
  const { offered } = await box.get<PairingHere>('/api/pairing', { method: 'POST' });
  await device.api('joinPairing', { body: { code: offered?.link ?? '' } });
  await expect.poll(async () => (await box.get<PairingHere>('/api/pairing')).offered?.state, SLOW).toBe('asked');
  await box.get('/api/pairing/approve', { method: 'POST' });
  const { id } = folder.project;
  await expect
    .poll(async () => {
      const { projects } = await box.get<{ projects: { project: { id: string } }[] }>('/api/projects-elsewhere');
      return projects.some(({ project }) => project.id === id);
    }, SLOW)
    .toBe(true);
  const attached = join(box.root, 'attached');
  await box.get(`/api/projects-elsewhere/${id}/attach`, { body: { localPath: attached } });

  const context = await (await browser()).newContext({ locale: 'en-US' });
  try {
    // Both look at the page before the picture is pasted.
    const there = await createNotebook(context);
    const { projects } = await box.get<{ projects: { id: string; slug: string }[] }>('/api/projects');
    const slug = projects.find((project) => project.id === id)?.slug;
    await there.page.goto(`http://localhost:${box.port}/p/${slug}/page#token=${box.token}`);
    await there.reads('Here:');
    const here = await openPage(folder, 'page');
    await here.caretAfter('Here: ');
    await here.page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
      document
        .querySelector('.mc-pane:not(.mc-pane-hidden) .cm-content')
        ?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, PIXEL);
    await there.reads(/!\[photo\]\(_assets\/[\w-]+\.png\)/);
    const width = (): Promise<number> =>
      there.seen
        .locator('.mc-image img')
        .evaluate((element: HTMLImageElement) => element.naturalWidth)
        .catch(() => 0);
    await expect.poll(width, SLOW).toBe(1);
    const path = /_assets\/[\w-]+\.png/.exec(await there.text())?.[0] ?? '';
    await expect.poll(() => readFile(join(attached, path), 'base64').catch(() => ''), SLOW).toBe(PIXEL);

    await device.kill();
    await there.page.reload();
    await there.reads('![photo]');
    await expect.poll(width, SLOW).toBe(1);
    expect(there.thrown).toEqual([]);
  } finally {
    await context.close();
    await device.start();
  }
});
