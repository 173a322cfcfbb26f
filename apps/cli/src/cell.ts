/** The cells of an open document that a command can run, each with the id that the page gives it too. */
import { cellIdsAt, findCells } from '@markco/protocol';
import type { OpenDocument } from '@markco/client/client';

export type RunnableCell = {
  readonly id: string;
  /** Its `#| label:`. */
  readonly label: string | null;
  readonly language: string;
  readonly code: string;
  /** What is wrong with its `#|` options, a sentence each. */
  readonly problems: readonly string[];
};

/** In the document's order; without those that are never closed or say `eval: false`. */
export function cellsOf(open: OpenDocument): readonly RunnableCell[] {
  const cells = findCells(open.text.toString()).filter((cell) => cell.closed && cell.options.eval !== false);
  const ids = cellIdsAt(
    open.text,
    cells.map((cell) => cell.from),
  );
  return cells.map((cell, index) => ({
    id: cell.options.label ?? ids[index] ?? '',
    label: cell.options.label ?? null,
    language: cell.language,
    code: cell.code,
    problems: cell.options.problems,
  }));
}
