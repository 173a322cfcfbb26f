/**
 * A browser behind a router of its own, the laptop behind another, and the cloud where both reach it: the browser becomes
 * a device, runs a cell on the laptop, and by which way. The table of all kinds of routers is printed:
 *
 *   MARKCO_LAB=all npm test -- --project network browser
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { fullChromiumPath, NO_CHROMIUM } from '../browser/chromium.ts';
import { addPhone, keepInCloud, openDevices, PHONE } from '../browser/phone.ts';
import { asLaptop, labBrowser, labCloud } from './cloud.fixture.ts';
import { SOON, type LabDevice } from './device.fixture.ts';
import { whyNoLab, type Machine, type NatKind } from './lab.ts';
import { say, test, whyNotAll } from './mesh.fixture.ts';

const why = fullChromiumPath === undefined ? NO_CHROMIUM : await whyNoLab();
const RUN = 'n=$(($(cat count || echo 0) + 1)); echo $n > count; echo run number $n';
const PAGE = `# Page\n\n\`\`\`bash\n${RUN}\n\`\`\`\n`;
const KINDS = ['cone', 'symmetric', 'no-udp'] as const;
/** Long enough for several tries to punch a hole where none can be. */
const SETTLED_MS = 8_000;

type Way = 'direct' | 'relayed';
type There = {
  readonly page: Page;
  readonly laptop: LabDevice;
  readonly behind: { readonly browser: Machine; readonly laptop: Machine };
};

/** Two routers that tell everybody by one port from who else, and nothing else: a hole is punched. */
const expected = (one: NatKind, other: NatKind): Way => (one === 'cone' && other === 'cone' ? 'direct' : 'relayed');

/** Presses ▶; resolves once its output is there. */
async function runs(page: Page, number: number): Promise<void> {
  await page.locator('.mc-run').first().click();
  await page.locator('.mc-output').getByText(`run number ${number}`).first().waitFor(SOON);
}

/** The cloud, the laptop that keeps its page there, and a browser that has become a device of its user. */
async function meet(
  lab: (kind: NatKind) => Promise<Machine>,
  device: (name: string, kind: NatKind) => Promise<LabDevice>,
  stack: AsyncDisposableStack,
): Promise<There> {
  const away = await lab('cone');
  const [at, laptop] = [await lab('public'), await device('laptop', 'cone')];
  await writeFile(join(laptop.folder, 'page.md'), PAGE);
  const [cloud] = await Promise.all([labCloud(at), laptop.up(laptop.folder)]);
  stack.use(cloud);
  const asked = await asLaptop(laptop);
  const launching = labBrowser(away, cloud.origin);
  const [browser] = await Promise.all([launching, keepInCloud(cloud, asked)]);
  stack.use(browser);
  const page = await (await browser.newContext(PHONE)).newPage();
  const { projects } = await laptop.get<{ projects: { slug: string }[] }>('/api/projects');
  const slug = projects[0]?.slug ?? '';
  await page.goto(`${cloud.origin}/p/${slug}/page#token=${cloud.token}`);
  await page.locator('.mc-run').first().waitFor(SOON);
  await addPhone(page, cloud, asked);
  await page.keyboard.press('Escape');
  return { page, laptop, behind: { browser: away, laptop: laptop.machine } };
}

/** By which way the page says that it reaches the laptop. */
async function wayOf(page: Page, wanted: Way): Promise<Way> {
  const dialog = await openDevices(page);
  const row = dialog.getByRole('listitem').filter({ hasText: 'laptop' });
  await row.getByText(/Online · (direct|relayed by server)/).waitFor(SOON);
  const direct = row.getByText(/Online · direct/);
  const isDirect = await direct.waitFor({ timeout: wanted === 'direct' ? SOON.timeout : SETTLED_MS }).then(
    () => true,
    () => false,
  );
  await page.keyboard.press('Escape');
  return isDirect ? 'direct' : 'relayed';
}

test('a browser behind one router runs a cell on a laptop behind another, directly, with the cloud as what both reach', async ({
  lab,
  device,
  skip,
}) => {
  if (why !== null) return skip(why);
  await using stack = new AsyncDisposableStack();
  const { page, laptop } = await meet(lab, device, stack);
  expect(await wayOf(page, 'direct')).toBe('direct');
  await runs(page, 1);
  const phone = (await laptop.devices()).find(({ kind }) => kind === 'web');
  await expect.poll(() => laptop.wayTo(phone?.name ?? ''), SOON).toBe('direct');
});

test('a browser and a laptop behind routers of every kind: directly where a hole can be punched, through the cloud elsewhere', async ({
  lab,
  device,
  skip,
}) => {
  const whyNot = why ?? whyNotAll();
  if (whyNot !== null) return skip(whyNot);
  await using stack = new AsyncDisposableStack();
  const { page, laptop, behind } = await meet(lab, device, stack);
  const rows: string[] = [];
  let number = 0;
  for (const ofBrowser of KINDS)
    for (const ofLaptop of KINDS) {
      await laptop.stop();
      await page.goto('about:blank');
      await behind.browser.setNat(ofBrowser);
      await behind.laptop.setNat(ofLaptop);
      await laptop.up();
      const began = performance.now();
      await page.goBack();
      await page.locator('.mc-run').first().waitFor(SOON);
      await runs(page, ++number);
      const ran = performance.now() - began;
      const wanted = expected(ofBrowser, ofLaptop);
      const way = await wayOf(page, wanted);
      rows.push(`${`${ofBrowser} + ${ofLaptop}`.padEnd(24)}${`${Math.round(ran)} ms`.padEnd(12)}${way}`);
      expect.soft(`${ofBrowser} + ${ofLaptop}: ${way}`).toBe(`${ofBrowser} + ${ofLaptop}: ${wanted}`);
    }
  say(`${'browser + laptop'.padEnd(24)}${'output in'.padEnd(12)}then`);
  for (const row of rows) say(row);
}, 600_000);
