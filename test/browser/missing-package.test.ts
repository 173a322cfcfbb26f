/** A package that is missing is installed from where it was missed, and what a run shows can change in its place. */
import { expect, test } from './page-test.ts';
import { SOON } from './notebook.ts';

const cell = (code: string): string => `\`\`\`python\n${code}\n\`\`\`\n`;

/** Puts a package into a folder of wheels, and lets installers of this session look there and nowhere else. */
const PREPARE = `import os, zipfile
os.makedirs("wheels", exist_ok=True)
info = "markco_sample-1.0.dist-info/"
with zipfile.ZipFile("wheels/markco_sample-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("markco_sample.py", "word = 'imported at last'")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: markco-sample\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "markco_sample.py,,\\n" + info + "METADATA,,\\n" + info + "WHEEL,,\\n" + info + "RECORD,,\\n")
for name in ("PIP", "UV"):
    os.environ[name + "_NO_INDEX"] = "1"
    os.environ[name + "_FIND_LINKS"] = os.path.abspath("wheels")`;

test('a missing package is installed with the command that is shown, and the cell runs again', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'install.md': `${cell(PREPARE)}\n${cell('import markco_sample\nprint(markco_sample.word)')}`,
  });
  const notebook = await openPage(folder, 'install');
  await notebook.caretAfter('import os, zip');
  await notebook.press('Control+Shift+Enter');
  await notebook.says('✗ ModuleNotFoundError', 1);
  const offer = notebook.seen.locator('.mc-install');
  await offer.getByText('%pip install markco_sample').waitFor();
  await offer.getByRole('button', { name: 'Install markco_sample' }).click();
  await expect
    .poll(() => offer.getByRole('status').textContent(), { ...SOON, timeout: 90_000 })
    .toMatch(/^(?:Installed\.|It was not installed|.*exit code.*)/);
  expect(await offer.getByRole('status').textContent(), (await offer.textContent()) ?? '').toBe('Installed.');
  await offer.getByRole('button', { name: 'Run again' }).click();
  await notebook.output(1).getByText('imported at last').waitFor();
  await expect.poll(() => offer.count(), SOON).toBe(0);
});

test('where a session cannot install, the command is shown and copied', async ({ openFolder, openPage }) => {
  const folder = await openFolder({
    'js.md': "```js\nimport lodash from 'no-such-package-of-markco'\n```\n",
  });
  const notebook = await openPage(folder, 'js', { permissions: ['clipboard-read', 'clipboard-write'] });
  await notebook.page.locator('.mc-run').first().click();
  await notebook.says('✗');
  const offer = notebook.seen.locator('.mc-install');
  await offer.getByText('npm install no-such-package-of-markco').waitFor();
  await offer.getByRole('button', { name: 'Copy command' }).click();
  await notebook.toast('Copied').waitFor();
  expect(await notebook.page.evaluate(() => navigator.clipboard.readText())).toBe(
    'npm install no-such-package-of-markco',
  );
});

test('what was shown is shown anew in its place; a widget says what it is; a table is copied', async ({
  openFolder,
  openPage,
}) => {
  const folder = await openFolder({
    'show.md': cell(`class Widget:
    def _repr_mimebundle_(self, **_):
        return {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider(value=7)"}
class Table:
    def _repr_html_(self):
        return "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>two words</td></tr></tbody></table><script>alert(1)</script>"
handle = display("first words")
print("between")
handle.update("second words")
display(Widget())
display(Table())`),
  });
  const notebook = await openPage(folder, 'show', { permissions: ['clipboard-read', 'clipboard-write'] });
  await notebook.page.locator('.mc-run').first().click();
  await notebook.says('✓');
  const output = notebook.output();
  await output.getByText('second words').waitFor();
  expect(await output.getByText('first words').count()).toBe(0);
  const words = await output.innerText();
  expect(words.indexOf('second words')).toBeLessThan(words.indexOf('between'));
  await output.getByText('This widget cannot be shown here.').waitFor();
  await output.getByText('IntSlider(value=7)').waitFor();
  await notebook.page.locator('.mc-menu summary').click();
  await notebook.page.getByRole('button', { name: 'Copy table' }).click();
  await notebook.toast('Copied').waitFor();
  expect(await notebook.page.evaluate(() => navigator.clipboard.readText())).toBe('a\tb\n1\ttwo words');
});
