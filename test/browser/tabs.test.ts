/**
 * Several tabs of a browser that is a device: in each of them cells run and the runs of the others are seen, also in one
 * that was open before the browser became a device, and when any of them is closed.
 */
import type { Page } from 'playwright-core';
import { startCloud } from '../conformance/cloud.fixture.ts';
import { startDevice } from '../conformance/device.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';
import { addPhone, keepInCloud, PHONE, runsOf, SOON } from './phone.ts';

const TABS = 3;
const CELL = 'n=$(($(cat count || echo 0) + 1)); echo $n > count; echo run number $n';
const PAGE = `# Page\n\n\`\`\`bash\n${CELL}\n\`\`\`\n`;

const prints = (page: Page, number: number): Promise<void> =>
  page.locator('.mc-output').getByText(`run number ${number}`).first().waitFor(SOON);

test('in every tab of a browser that is a device cells run and what others run is seen, also when others are closed', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  await using cloud = await startCloud({ MARKCO_NAME: 'server' });
  await using laptop = await startDevice({ files: { 'page.md': PAGE }, env: { MARKCO_NAME: 'laptop' } });
  await keepInCloud(cloud, laptop);
  const context = await (await browser()).newContext(PHONE);
  const thrown: unknown[] = [];
  const address = `${cloud.origin}/p/${laptop.project.slug}/page`;
  const open = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(url);
    await page.locator('.mc-run').first().waitFor(SOON);
    return page;
  };
  const before = await open(`${address}#token=${cloud.token}`);
  const first = await open(address);
  await addPhone(first, cloud, laptop);
  await first.keyboard.press('Escape');
  const others = await Promise.all(Array.from({ length: TABS - 2 }, () => open(address)));
  const last = others.at(-1) ?? first;
  let tabs = [before, first, ...others];
  let number = 0;
  const runsIn = async (...some: readonly Page[]): Promise<void> => {
    for (const tab of some) {
      await tab.bringToFront();
      await tab.locator('.mc-run').first().click();
      number++;
      await Promise.all(tabs.map((each) => prints(each, number)));
    }
  };
  await runsIn(before, first, last);

  // The one that joined, and the one that came last.
  for (const tab of [first, last]) await tab.close();
  tabs = tabs.filter((tab) => !tab.isClosed());
  await runsIn(before);
  expect((await runsOf(laptop)).map(({ state }) => state)).toEqual(Array.from({ length: number }, () => 'completed'));
  expect(thrown).toEqual([]);
  await context.close();
});
