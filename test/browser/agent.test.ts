/** A page at a cloud whose person lets a plain agent take runs: made, used and removed there, with a real Python. */
import { noPython, startAgent, startPlace } from '../conformance/agents.fixture.ts';
import { eventually } from '../conformance/device.fixture.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test } from './page-test.ts';

const SOON = { timeout: 20_000 };

test('a plain agent is made in the page, runs a cell that says where it ran, and is cut off there', async ({
  browser,
  skip,
}) => {
  skip(chromiumPath === undefined, NO_CHROMIUM);
  skip(noPython !== undefined, noPython);
  await using place = await startPlace('# Page\n\n```python\nimport os\nprint("here", 6 * 7)\n```\n');
  const { cloud } = place;
  // Where there is a choice: this one is never started.
  await place.addAgent('cellar');
  const { slug } = (await place.ask<{ projects: { slug: string }[] }>('GET', '/api/projects')).json.projects[0] ?? {};
  const context = await (await browser()).newContext();
  const page = await context.newPage();
  await page.goto(`${cloud.origin}/p/${slug}/page#token=${cloud.token}`);
  await page.locator('.mc-run').first().waitFor(SOON);
  const open = async (name: string) => {
    await page.keyboard.press('Control+Shift+P');
    await page.getByRole('combobox').waitFor(SOON);
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
    return page.getByRole('dialog', { name });
  };

  const account = await open('Account');
  await account.getByRole('textbox', { name: 'What it is called' }).fill('attic');
  await account.getByRole('button', { name: 'Make a token' }).click();
  const shown = account.getByRole('textbox', { name: 'The token of attic' });
  await shown.waitFor(SOON);
  await using agent = await startAgent(cloud, await shown.inputValue(), cloud.home);
  await page.keyboard.press('Escape');

  const devices = await open('Devices');
  const line = devices.getByRole('listitem').filter({ hasText: 'attic' });
  await line.filter({ hasText: 'Plain agent: takes runs from this cloud' }).filter({ hasText: 'Online' }).waitFor(SOON);
  await page.keyboard.press('Escape');

  await page.locator('.mc-run').first().click();
  await page.locator('.mc-output').getByText('here 42').first().waitFor(SOON);
  await page
    .locator('.mc-status-text')
    .getByText(/✓.*attic/)
    .first()
    .waitFor(SOON);
  await page.locator('.mc-place').first().click();
  const menu = page.getByRole('dialog', { name: 'Run this cell on' });
  await menu.locator('.place.next').filter({ hasText: 'attic' }).waitFor(SOON);
  await menu.locator('.place.refused').filter({ hasText: 'cellar' }).waitFor(SOON);
  await page.keyboard.press('Escape');

  await (await open('Account')).getByRole('button', { name: 'Remove attic' }).click();
  await eventually(() => agent.exited() !== null, 'the agent to be cut off', 20_000);
  expect(agent.log()).toContain('4401');
  await context.close();
});
