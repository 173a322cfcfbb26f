/**
 * Where in the code of a cell an error was raised, read from its traceback: each language writes it in its own way.
 *
 * Cells are numbered as they run, so of all cells a traceback goes through the one that ran has the highest number.
 */

/** Lines and columns count from 1; null where the traceback does not say. */
export type Place = { readonly line: number | null; readonly column: number | null };

/** The groups are the cell's number, the line, and the column where it is told. */
const FRAMES = [
  { pattern: /File "<cell (\d+)>", line (\d+)/, innermost: 'last' },
  { pattern: /\bcell-(\d+):(\d+)(?::(\d+))?/, innermost: 'first' },
] as const;
const CARET = /^\s*[~^]+\s*$/;
const LINES_READ = 4_000;
const LINE_CHARS = 1_000;

/** The innermost place in the cell itself; what it calls may be defined elsewhere. */
export function placeOf(traceback: readonly string[], code: string): Place {
  const lines = traceback
    .flatMap((entry) => entry.split('\n'))
    .slice(-LINES_READ)
    .map((line) => line.slice(0, LINE_CHARS));
  for (const { pattern, innermost } of FRAMES) {
    const frames = lines.flatMap((text, index) => {
      const [, cell, line, column] = pattern.exec(text) ?? [];
      return cell === undefined ? [] : [{ index, cell: Number(cell), line: Number(line), column }];
    });
    const ran = frames.reduce((most, { cell }) => Math.max(most, cell), 0);
    const own = frames.filter(({ cell }) => cell === ran);
    const found = innermost === 'last' ? own.at(-1) : own[0];
    if (found === undefined) continue;
    const { index, line, column } = found;
    const source = code.split('\n')[line - 1];
    return { line, column: column === undefined ? columnUnder(lines, index, source) : Number(column) };
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
