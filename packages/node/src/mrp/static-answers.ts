/** What can be said about code without an interpreter: its language's keywords. Never wrong, seldom much. */
import type { Answer, Language } from '@markco/protocol';

const KEYWORDS: Readonly<Record<Language, string>> = {
  python:
    'and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return True try while with yield',
  js: 'async await break case catch class const continue debugger default delete do else export extends false finally for function if import in instanceof let new null of return static super switch this throw true try typeof undefined var void while with yield',
  r: 'break else FALSE for function if in Inf NA NaN next NULL repeat return TRUE while',
  julia:
    'abstract baremodule begin break catch const continue do else elseif end export false finally for function global if import in let local macro module mutable primitive quote return struct true try type using where while',
  bash: 'break case continue declare do done elif else esac eval exec exit export fi for function if in local read return select set shift source then time trap unset until while',
};
/** The word the cursor ends, when it is no attribute of something. */
const WORD = /(?<![\w.$])[A-Za-z_]\w*$/;
const WORD_CHARS_MAX = 100;

export function completeStatically(code: string, cursor: number, language: Language): Answer<'complete'> {
  const end = Math.min(cursor, code.length);
  const start = Math.max(0, end - WORD_CHARS_MAX);
  const word = WORD.exec(code.slice(start, end))?.[0] ?? '';
  return {
    matches:
      word === ''
        ? []
        : KEYWORDS[language]
            .split(' ')
            .filter((keyword) => keyword.startsWith(word) && keyword !== word)
            .map((label) => ({ label, insertText: label, kind: 'keyword' as const })),
    cursorStart: end - word.length,
    cursorEnd: end,
    source: 'static',
  };
}
