/** The page says on how many devices' disks the document is: as many as have said so, of the very text that is seen. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PairingHere, Project } from '@markco/protocol';
import { startDevice as startOther } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

const PAIRED = { timeout: 30_000, interval: 100 } as const;
const WAIT = { timeout: 30_000 } as const;

test('SYNC-4 in sync is said of three devices that have it, of two while one is away, and of three when it is back', async ({
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': '# Page\n' });
  await using desk = await startOther({ files: {}, env: { MARKCO_NAME: 'desk' } });
  await using box = await startOther({ files: {}, env: { MARKCO_NAME: 'box' } });
  const { project } = folder;
  for (const other of [desk, box]) {
    const offered = await device.api('offerPairing', {});
    await other.get('/api/pairing/join', { body: { code: offered.offered?.link ?? '' } });
    await expect.poll(async () => (await device.api('pairing', {})).offered?.state, PAIRED).toBe('asked');
    await device.api('approvePairing', {});
    await expect.poll(async () => (await other.get<PairingHere>('/api/pairing')).joining?.state, PAIRED).toBe('joined');
    const isHeardOf = async () =>
      (await other.get<{ projects: { project: Project }[] }>('/api/projects-elsewhere')).projects.some(
        (found) => found.project.id === project.id,
      );
    await expect.poll(isHeardOf, PAIRED).toBe(true);
    const localPath = join(other.root, 'attached');
    await mkdir(localPath);
    await other.get(`/api/projects-elsewhere/${project.id}/attach`, { body: { localPath } });
  }

  const notebook = await openPage(folder, 'page');
  const { page } = notebook;
  const line = page.locator('.save-line');
  await line.getByText(/^In sync · 3 devices · \d\d:\d\d$/).waitFor(WAIT);
  await line.getByRole('button').click();
  const list = page.getByRole('dialog', { name: 'Where this page is saved' });
  await list.getByText(/^desk · since \d\d:\d\d$/).waitFor(WAIT);
  await list.getByText(/ · this device$/).waitFor(WAIT);
  expect(await troubles(notebook)).toEqual([]);
  await page.keyboard.press('Escape');

  await box.stop();
  await notebook.caretAfter('Page');
  await page.keyboard.type(' one');
  await line.getByText('Saved · on 2 of 3 devices').waitFor(WAIT);
  await notebook.press('Control+s');
  await page.getByText('Already saved · on 2 of 3 devices').waitFor(WAIT);
  await line.getByRole('button').click();
  await list.getByText(/^box · not yet, not connected since \d\d:\d\d$/).waitFor(WAIT);
  await page.keyboard.press('Escape');

  await box.start();
  await line.getByText(/^In sync · 3 devices · \d\d:\d\d$/).waitFor(WAIT);
  await notebook.press('Control+s');
  await page.getByText('Already saved · 3 devices').waitFor(WAIT);
});
