/**
 * What R is asked for a question, and how its answer is read. Pure.
 *
 * R completes at the end of a line and counts in characters; editors ask within code and count in UTF-16 units. What is
 * around the cursor is therefore cut out here, and places are counted back from the cursor.
 */
import type { Answer, Question, QuestionKind } from '@markco/protocol';

export type Prepared = { readonly question: unknown; read(answer: unknown): unknown };

const BEFORE_CHARS = 4_000;
const NAME = '(?:[\\p{L}.][\\p{L}\\p{N}._]*)';
const CHAIN = new RegExp(`(?:${NAME}:{2,3})?${NAME}(?:[$@]${NAME})*$`, 'u');
const REST = /^[\p{L}\p{N}._]*/u;

export function prepare(kind: QuestionKind, given: unknown): Prepared {
  switch (kind) {
    case 'complete':
      return completion(given as Question<'complete'>);
    case 'hover':
    case 'inspect': {
      const { code, cursor, ...rest } = given as Question<'inspect'>;
      return same({ ...rest, name: nameAt(code, cursor) });
    }
    case 'format': {
      const { code } = given as Question<'format'>;
      return { question: { code }, read: (answer) => changed(code, (answer as Answer<'format'>).formatted) };
    }
    default:
      return same(given);
  }
}

function same(question: unknown): Prepared {
  return { question, read: (answer) => answer };
}

function completion({ code, cursor }: Question<'complete'>): Prepared {
  return {
    question: { line: statementBefore(code, cursor) },
    read(answer) {
      const { token, matches } = answer as { token: string; matches: Answer<'complete'>['matches'] };
      const [owner = ''] = /^.*(?:\$|@|:::?)/su.exec(token) ?? [];
      const named = matches.map((match) => ({
        ...match,
        label: match.label.startsWith(owner) ? match.label.slice(owner.length) : match.label,
      }));
      return {
        matches: named,
        cursorStart: cursor - token.length + owner.length,
        cursorEnd: cursor,
        source: 'runtime',
      };
    },
  };
}

/** On one line, from where its statement begins, as far as its look tells: lines that go on one are indented. */
export function statementBefore(code: string, cursor: number): string {
  const lines = code.slice(Math.max(0, cursor - BEFORE_CHARS), cursor).split('\n');
  const begins = lines.findLastIndex((line) => /^[^\s)}\]#]/.test(line));
  return lines
    .slice(Math.max(0, begins))
    .filter((line) => !/^\s*#/.test(line))
    .join(' ');
}

/** The name, or the chain of names, at a place: `frame$column`, `stats::sd`. */
export function nameAt(code: string, cursor: number): string {
  const [rest = ''] = REST.exec(code.slice(cursor)) ?? [];
  return CHAIN.exec(code.slice(Math.max(0, cursor - BEFORE_CHARS), cursor) + rest)?.[0] ?? '';
}

function changed(code: string, formatted: string): Answer<'format'> {
  const text = code.endsWith('\n') ? `${formatted.trimEnd()}\n` : formatted.trimEnd();
  return { formatted: text, changed: text !== code };
}
