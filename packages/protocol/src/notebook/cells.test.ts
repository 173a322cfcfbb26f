import { expect, test } from 'vitest';
import { findCells } from './cells.ts';
import { parseMarkdown } from './parser.ts';

test.each([
  ['```python\n1\n```', 'python'],
  ['```py\n1\n```', 'python'],
  ['```Python3\n1\n```', 'python'],
  ['``` python\n1\n```', 'python'],
  ['~~~python\n1\n~~~', 'python'],
  ['```{python}\n1\n```', 'python'],
  ['``` {python}\n1\n```', 'python'],
  ['```{python, echo=FALSE}\n1\n```', 'python'],
  ['```{python echo=false}\n1\n```', 'python'],
  ['```python title="x"\n1\n```', 'python'],
  ['```python {echo=false}\n1\n```', 'python'],
  ['```sh\n1\n```', 'bash'],
  ['```shell\n1\n```', 'bash'],
  ['```zsh\n1\n```', 'bash'],
  ['```javascript\n1\n```', 'js'],
  ['```node\n1\n```', 'js'],
  ['```ts\n1\n```', 'js'],
  ['```{r}\n1\n```', 'r'],
  ['```R\n1\n```', 'r'],
  ['```{julia}\n1\n```', 'julia'],
  ['```jl\n1\n```', 'julia'],
  ['   ```python\n   1\n   ```', 'python'],
  ['text\n```python\n1\n```\ntext', 'python'],
  ['> ```python\n> 1\n> ```', 'python'],
  ['1. ```python\n   1\n   ```', 'python'],
  ['- > ```python\n  > 1\n  > ```', 'python'],
  ['[^n]: ```python\n    1\n    ```', 'python'],
  ['```python\r\n1\r\n```\r\n', 'python'],
])('%j is one cell in %s', (text, language) => {
  const cells = findCells(text);
  expect(cells.map((cell) => [cell.language, cell.code, cell.closed])).toEqual([[language, '1', true]]);
});

test.each([
  ['```\n1\n```'],
  ['```text\n1\n```'],
  ['```json\n1\n```'],
  ['```pythonic\n1\n```'],
  ['```{{python}}\n1\n```'],
  ['```{.python}\n1\n```'],
  ['```{{{python}}}\n1\n```'],
  ['````python\n1\n````'],
  ['````markdown\n```python\n1\n```\n````'],
  ['~~~~\n```python\n1\n```\n~~~~'],
  ['```output\n~~~python\n1\n~~~\n```'],
  ['<!--\n```python\n1\n```\n-->'],
  ['<!-- a\n\n```python\n1\n```\n\n-->'],
  ['    ```python\n    1\n    ```'],
  ['---\na: |\n  x\n```python\n1\n```\n---\n'],
  ['$$\n```python\n1\n```\n$$'],
  ['`` ```python `` and ```python inline```'],
  ['<div>\n```python\n1\n```\n</div>'],
])('%j is no cell', (text) => {
  expect(findCells(text)).toEqual([]);
});

test('a fence without its end is found and is not closed', () => {
  const [cell] = findCells('a\n\n```python\nprint(1)\n');
  expect(cell).toMatchObject({ closed: false, code: 'print(1)', codeFrom: 13, codeTo: 21 });
  expect(findCells('> ```python\n> 1\n\nafter')[0]).toMatchObject({ closed: false, code: '1' });
});

test('positions point at what they name', () => {
  const text = 'a\n\n```{python}  \n#| label: x\nx = 1\n\ny\n```\n\n```output:q a=1\n2\n```\n';
  const [cell] = findCells(text);
  if (!cell?.output) throw new Error('not found');
  expect(text.slice(cell.from, cell.to)).toBe('```{python}  \n#| label: x\nx = 1\n\ny\n```');
  expect(text.slice(cell.infoFrom, cell.infoTo)).toBe('{python}');
  expect(text.slice(cell.codeFrom, cell.codeTo)).toBe('#| label: x\nx = 1\n\ny');
  expect(cell.source).toBe('x = 1\n\ny');
  expect(cell.output).toMatchObject({ id: 'q', text: '2' });
  expect(text.slice(cell.output.from, cell.output.to)).toBe('```output:q a=1\n2\n```');
  expect(text.slice(cell.output.codeFrom, cell.output.codeTo)).toBe('2');
});

test.each([
  ['```python\n```', ''],
  ['```python\n\n```', ''],
  ['```python\n\n\n```', '\n'],
  ['```python\n a\n\n  b\n```', ' a\n\n  b'],
  ['  ```python\n  a\n b\n    c\n  ```', 'a\nb\n  c'],
  ['- ```python\n  a\n\n    b\n  ```', 'a\n\n  b'],
  ['> ```python\n>a\n>\n>   b\n> ```', 'a\n\n  b'],
  ['-\t```python\n\ta\n\t\tb\n\t```', 'a\n\tb'],
  ['```python\r\na\r\n\r\nb\r\n```', 'a\n\nb'],
  ['> ```python\r\n> a\r\n>\r\n> b\r\n> ```', 'a\n\nb'],
])('the code of %j is what stood there before it was contained', (text, code) => {
  expect(findCells(text)[0]?.code).toBe(code);
});

