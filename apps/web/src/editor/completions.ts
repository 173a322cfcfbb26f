/**
 * What is offered while typing: pages after `[[` in text; in code the words of the document, and what the live session
 * knows. The session is given a moment; what it says later is left out, and the words are offered without it.
 */
import {
  autocompletion,
  completeAnyWord,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import type { Extension } from '@codemirror/state';
import type { Answer } from '@markco/protocol';
import { liveCodeAt } from './live-code.ts';
import type { EditorParts } from './parts.ts';
import { isInCode } from './typing.ts';

const LIVE_WAIT_MS = 350;
const LIVE_OPTIONS_MAX = 500;
const DETAIL_CHARS_MAX = 60;
const INFO_CHARS_MAX = 600;
/** What may come before the cursor for the session to be asked: a word, or what its members follow. */
const WORD = /\w{2,}$/;
const MEMBER = /[\w\])"'`}](?:\.|\$|::)\w*$/;

export function completions(links: EditorParts['links'], live: EditorParts['live']): Extension {
  return autocompletion({
    icons: false,
    override: [
      async (context: CompletionContext): Promise<CompletionResult | null> => {
        const link = context.matchBefore(/\[\[[^[\]|\n]*$/);
        if (link !== null) {
          const found = await links.complete(link.text.slice(2));
          const closed = context.state.sliceDoc(context.pos, context.pos + 2) === ']]';
          return {
            from: link.from + 2,
            filter: false,
            options: found.map(({ label, insert }) => ({ label, apply: closed ? insert : `${insert}]]` })),
          };
        }
        if (!isInCode(context.state, context.pos)) return null;
        const atWord = context.explicit || context.matchBefore(WORD) !== null;
        const known = atWord || context.matchBefore(MEMBER) !== null ? await askLive(context, live) : null;
        const words = atWord && context.matchBefore(MEMBER) === null ? await completeAnyWord(context) : null;
        return known === null ? words : merge(known, words);
      },
    ],
  });
}

async function askLive(context: CompletionContext, live: EditorParts['live']): Promise<CompletionResult | null> {
  const at = liveCodeAt(context.state, context.pos);
  if (at === null || !live.isLive(at.cell)) return null;
  const stop = new AbortController();
  context.addEventListener('abort', () => stop.abort(), { onDocChange: true });
  const late = setTimeout(() => stop.abort(), LIVE_WAIT_MS);
  const answer = await live.complete(at.cell, { code: at.code, cursor: at.cursor }, stop.signal);
  clearTimeout(late);
  if (answer === null || answer.matches.length === 0) return null;
  const from = at.from + Math.min(answer.cursorStart, at.cursor);
  return { from, validFor: /^\w*$/, options: answer.matches.slice(0, LIVE_OPTIONS_MAX).map(optionOf) };
}

function optionOf(match: Answer<'complete'>['matches'][number]): Completion {
  const { label, insertText, kind, detail, documentation, valuePreview, type } = match;
  const info = [valuePreview, documentation].filter((text) => text !== undefined && text !== '').join('\n\n');
  return {
    label,
    ...(insertText === undefined || insertText === label ? {} : { apply: insertText }),
    detail: (detail ?? type ?? kind).slice(0, DETAIL_CHARS_MAX),
    ...(info === '' ? {} : { info: info.slice(0, INFO_CHARS_MAX) }),
    boost: 1,
  };
}

/** What the session knows first; words that it knows too are said once. */
function merge(known: CompletionResult, words: CompletionResult | null): CompletionResult {
  if (words === null || words.from !== known.from) return known;
  const labels = new Set(known.options.map(({ label }) => label));
  return { ...known, options: [...known.options, ...words.options.filter(({ label }) => !labels.has(label))] };
}
