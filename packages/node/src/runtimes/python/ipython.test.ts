import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { finished, testDevice } from '../../runs/runs.fixture.ts';

/** As IPython lays itself out, with functions that only print: what it does without its own shell. */
const FILES = {
  'IPython/__init__.py': '',
  'IPython/core/__init__.py': '',
  'IPython/core/display_functions.py': [
    'def display(*objs, **_): print(*objs)',
    'def update_display(obj, *, display_id, **_): print(obj)',
    'def clear_output(wait=False): print("cleared")',
  ].join('\n'),
  'IPython/display.py': [
    'from IPython.core.display_functions import *',
    'class HTML:',
    '    def __init__(self, data): self.data = data',
    '    def _repr_html_(self): return self.data',
  ].join('\n'),
};

test('what a notebook shows by IPython is shown under the cell', async () => {
  await using device = await testDevice();
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(path.dirname(path.join(device.project, name)), { recursive: true });
    await writeFile(path.join(device.project, name), text);
  }
  const code = `from IPython.display import display, update_display, clear_output, HTML
display(HTML('<b>one</b>'), display_id='a')
update_display(HTML('<b>two</b>'), display_id='a')
display({'text/plain': 'raw'}, raw=True)
print('old'); clear_output(); print('new')`;
  const { events } = await finished(device.runs, device.request(code));
  const displays = events.filter((event) => event.type === 'display').map(({ payload }) => payload);
  expect(displays).toMatchObject([
    { data: { 'text/html': '<b>one</b>' }, metadata: { displayId: 'a', update: false } },
    { data: { 'text/html': '<b>two</b>' }, metadata: { displayId: 'a', update: true } },
    { data: { 'text/plain': 'raw' } },
  ]);
  expect(events.some((event) => event.type === 'stdout' && event.payload.text.includes('\x1b[2J'))).toBe(true);
});