test.each([
  ['```python\n1\n```\n```output\n2\n```', '2'],
  ['```python\n1\n```\n\n\n```output\n2\n```', '2'],
  ['```python\n1\n```\n\n````output:id\n```\n````', '```'],
  ['```python\n1\n```\n~~~output\n2\n~~~', '2'],
  ['- ```python\n  1\n  ```\n\n  ```output\n  2\n  ```', '2'],
  ['> ```python\n> 1\n> ```\n>\n> ```output\n> 2\n> ```', '2'],
  ['```python\n1\n```\n\ntext\n\n```output\n2\n```', undefined],
  ['```python\n1\n```\n<!-- a -->\n```output\n2\n```', undefined],
  ['```python\n1\n```\n\n[a]: b\n```output\n2\n```', undefined],
  ['- ```python\n  1\n  ```\n\n```output\n2\n```', undefined],
  ['```python\n1\n```\n\n```output\n2\n', undefined],
  ['```python\n1\n```\n\n```output\n2\n\n```python\n3\n```', undefined],
  ['```python\n1\n```\n\n```output\n2\n- ```js\n  3\n  ```', undefined],
  ['```python\n1\n```\n\n```outputs\n2\n```', undefined],
  ['```text\n1\n```\n\n```output\n2\n```', undefined],
])('the output under the cell of %j is %j', (text, output) => {
  expect(findCells(text)[0]?.output?.text).toBe(output);
});

test('one output belongs to one cell', () => {
  const cells = findCells('```python\n1\n```\n```python\n2\n```\n```output\n2\n```\n```output\n3\n```\n');
  expect(cells.map((cell) => cell.output?.text)).toEqual([undefined, '2']);
});

test('options are read from the lines on top and from the info string', () => {
  const text = [
    '```{python, from-info, echo=FALSE, fig.cap="A plot"}',
    '#| label: from-line',
    '#| eval: false',
    '#| output: asis',
    '#| timeout: 5m',
    '#| on: gpu-box',
    '#| needs: [gpu, cuda]',
    '#| warning: false',
    'x',
    '#| label: too-late',
    '```',
  ].join('\n');
  const [cell] = findCells(text);
  expect(cell?.options).toEqual({
    label: 'from-line',
    echo: false,
    eval: false,
    output: 'asis',
    timeoutMs: 300_000,
    on: 'gpu-box',
    needs: ['gpu', 'cuda'],
    figCap: 'A plot',
    other: { warning: false },
    problems: [],
  });
  expect(cell?.source).toBe('x\n#| label: too-late');
  expect(findCells('```js\n//| label: a\n1\n```')[0]).toMatchObject({ options: { label: 'a' }, source: '1' });
});

test.each([
  ['#| timeout: soon', 'timeoutMs', null],
  ['#| timeout: -1', 'timeoutMs', null],
  ['#| timeout: 1e9h', 'timeoutMs', null],
  ['#| echo: maybe', 'echo', true],
  ['#| needs: [[a]]', 'needs', []],
  ['#| label: {a: b}', 'label', null],
  ['#| a: [', 'label', null],
  ['#| just words', 'label', null],
  ['#| __proto__: {polluted: true}', 'other', {}],
] as const)('%j keeps the default and says so', (line, name, value) => {
  const options = findCells(`\`\`\`python\n${line}\n1\n\`\`\``)[0]?.options;
  expect(options?.[name]).toEqual(value);
  if (name !== 'other') expect(options?.problems).toEqual([expect.stringMatching(/\.$/)]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('a large document is parsed and searched fast', async ({ annotate }) => {
  const section =
    '## Heading\n\nSome *text* with [a link](b.md), `code` and $x^2$ in it, and more words to make it longer.\n\n'.repeat(
      8,
    );
  const cell = '```python\n#| label: a\nprint(1)\n```\n\n```output\n1\n```\n\n';
  const text = (section + cell).repeat(Math.ceil(310_000 / (section.length + cell.length)));
  const time = <T>(work: () => T): readonly [T, number] => {
    const start = performance.now();
    return [work(), performance.now() - start];
  };
  const [tree, parseMs] = time(() => parseMarkdown(text));
  const [cells, findMs] = time(() => findCells(text, tree));
  const [, againMs] = time(() => findCells(text, tree));
  await annotate(
    `${text.length} characters: parsed in ${parseMs.toFixed(1)} ms, ${cells.length} cells found in ${findMs.toFixed(1)} ms, again in ${againMs.toFixed(1)} ms`,
  );
  expect(cells.length).toBeGreaterThan(300);
  // The budget is 150 ms and 5 ms on a machine at rest; here only a change of order is an error.
  expect(parseMs).toBeLessThan(1_500);
  expect(Math.min(findMs, againMs)).toBeLessThan(100);
});
