/** Documents are made, renamed, moved, deleted, restored and found, and each can be taken back. */
import { SOON } from './notebook.ts';
import { expect, test } from './page-test.ts';

test('create, rename with its links, undo, delete, undo', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    '01-home.md': '# Home\n\nSee [the plan](02-plan.md) and [[02-plan|it]].\n',
    '02-plan.md': '# Plan\n\nBack [home](01-home.md).\n',
  });
  const notebook = await openPage(folder, '01-home');
  const { page, press } = notebook;
  await page.locator('.sidebar-tools').getByRole('button', { name: 'New document…' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('ideas/first');
  await press('Enter');
  await notebook.row('ideas/first').waitFor();
  await page.waitForURL(/ideas\/first$/);
  await notebook.loaded();
  await notebook.type('# First idea');
  await folder.reads('ideas/first.md', '# First idea');
  await notebook.row('ideas/first').getByText('First idea').waitFor();

  await notebook.row('02-plan').focus();
  await press('F2');
  await page.getByRole('dialog').getByRole('textbox').fill('ideas/the plan');
  await press('Enter');
  await notebook.toast(/Updated \d links/).waitFor();
  await folder.reads(
    '01-home.md',
    /\[the plan\]\(<?ideas\/the(?: |%20)plan\.md>?\) and \[\[(?:ideas\/)?the plan\|it\]\]/,
  );
  await folder.reads('ideas/the plan.md', 'Back [home](../01-home.md).');
  await notebook
    .toast(/Updated \d links/)
    .getByRole('button', { name: 'Undo' })
    .click();
  await folder.reads('01-home.md', /^# Home\n\nSee \[the plan\]\(02-plan\.md\) and \[\[02-plan\|it\]\]\.\n$/);
  await folder.reads('02-plan.md', /^# Plan\n\nBack \[home\]\(01-home\.md\)\.\n$/);

  await notebook.row('02-plan').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await notebook.row('02-plan').waitFor({ state: 'detached' });
  await expect.poll(() => folder.read('02-plan.md').catch(() => 'gone'), SOON).toBe('gone');
  await notebook.toast('Deleted Plan').getByRole('button', { name: 'Undo' }).click();
  await notebook.row('02-plan').waitFor();
  await folder.reads('02-plan.md', 'Back [home]');
});

test('a row that is dragged takes its number from where it lands, and undo gives it back', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ '01-a.md': '# A\n', '02-b.md': '# B\n', '03-c.md': '# C\n\n[to a](01-a.md)\n' });
  const notebook = await openPage(folder, '03-c');
  const order = (): Promise<readonly string[]> => notebook.page.locator('.tree-row .tree-label').allTextContents();
  expect(await order()).toEqual(['A', 'B', 'C']);
  await notebook.row('03-c').dragTo(notebook.row('01-a'), { targetPosition: { x: 60, y: 2 } });
  await expect.poll(order, SOON).toEqual(['C', 'A', 'B']);
  await expect.poll(() => folder.read('01-c.md').catch(() => ''), SOON).toMatch(/\[to a\]\(02-a\.md\)/);
  await notebook
    .toast(/Updated|Moved/)
    .getByRole('button', { name: 'Undo' })
    .click();
  await expect.poll(order, SOON).toEqual(['A', 'B', 'C']);
  await folder.reads('03-c.md', '[to a](01-a.md)');
});

test('what other programs do to the folder shows in the tree', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ '01-a.md': '# A\n' });
  const notebook = await openPage(folder, '01-a');
  await folder.write('02-new.md', '# Made by another program\n');
  await notebook.row('02-new').getByText('Made by another program').waitFor();
  await folder.write('02-new.md', '# Renamed by another program\n');
  await notebook.row('02-new').getByText('Renamed by another program').waitFor();
});

test('history lists moments, shows one beside now, restores it, and takes the restoring back', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'page.md': '# Page\n\nFirst words.\n' });
  const notebook = await openPage(folder, 'page');
  const { page } = notebook;
  await notebook.caretAfter('First words.');
  await notebook.type(' Second words.');
  await folder.reads('page.md', 'Second words.');
  await folder.write('page.md', '# Page\n\nWritten by vim.\n');
  await notebook.reads('Written by vim.');
  await page.getByRole('button', { name: 'History' }).click();
  await page.locator('.moment').filter({ hasText: 'Changed in the file' }).first().waitFor();
  await page.locator('.moment').filter({ hasText: 'Written here' }).first().click();
  await page.locator('.compare-view').getByText('Second words.').waitFor();
  await page.getByRole('button', { name: 'Restore' }).click();
  await folder.reads('page.md', /^# Page\n\nFirst words\. Second words\.\n$/);
  await notebook.toast('Restored').getByRole('button', { name: 'Undo' }).click();
  await folder.reads('page.md', /^# Page\n\nWritten by vim\.\n$/);
  await notebook.reads('Written by vim.');
});
