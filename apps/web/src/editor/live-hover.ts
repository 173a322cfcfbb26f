/** What the live session says of the name under the pointer: its type, its value, how it is called, what it is for. */
import { StateEffect, StateField, type Extension } from '@codemirror/state';
import { hoverTooltip, showTooltip, type EditorView, type Tooltip } from '@codemirror/view';
import type { Answer } from '@markco/protocol';
import { liveCodeAt } from './live-code.ts';
import type { EditorParts } from './parts.ts';

const HOVER_MS = 400;
const ANSWER_MS = 2_000;
const DOC_LINES_MAX = 8;
const CHARS_MAX = 1_000;

const setAtCaret = StateEffect.define<Tooltip | null>();

/** Shown when asked for with the keyboard; gone with the next edit or move. */
const atCaret = StateField.define<Tooltip | null>({
  create: () => null,
  update(value, tr) {
    for (const effect of tr.effects) if (effect.is(setAtCaret)) return effect.value;
    return tr.docChanged || tr.selection !== undefined ? null : value;
  },
  provide: (self) => showTooltip.from(self),
});

export function liveHover({ live }: Pick<EditorParts, 'live'>): Extension {
  return [
    atCaret,
    hoverTooltip((view, offset) => tooltipAt(view, offset, live), { hoverTime: HOVER_MS, hideOnChange: true }),
  ];
}

/** The same for the name at the caret, shown and said. */
export async function inspectAtCaret(
  view: EditorView,
  { live, t, announce, notify }: Pick<EditorParts, 'live' | 't' | 'announce' | 'notify'>,
): Promise<void> {
  const { state } = view;
  const tooltip = await tooltipAt(view, state.selection.main.head, live);
  // Somebody went on meanwhile.
  if (view.state.doc !== state.doc || !view.state.selection.eq(state.selection)) return;
  if (tooltip === null) return notify(t('editor.inspect.nothing'));
  view.dispatch({ effects: setAtCaret.of(tooltip) });
  announce(tooltip.create(view).dom.textContent);
}

async function tooltipAt(view: EditorView, offset: number, live: EditorParts['live']): Promise<Tooltip | null> {
  const at = liveCodeAt(view.state, offset);
  const word = view.state.wordAt(offset);
  if (at === null || word === null || !live.isLive(at.cell)) return null;
  const found = await live.inspect(
    at.cell,
    { code: at.code, cursor: word.to - at.from },
    AbortSignal.timeout(ANSWER_MS),
  );
  if (found === null || !found.found) return null;
  const dom = hoverElement(view.dom.ownerDocument, found);
  return dom === null ? null : { pos: word.from, end: word.to, above: true, create: () => ({ dom }) };
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
