/** CSV (RFC 4180) and TSV as a table: HTML in which nothing is markup, and text with aligned columns. Pure. */

/** As many as of a data frame in R. */
const ROWS_MAX = 30;
const COLUMNS_MAX = 50;
const CELL_CHARS = 200;
const TEXT_CELL_CHARS = 40;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const NUMBER = /^[+-]?(?:\d[\d,]*)?\.?\d+(?:e[+-]?\d+)?%?$/i;

/** The rows that are shown, the first of them the head, and how many there are of all. */
type Table = { readonly rows: readonly (readonly string[])[]; readonly rowCount: number; readonly columnCount: number };

/** Null when there is no row in it. */
export function tableOf(text: string, separator: ',' | '\t'): { readonly html: string; readonly plain: string } | null {
  const table = readTable(text, separator);
  return table === null ? null : { html: htmlOf(table), plain: plainOf(table) };
}

function readTable(text: string, separator: string): Table | null {
  const field = new RegExp(`"([^"]*(?:""[^"]*)*)"?([^${separator}\r\n]*)|([^${separator}\r\n]*)`, 'y');
  const rows: string[][] = [];
  let rowCount = 0;
  let columnCount = 0;
  for (let at = 0; at < text.length;) {
    const row: string[] = [];
    const from = at;
    let fields = 0;
    do {
      field.lastIndex = fields === 0 ? at : at + 1;
      const [, quoted, rest = '', plain = ''] = field.exec(text) ?? [];
      at = field.lastIndex;
      fields += 1;
      if (fields > COLUMNS_MAX || rows.length > ROWS_MAX) continue;
      row.push(cut(quoted === undefined ? plain : quoted.replaceAll('""', '"') + rest, CELL_CHARS));
    } while (text[at] === separator);
    const isEmpty = at === from;
    at += text.startsWith('\r\n', at) ? 2 : 1;
    if (isEmpty) continue;
    rowCount += 1;
    columnCount = Math.max(columnCount, fields);
    if (rows.length <= ROWS_MAX) rows.push(row);
  }
  return rows.length === 0 ? null : { rows, rowCount, columnCount };
}

function htmlOf(table: Table): string {
  const [head = [], ...body] = squared(table);
  const rowOf = (tag: 'th' | 'td', cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const left = leftOut(table);
  return [
    '<table>',
    '<thead>',
    rowOf('th', head),
    '</thead>',
    '<tbody>',
    ...body.map((cells) => rowOf('td', cells)),
    '</tbody>',
    '</table>',
    ...(left === '' ? [] : [`<p>${left}</p>`]),
  ].join('\n');
}

function plainOf(table: Table): string {
  const rows = squared(table).map((cells) =>
    cells.map((cell) => cut(cell.replace(/[\s\p{Cc}]+/gu, ' '), TEXT_CELL_CHARS)),
  );
  const [head = []] = rows;
  const columns = head.map((_, index) => {
    const cells = rows.map((row) => row[index] ?? '');
    return {
      width: Math.max(...cells.map(widthOf)),
      isNumber: cells.slice(1).every((cell) => cell === '' || NUMBER.test(cell)),
    };
  });
  const lines = rows.map((row) =>
    columns
      .map(({ width, isNumber }, index) => {
        const cell = row[index] ?? '';
        const space = ' '.repeat(width - widthOf(cell));
        return isNumber ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
  const left = leftOut(table);
  return [...lines, ...(left === '' ? [] : [left])].join('\n');
}

/** Every row as long as the longest. */
function squared({ rows, columnCount }: Table): string[][] {
  const length = Math.min(columnCount, COLUMNS_MAX);
  return rows.map((row) => Array.from({ length }, (_, index) => row[index] ?? ''));
}

function leftOut({ rows, rowCount, columnCount }: Table): string {
  const words = [
    [rowCount - rows.length, 'more rows'],
    [columnCount - COLUMNS_MAX, 'more columns'],
  ] as const;
  const told = words.filter(([count]) => count > 0).map(([count, what]) => `${count.toLocaleString('en-US')} ${what}`);
  return told.length === 0 ? '' : `… ${told.join(', ')}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (each) => ESCAPES[each] ?? each);
}

function widthOf(text: string): number {
  return Array.from(text).length;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
