/** Where in the code of a cell an error was raised, read from its traceback: each language writes it in its own way. */

/** Lines and columns count from 1; null where the traceback does not say. */
export type Place = { readonly line: number | null; readonly column: number | null };

const PLACES = [
  /File "<cell \d+>", line (\d+)/,
  /(?:<cell \d+>|\bcell-?\d*\.(?:js|mjs|ts)|\bREPL\d*):(\d+)(?::(\d+))?/,
  /\b(?:bash|environment|main|cell)[^:\n]{0,200}: line (\d+)(?=: )/,
];
const CARET = /^\s*[~^]*\^+[~^]*\s*$/;
const LINES_READ = 4_000;

/** The innermost place that is in the cell itself. */
export function placeOf(traceback: readonly string[], code: string): Place {
  const lines = traceback.flatMap((entry) => entry.split('\n')).slice(-LINES_READ);
  for (let index = lines.length - 1; index >= 0; index--) {
    for (const pattern of PLACES) {
      const [, line, column] = pattern.exec((lines[index] ?? '').slice(0, 1_000)) ?? [];
      if (line !== undefined)
        return {
          line: Number(line),
          column: column === undefined ? columnUnder(lines, index, code.split('\n')[Number(line) - 1]) : Number(column),
        };
    }
  }
  return { line: null, column: null };
}

/** Python repeats the line without its indentation and puts carets under the part that failed. */
function columnUnder(lines: readonly string[], index: number, source: string | undefined): number | null {
  const shown = lines[index + 1];
  const carets = lines[index + 2];
  if (source === undefined || shown === undefined || carets === undefined || !CARET.test(carets)) return null;
  if (shown.trim() !== source.trim()) return null;
  return carets.search(/[~^]/) - indentOf(shown) + indentOf(source) + 1;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
