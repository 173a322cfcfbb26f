/** Devices of one person are brought together in the page: each asks, shows the words that the other shows, and is there. */
import type { PairingHere } from '@markco/protocol';
import { startDevice as startOther } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import { SOON } from './notebook.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

/** A pairing waits for two devices, and on a busy machine they start slowly. */
const PAIRED = { timeout: 30_000, interval: 100 } as const;
const NARROW = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

type Other = Awaited<ReturnType<typeof startOther>>;
const other = (name: string): Promise<Other> =>
  startOther({ files: { 'page.md': `# Page of ${name}\n` }, env: { MARKCO_NAME: name } });
const pairing = (device: Other): Promise<PairingHere> => device.get<PairingHere>('/api/pairing');

test('the page joins a device, adds another by its code, opens its project, and removes it', async ({
  device,
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': '# Page\n' });
  await using desk = await other('desk');
  await using box = await other('box');
  const notebook = await openPage(folder, 'page', NARROW);
  const { page } = notebook;
  const found: string[] = [];
  const look = async (where: string): Promise<void> => {
    found.push(...(await troubles(notebook)).map((trouble) => `${where}: ${trouble}`));
    const sideways = await page.evaluate(() =>
      Math.max(...[...document.querySelectorAll('.devices')].map((inside) => inside.scrollWidth - inside.clientWidth)),
    );
    expect(sideways, `${where} scrolls sideways`).toBeLessThanOrEqual(0);
  };

  // Reached on a phone by the sheet; a code that is none is refused in words.
  await page.getByRole('navigation', { name: 'Main actions' }).getByRole('button', { name: 'More' }).tap();
  await page.getByRole('dialog', { name: 'More' }).getByRole('button', { name: 'Devices' }).tap();
  const dialog = page.getByRole('dialog', { name: 'Devices' });
  await dialog.getByText('This device', { exact: true }).waitFor();
  await look('alone');
  await dialog.getByRole('button', { name: 'Join another device' }).tap();
  const field = dialog.getByRole('textbox', { name: 'Code or link' });
  await expect.poll(() => field.evaluate((input) => input === document.activeElement), SOON).toBe(true);
  await field.fill('4271');
  await dialog.getByRole('button', { name: 'Join', exact: true }).tap();
  await dialog.getByRole('alert').getByText(/code/i).waitFor();
  await look('join');

  // With the link of the desk, both say the same words before it says yes.
  const { offered } = await desk.get<PairingHere>('/api/pairing', { method: 'POST' });
  await field.fill(offered?.link ?? '');
  await page.keyboard.press('Enter');
  await dialog.getByText('The other device must show the same.').waitFor(PAIRED);
  const shownThere = (await pairing(desk)).offered;
  expect(shownThere?.state).toBe('asked');
  expect(await dialog.locator('.check-signs').innerText()).toContain(shownThere?.check?.words);
  await desk.get('/api/pairing/approve', { method: 'POST' });
  await dialog.getByText('This is one of your devices now.').waitFor(PAIRED);
  await dialog.getByRole('button', { name: 'Done' }).tap();
  await dialog.getByRole('listitem').filter({ hasText: 'desk' }).filter({ hasText: 'Online' }).waitFor(PAIRED);

  // A code for the box. The link holds all it needs.
  await dialog.getByRole('button', { name: 'Add a device' }).tap();
  await expect.poll(() => dialog.locator('.pairing-code').innerText(), SOON).toMatch(/^\d{4} \d{4}$/);
  await dialog
    .getByRole('timer')
    .getByText(/^Good for \d:\d\d more/)
    .waitFor();
  await dialog.getByRole('img', { name: 'QR code of the link' }).waitFor();
  await look('code');
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await box.get('/api/pairing/join', { body: { code: link } });
  await dialog.getByText(/^box \(.+\) asks to be added$/).waitFor(PAIRED);
  const shownByBox = (await pairing(box)).joining;
  expect(shownByBox?.state).toBe('agreed');
  const signs = await dialog.locator('.check-signs').innerText();
  expect(signs).toContain(shownByBox?.check?.words);
  expect(signs).toContain(shownByBox?.check?.symbols);
  await look('asked');
  await dialog.getByRole('button', { name: 'Add it' }).tap();
  await dialog.getByText('box is one of your devices now.').waitFor(PAIRED);
  await expect.poll(async () => (await pairing(box)).joining?.state, PAIRED).toBe('joined');
  await dialog.getByRole('button', { name: 'Done' }).tap();

  // All three are in the list, and what they have can be opened here.
  const line = dialog.getByRole('listitem').filter({ has: page.getByText('box', { exact: true }) });
  await line.getByText(/^Online · direct/).waitFor(PAIRED);
  await line.getByText(/^Runs .*Python/).waitFor(PAIRED);
  expect((await device.api('devices', {})).devices.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['desk', 'box']),
  );
  const elsewhere = dialog.getByRole('region', { name: 'Projects of your other devices' });
  await elsewhere.getByText('on box').waitFor(PAIRED);
  await look('list');

  // One that is away is still listed with what it has, which cannot be opened until it is back.
  await dialog.getByRole('checkbox', { name: 'Open all my projects on this device' }).waitFor();
  await box.stop();
  const ofBox = elsewhere.getByRole('listitem').filter({ hasText: 'on box (offline)' });
  await ofBox.getByText('It can be opened here when one of them is online.').waitFor(PAIRED);
  expect(await ofBox.getByRole('button').isDisabled()).toBe(true);
  await look('away');

  // Removing asks first, and "no" leaves it where it is.
  const ask = page.getByRole('dialog', { name: 'Remove box?' });
  await line.getByRole('button', { name: 'Remove box' }).tap();
  await look('remove');
  await ask.getByRole('button', { name: 'Cancel' }).tap();
  await ask.waitFor({ state: 'detached' });
  expect((await device.api('devices', {})).devices).toHaveLength(3);
  await line.getByRole('button', { name: 'Remove box' }).tap();
  await ask.getByRole('button', { name: 'Remove', exact: true }).tap();
  await line.waitFor({ state: 'detached' });
  expect((await device.api('devices', {})).devices).toHaveLength(2);

  await elsewhere.getByRole('listitem').filter({ hasText: 'on desk' }).getByRole('button').tap();
  await dialog.waitFor({ state: 'detached', ...PAIRED });
  await notebook.reads('# Page of desk');
  expect([...new Set(found)]).toEqual([]);
});
