/** A run goes on while its device's program is down, or the page is closed: what was not seen is told, and found. */
import { expect, testWithOwnDevice as test } from './page-test.ts';
import { SOON, type Notebook } from './notebook.ts';

const CODE = `\`\`\`python
import pathlib, time
print("before", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.05)
for i in range(1204):
    print("unseen", i, flush=True)
pathlib.Path("printed").write_text("yes")
while not pathlib.Path("end").exists():
    time.sleep(0.05)
print("after")
\`\`\`
`;

async function opensAtFirstUnseen({ page }: Notebook): Promise<void> {
  await page.getByRole('button', { name: 'While you were away: 1,204 lines' }).click();
  await page.locator('.run-page').waitFor();
  await expect
    .poll(
      () =>
        page.evaluate(() => {
          const top = document.querySelector('.log')?.getBoundingClientRect().top ?? 0;
          const first = [...document.querySelectorAll('.log-line')].find(
            (line) => line.getBoundingClientRect().top >= top - 1,
          );
          return first?.textContent?.trim();
        }),
      SOON,
    )
    .toBe('2unseen 0');
  expect(await page.locator('.away-bar').count()).toBe(0);
}

test('the program of the device was down meanwhile', async ({ device, openFolder, openPage }) => {
  const folder = await openFolder({ 'away.md': CODE });
  const notebook = await openPage(folder, 'away');
  const { page } = notebook;
  await page.locator('.mc-run').first().click();
  await notebook.output().getByText('before').waitFor();
  await device.kill();
  await page.locator('.device-bar').waitFor();
  await folder.write('go', '');
  await folder.reads('printed', 'yes');
  // Long enough to be no hiccup: the page itself counts from when it noticed.
  await page.waitForTimeout(3_200);
  await device.start();
  await page.getByRole('button', { name: 'While you were away' }).waitFor({ timeout: 30_000 });
  await folder.write('end', '');
  await notebook.says('✓');
  await opensAtFirstUnseen(notebook);
});

test('the page was closed meanwhile, and the run has ended since', async ({ openFolder, openPage }) => {
  const folder = await openFolder({ 'away.md': CODE });
  const notebook = await openPage(folder, 'away');
  const { page } = notebook;
  await page.locator('.mc-run').first().click();
  await notebook.output().getByText('before').waitFor();
  await expect.poll(() => page.evaluate(() => localStorage.getItem('seen-runs')), SOON).toContain('seq');
  const address = page.url();
  await page.goto('about:blank');
  await folder.write('go', '');
  await folder.write('end', '');
  await folder.reads('away.md', '```output');
  await page.goto(address);
  await notebook.loaded();
  await page.getByRole('button', { name: /While you were away: 1,20[45] lines/ }).waitFor();
});
