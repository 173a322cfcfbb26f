/** What the live session says of the name under the pointer: its type, its value, how it is called, what it is for. */
import { hoverTooltip, type Tooltip } from '@codemirror/view';
import type { Extension } from '@codemirror/state';
import type { Answer } from '@markco/protocol';
import { liveCodeAt } from './live-code.ts';
import type { EditorParts } from './parts.ts';

const HOVER_MS = 400;
const DOC_LINES_MAX = 8;
const CHARS_MAX = 1_000;

export function liveHover({ live }: Pick<EditorParts, 'live'>): Extension {
  return hoverTooltip(
    async (view, offset): Promise<Tooltip | null> => {
      const at = liveCodeAt(view.state, offset);
      const word = view.state.wordAt(offset);
      if (at === null || word === null || !live.isLive(at.language)) return null;
      const found = await live.inspect(
        at.language,
        { code: at.code, cursor: word.to - at.from },
        AbortSignal.timeout(2_000),
      );
      if (found === null || !found.found) return null;
      const dom = hoverElement(view.dom.ownerDocument, found);
      return dom === null ? null : { pos: word.from, end: word.to, above: true, create: () => ({ dom }) };
    },
    { hoverTime: HOVER_MS, hideOnChange: true },
  );
}

function hoverElement(document: Document, found: Answer<'inspect'>): HTMLElement | null {
  const { name, type, value, signature, docstring } = found;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['mc-hover-type', [name, type].filter(Boolean).join(': ')],
    ['mc-hover-code', signature?.startsWith('(') ? `${name ?? ''}${signature}` : signature],
    ['mc-hover-code', value === signature ? undefined : value],
    ['mc-hover-doc', docstring?.trim().split('\n').slice(0, DOC_LINES_MAX).join('\n')],
  ];
  const element = document.createElement('div');
  element.className = 'mc-hover';
  for (const [className, text] of lines) {
    if (text === undefined || text === '') continue;
    const line = document.createElement('div');
    line.className = className;
    line.textContent = text.slice(0, CHARS_MAX);
    element.append(line);
  }
  return element.childElementCount === 0 ? null : element;
}
