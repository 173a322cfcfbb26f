/** The sessions of a project: what each does and costs, and how to interrupt, restart and stop one. */
import { expect, test } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;
const WAIT = 'import pathlib, time\nwhile not pathlib.Path("go").exists():\n    time.sleep(0.05)';

const sessions = ({ page }: Notebook) => page.getByRole('region', { name: 'Sessions' });

async function confirmed({ page }: Notebook, button: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: button, exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

test('a session says what it does, is interrupted, restarted after a question, and stopped', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({ 'busy.md': `${cell(`kept = 1\n${WAIT}`)}\n${cell('kept')}` });
  const notebook = await openPage(folder, 'busy');
  const { page } = notebook;
  await page.getByRole('button', { name: 'Runs', exact: true }).click();
  await notebook.caretAfter('kept = 1');
  await notebook.press('Control+Shift+Enter');
  const its = sessions(notebook);
  await its.getByText('Running a cell').waitFor();
  await its.getByText('1 waits').waitFor();
  await its.getByText(/since \d\d:\d\d/).waitFor();
  await its.getByRole('button', { name: 'Interrupt' }).click();
  await notebook.says('Stopped', 0);
  await its.getByText('Ready').waitFor();

  await its.getByRole('button', { name: 'Restart' }).click();
  await page.getByRole('dialog').getByText('Its variables are lost.').waitFor();
  await confirmed(notebook, 'Cancel');
  await page.locator('.mc-run').nth(1).click();
  await notebook.says('✓', 1);
  await its.getByRole('button', { name: 'Restart' }).click();
  await confirmed(notebook, 'Restart');
  await notebook.toast('Restarted python').waitFor();
  await page.locator('.mc-run').nth(1).click();
  await notebook.says('✗ NameError', 1);

  await its.getByRole('button', { name: 'Stop' }).click();
  await confirmed(notebook, 'Stop');
  await notebook.toast('Stopped python').waitFor();
  await expect.poll(() => its.getByText('Ready').count(), SOON).toBe(0);
});

test('a cell that waits moves up as those before it end', async ({ openFolder, openPage }) => {
  const wait = (name: string): string => cell(WAIT.replace('go', name));
  const folder = await openFolder({
    'queue.md': `${wait('one')}\n${wait('two')}\n${wait('three')}\n${wait('four')}`,
  });
  const notebook = await openPage(folder, 'queue');
  await notebook.caretAfter('import pathlib');
  await notebook.press('Control+Shift+Enter');
  await notebook.says('● Running', 0);
  await notebook.says('2nd in queue', 1);
  await notebook.says('3rd in queue', 2);
  await notebook.says('4th in queue', 3);
  await folder.write('one', '');
  await notebook.says('● Running', 1);
  await notebook.says('2nd in queue', 2);
  await notebook.says('3rd in queue', 3);
  await folder.write('two', '');
  await notebook.says('2nd in queue', 3);
  await folder.write('three', '');
  await folder.write('four', '');
  for (const index of [0, 1, 2, 3]) await notebook.says('✓', index);
});

test('restart and run all starts anew and runs every cell; 0 0 asks first', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    'anew.md': `${cell('count = globals().get("count", 0) + 1\nprint("count", count)')}\n${cell('print("second", count)')}`,
  });
  const notebook = await openPage(folder, 'anew');
  const { page } = notebook;
  await notebook.caretAfter('count = globals');
  for (const count of [1, 2]) {
    await notebook.press('Control+Enter');
    await notebook.output(0).getByText(`count ${count}`).waitFor();
  }
  await notebook.command('Restart session and run all');
  await confirmed(notebook, 'OK');
  await notebook.output(1).getByText('second 1').waitFor();
  await notebook.output(0).getByText('count 1').waitFor();

  await notebook.caretAfter('count = globals');
  await notebook.press('Escape', '0', '0');
  await page.getByRole('dialog').getByText('Its variables are lost').waitFor();
  await confirmed(notebook, 'OK');
  await notebook.toast('Session restarted').first().waitFor();
  expect(await notebook.text()).toContain('count = globals().get("count", 0) + 1');
});
