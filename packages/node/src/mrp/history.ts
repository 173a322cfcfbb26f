/** What a session has run, oldest first, numbered from 1 in the order in which it was submitted. */
import { LIMITS, type Run, type RunId, type SessionId } from '@markco/protocol';
import type { Runs } from '../runs/runs.ts';

const ENTRIES = 100;

export type HistoryQuery = {
  /** How many, the newest; 100 unless told. */
  readonly n?: number | undefined;
  /** Text that the code holds; `*` stands for any text. */
  readonly pattern?: string | undefined;
  /** Only entries with a smaller index. */
  readonly before?: number | undefined;
};
export type History = {
  readonly entries: { readonly index: number; readonly code: string }[];
  readonly hasMore: boolean;
};

/** Looks through the newest LIMITS.mrpHistoryRunsMax runs of the device. */
export async function historyOf(runs: Pick<Runs, 'list'>, session: SessionId, query: HistoryQuery): Promise<History> {
  const own: Run[] = [];
  let before: RunId | null = null;
  for (let seen = 0; seen < LIMITS.mrpHistoryRunsMax; seen += LIMITS.listItemsMax) {
    const page: readonly Run[] = await runs.list({ projectId: null, state: null, before, limit: LIMITS.listItemsMax });
    own.push(...page.filter((run) => run.sessionId === session && run.unlisted !== true));
    before = page.at(-1)?.id ?? null;
    if (page.length < LIMITS.listItemsMax) break;
  }
  // Ids that programs make need not be in order.
  const inOrder = own.toReversed().toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  return select(
    inOrder.map(({ code }, at) => ({ index: at + 1, code })),
    query,
  );
}

/** The part of a history that is asked for, and whether more of it came before. */
export function select(all: History['entries'], { n = ENTRIES, pattern, before }: HistoryQuery): History {
  const fitting = all.filter(
    ({ index, code }) =>
      (before === undefined || index < before) && (pattern === undefined || holds(code, pattern.split('*'))),
  );
  const entries = fitting.slice(Math.max(0, fitting.length - Math.min(n, LIMITS.listItemsMax)));
  let chars = 0;
  const from = entries.findLastIndex(({ code }) => (chars += code.length) > LIMITS.documentTextBytesMax);
  const kept = entries.slice(from + 1);
  return { entries: kept, hasMore: kept.length < fitting.length };
}

/** Whether the parts come one after another: one look over the text, whatever the pattern. */
function holds(text: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
