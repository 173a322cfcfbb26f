/** What is offered while typing: words of the document in code, pages after `[[` in text. */
import {
  autocompletion,
  completeAnyWord,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import type { Extension } from '@codemirror/state';
import type { EditorParts } from './parts.ts';
import { isInCode } from './typing.ts';

export function completions(links: EditorParts['links']): Extension {
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
        if (!context.explicit && context.matchBefore(/\w{2,}/) === null) return null;
        return completeAnyWord(context);
      },
    ],
  });
}
