/** Which files a document names. */
import { expect, test } from 'vitest';
import { namedFiles } from './named-files.ts';

test('pictures, linked files and what cells drew, each once, and nothing that is no file of the project', () => {
  const text = [
    '![a](../img/a%20b.png) [data](data.csv#x) [page](other.md) [web](https://example.com/x.png) ![up](../../../x.png)',
    '![again](/img/a%20b.png) [hidden](.env) [anchor](#x) [[wiki]] ![ref][r]',
    '',
    '[r]: r.svg',
    '',
    '```python',
    'plot() # ![no](_assets/no.png)',
    '```',
    '',
    '```output',
    '![figure](_assets/generated/f.png)',
    'all of it: [whole](_assets/w.txt)',
    '```',
  ].join('\n');
  expect(namedFiles(text, 'sub/page.md')).toEqual([
    ...['img/a b.png', 'sub/data.csv', 'sub/r.svg', '_assets/generated/f.png', '_assets/w.txt'],
  ]);
  expect(namedFiles('no links', 'a.md')).toEqual([]);
});
