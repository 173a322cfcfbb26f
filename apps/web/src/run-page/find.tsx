/** The find field of a run's page: all matches are counted, Enter and n go to the next, Shift+Enter and N to the one before. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { Icon } from '../ui/icon.tsx';
import { findLines, type Finder, type Found } from './find-lines.ts';
import type { LogView } from './log-view.ts';
import type { RunLog } from './run-log.ts';

const NONE: Found = { lines: [], more: false, done: true };

type FindProps = { readonly log: RunLog; readonly view: LogView; readonly lines: number };

export function Find({ log, view, lines }: FindProps) {
  const needle = useSignal('');
  const found = useSignal<Found>(NONE);
  const current = useSignal<number | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const finder = useRef<Finder | undefined>(undefined);

  const go = (to: number): void => {
    const list = found.peek().lines;
    if (list.length === 0) return;
    const at = ((to % list.length) + list.length) % list.length;
    current.value = at;
    view.mark(needle.peek(), list[at]);
    view.show(list[at] ?? 0, 'middle');
  };
  /** From what is in view when nothing was gone to yet. */
  const step = (by: 1 | -1): void => {
    const at = current.peek();
    if (at !== undefined) return go(at + by);
    const list = found.peek().lines;
    const next = list.findIndex((line) => line >= view.top());
    go(by === 1 ? Math.max(0, next) : next - 1);
  };
  const ask = (text: string): void => {
    needle.value = text;
    current.value = undefined;
    finder.current?.stop();
    finder.current = undefined;
    found.value = NONE;
    view.mark(text, undefined);
    if (text === '') return;
    let isFirst = true;
    finder.current = findLines(
      log,
      text,
      (next) => {
        found.value = next;
        if (!isFirst || next.lines.length === 0) return;
        isFirst = false;
        if (current.peek() === undefined) step(1);
      },
      (work) => {
        const timer = setTimeout(work);
        return () => clearTimeout(timer);
      },
    );
  };
  useEffect(() => finder.current?.goOn(), [lines]);
  useEffect(() => () => finder.current?.stop(), [log]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '/') field.current?.select();
      else if (event.key === 'n') step(1);
      else if (event.key === 'N') step(-1);
      else return;
      event.preventDefault();
    };
    view.element.addEventListener('keydown', onKey);
    return () => view.element.removeEventListener('keydown', onKey);
  }, [view]);

  const { lines: list, more, done } = found.value;
  const count = needle.value === '' ? '' : list.length === 0 ? (done ? t('nothingFound') : t('searching')) : undefined;
  return (
    <div class="run-find" role="search">
      <input
        ref={field}
        class="field"
        type="search"
        placeholder={t('findInOutput')}
        aria-label={t('findInOutput')}
        value={needle.value}
        onInput={(event) => ask(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
          else if (event.key === 'Escape') {
            ask('');
            view.element.focus();
          } else return;
          event.preventDefault();
        }}
      />
      <span class="run-count" role="status">
        {count ??
          t('foundOf', { at: current.value === undefined ? '–' : current.value + 1, count: list.length }) +
            (more ? '+' : '')}
      </span>
      <button class="icon-button" type="button" aria-label={t('previousMatch')} onClick={() => step(-1)}>
        <Icon name="up" />
      </button>
      <button class="icon-button" type="button" aria-label={t('nextMatch')} onClick={() => step(1)}>
        <Icon name="down" />
      </button>
    </div>
  );
}
