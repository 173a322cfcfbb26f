/** The suggested changes of a page, each with what goes and what comes, to be accepted or rejected one by one or together. */
import type { DocumentId } from '@markco/protocol';
import { useEffect, useRef } from 'preact/hooks';
import type { Change } from './changes.ts';
import { g } from './messages.ts';
import type { Suggested, Suggestions } from './suggestions.ts';

/** At once; a page of a book may have thousands. */
const SHOWN_MAX = 100;
/** Of one side of a change. */
const TEXT_MAX = 4_000;

type Props = { readonly suggestions: Suggestions; readonly remove: (copy: DocumentId) => void };

export function SuggestionsList({ suggestions, remove }: Props) {
  const here = useRef<HTMLDivElement>(null);
  /** Which of them was decided last: whoever uses the keyboard goes on with the next. */
  const decided = useRef<number | undefined>(undefined);
  const copies = suggestions.copies.value ?? [];
  useEffect(() => {
    if (decided.current === undefined) return;
    const next = here.current?.querySelectorAll<HTMLElement>('.suggestion .primary') ?? [];
    (next[Math.min(decided.current, next.length - 1)] ?? here.current)?.focus();
    decided.current = undefined;
  }, [copies]);
  return (
    <div
      class="suggestions"
      ref={here}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== 'z' || event.shiftKey || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        suggestions.undo();
      }}
    >
      {suggestions.last.value !== undefined && (
        <div class="device-ways">
          <button class="button" type="button" onClick={suggestions.undo}>
            {g('undo')}
          </button>
        </div>
      )}
      {copies.map((copy) => (
        <Copy
          key={copy.copyId}
          copy={copy}
          suggestions={suggestions}
          remove={remove}
          decide={(index) => (decided.current = index)}
        />
      ))}
    </div>
  );
}

function Copy({
  copy,
  suggestions,
  remove,
  decide,
}: Props & { readonly copy: Suggested; readonly decide: (index: number) => void }) {
  const { copyId, changes } = copy;
  if (changes.length === 0)
    return (
      <section>
        <p role="status">{g('done')}</p>
        <p class="hint">{g('removeHint')}</p>
        <div class="device-ways">
          <button class="button" type="button" onClick={() => remove(copyId)}>
            {g('remove')}
          </button>
        </div>
      </section>
    );
  return (
    <section>
      <div class="device-ways">
        <button
          class="button"
          type="button"
          onClick={() => {
            decide(0);
            suggestions.accept(copy, changes);
          }}
        >
          {g('acceptAll')}
        </button>
        <button class="button" type="button" onClick={() => remove(copyId)}>
          {g('rejectAll')}
        </button>
      </div>
      <ul>
        {changes.slice(0, SHOWN_MAX).map((change, index) => (
          <Line
            key={`${change.from} ${change.becomes}`}
            change={change}
            accept={() => {
              decide(index);
              suggestions.accept(copy, [change]);
            }}
            reject={() => {
              decide(index);
              suggestions.reject(copy, [change]);
            }}
          />
        ))}
      </ul>
      {changes.length > SHOWN_MAX && <p class="hint">{g('more', { count: changes.length - SHOWN_MAX })}</p>}
    </section>
  );
}

function Line({
  change: { was, becomes, line, isBoth },
  accept,
  reject,
}: {
  readonly change: Change;
  readonly accept: () => void;
  readonly reject: () => void;
}) {
  return (
    <li class="suggestion">
      <p class="hint">
        {g('line', { line })}
        {isBoth && ` · ${g('both')}`}
      </p>
      {was !== '' && <del aria-label={g('goes')}>{shown(was)}</del>}
      {becomes !== '' && <ins aria-label={g('comes')}>{shown(becomes)}</ins>}
      <div class="device-ways">
        <button class="button primary" type="button" aria-label={g('acceptNamed', { line })} onClick={accept}>
          {g('accept')}
        </button>
        <button class="button" type="button" aria-label={g('rejectNamed', { line })} onClick={reject}>
          {g('reject')}
        </button>
      </div>
    </li>
  );
}

const shown = (text: string): string =>
  text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text.replace(/\n$/, '');
