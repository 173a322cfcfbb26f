/**
 * Full text over a project: what the documents say now, not what was indexed once.
 *
 * Documents are read a few at a time, so that a search in thousands of them stops nothing else; it ends at
 * `searchHitsMax`, and says so.
 */
import { Failure, labelOf, LIMITS, type SearchHit } from '@markco/protocol';
import type { DocumentRecord } from '../documents/document-record.ts';

export type Query = { readonly text: string; readonly caseSensitive: boolean; readonly regex: boolean; readonly limit: number };

export type SearchParts = {
  readonly records: Iterable<DocumentRecord>;
  readonly read: (record: DocumentRecord) => Promise<string>;
};

const AT_ONCE = 16;
const LINE_CHARS_MAX = 300;
const REGEX_CHARS_MAX = 200;

export async function search({ records, read }: SearchParts, query: Query, signal: AbortSignal): Promise<{ hits: SearchHit[]; truncated: boolean; documents: number }> {
  const limit = Math.min(query.limit, LIMITS.searchHitsMax);
  const find = finder(query);
  const waiting = [...records].sort((a, b) => (a.path < b.path ? -1 : 1));
  const found = new Map<number, SearchHit[]>();
  let next = 0;
  let count = 0;

  async function work(): Promise<void> {
    while (next < waiting.length && count < limit && !signal.aborted) {
      const index = next++;
      const record = waiting[index];
      if (record === undefined) return;
      const text = await read(record);
      const hits = hitsIn(record, text, find, limit - count);
      if (hits.length === 0) continue;
      found.set(index, hits);
      count += hits.length;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const hits = [...found].sort((a, b) => a[0] - b[0]).flatMap(([, list]) => list);
  return { hits: hits.slice(0, limit), truncated: count >= limit, documents: found.size };
}

type Match = { readonly at: number; readonly length: number };
type Find = (text: string, from: number) => Match | undefined;

function finder({ text, caseSensitive, regex }: Query): Find {
  if (regex) {
    if (text.length > REGEX_CHARS_MAX) throw new Failure('bad_request', `A pattern is at most ${REGEX_CHARS_MAX} characters. Search for something shorter.`);
    let pattern: RegExp;
    try {
      pattern = new RegExp(text, caseSensitive ? 'gmu' : 'gimu');
    } catch (cause) {
      throw new Failure('bad_request', `The pattern is not understood: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
    }
    return (content, from) => {
      pattern.lastIndex = from;
      const match = pattern.exec(content);
      return match === null || match[0] === '' ? undefined : { at: match.index, length: match[0].length };
    };
  }
  if (caseSensitive) {
    return (content, from) => {
      const at = content.indexOf(text, from);
      return at < 0 ? undefined : { at, length: text.length };
    };
  }
  // A regular expression, because lower-casing a text may change its length.
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`), 'giu');
  return (content, from) => {
    pattern.lastIndex = from;
    const match = pattern.exec(content);
    return match === null ? undefined : { at: match.index, length: match[0].length };
  };
}

function hitsIn(record: DocumentRecord, text: string, find: Find, max: number): SearchHit[] {
  const hits: SearchHit[] = [];
  let line = 1;
  let counted = 0;
  for (let match = find(text, 0); match !== undefined && hits.length < max; match = find(text, match.at + match.length)) {
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
