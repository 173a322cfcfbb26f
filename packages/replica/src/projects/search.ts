/**
 * Full text over a project: what the documents say now, not what was indexed once.
 *
 * Documents are read a few at a time, so that a search in thousands of them stops nothing else; it ends at
 * `searchHitsMax`, and says so. What cannot be read just now is passed over.
 */
import { labelOf, LIMITS, type SearchHit } from '@markco/protocol';
import type { DocumentRecord } from '../documents/document-record.ts';
import { matchesOf, type Match } from './matches.ts';
import { readable } from './move.ts';
import { openPattern } from './pattern.ts';

export type Query = {
  readonly text: string;
  readonly caseSensitive: boolean;
  readonly regex: boolean;
  readonly limit: number;
};

export type SearchParts = {
  readonly records: Iterable<DocumentRecord>;
  readonly read: (record: DocumentRecord) => Promise<string>;
};

const AT_ONCE = 16;
const LINE_CHARS_MAX = 300;

export async function search(
  { records, read }: SearchParts,
  query: Query,
  signal: AbortSignal,
): Promise<{ hits: SearchHit[]; truncated: boolean; documents: number }> {
  const limit = Math.min(query.limit, LIMITS.searchHitsMax);
  await using pattern = query.regex ? openPattern(query.text, query.caseSensitive ? 'gmu' : 'gimu', signal) : undefined;
  const matchesIn = pattern?.matchesIn ?? plainMatches(query);
  const waiting = [...records].sort((a, b) => (a.path < b.path ? -1 : 1));
  const found = new Map<number, SearchHit[]>();
  let next = 0;
  let count = 0;

  async function work(): Promise<void> {
    while (next < waiting.length && count < limit && !signal.aborted) {
      const index = next++;
      const record = waiting[index];
      if (record === undefined) return;
      const text = await readable(read(record));
      if (text === undefined) continue;
      const hits = hitsAt(record, text, await matchesIn(text, limit - count));
      if (hits.length === 0) continue;
      found.set(index, hits);
      count += hits.length;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const hits = [...found].sort((a, b) => a[0] - b[0]).flatMap(([, list]) => list);
  return { hits: hits.slice(0, limit), truncated: count >= limit, documents: found.size };
}

/** A regular expression too where case makes no difference, because lower-casing a text may change its length. */
function plainMatches({ text: wanted, caseSensitive }: Query): (text: string, max: number) => readonly Match[] {
  const literal = new RegExp(wanted.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`), caseSensitive ? 'gu' : 'giu');
  return (text, max) => matchesOf(literal, text, max);
}

function hitsAt(record: DocumentRecord, text: string, matches: readonly Match[]): SearchHit[] {
  const hits: SearchHit[] = [];
  let line = 1;
  let counted = 0;
  for (const match of matches) {
    for (let at = text.indexOf('\n', counted); at >= 0 && at < match.at; at = text.indexOf('\n', counted)) {
      line++;
      counted = at + 1;
    }
    const end = text.indexOf('\n', match.at);
    const whole = text.slice(counted, end < 0 ? text.length : end);
    const cut = Math.max(0, match.at - counted - LINE_CHARS_MAX / 3);
    hits.push({
      documentId: record.id,
      path: record.path,
      title: record.title ?? labelOf(record.path),
      line,
      offset: match.at,
      length: match.length,
      text: whole.slice(cut, cut + LINE_CHARS_MAX),
      column: match.at - counted - cut,
    });
  }
  return hits;
}
