/**
 * One line of input over a list: type, arrows, Enter. Quick open and the command palette are both this.
 */
import type { ComponentChildren } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { Dialog } from './dialog.tsx';
import { rankItems } from './rank.ts';

export type PickerItem = {
  readonly id: string;
  readonly title: string;
  /** Searched too, and shown smaller beside the title. */
  readonly detail: string;
  readonly aside?: ComponentChildren;
  pick(): void;
};

type PickerProps = {
  readonly label: string;
  readonly placeholder: string;
  readonly items: readonly PickerItem[];
  readonly close: () => void;
  /** Offered last, for a name that nothing has. */
  readonly create?: (query: string) => PickerItem | undefined;
};

export function Picker({ label, placeholder, items, close, create }: PickerProps) {
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const rows = useMemo(() => {
    const made = query.trim() === '' ? undefined : create?.(query.trim());
    return [...rankItems(items, query), ...(made === undefined ? [] : [made])];
  }, [items, query]);
  const choose = (index: number): void => {
    const next = rows.length === 0 ? 0 : (index + rows.length) % rows.length;
    setChosen(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  const pick = (item: PickerItem | undefined): void => {
    if (item === undefined) return;
    close();
    item.pick();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') choose(chosen + 1);
    else if (event.key === 'ArrowUp') choose(chosen - 1);
    else if (event.key === 'Enter') pick(rows[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label={label} kind="picker" close={close}>
      <input
        class="picker-input"
        type="text"
        role="combobox"
        autofocus
        autocomplete="off"
        spellcheck={false}
        aria-label={label}
        aria-expanded="true"
        aria-controls="picker-rows"
        aria-activedescendant={rows.length === 0 ? undefined : `picker-row-${chosen}`}
        placeholder={placeholder}
        value={query}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} id="picker-rows" class="picker-rows" role="listbox" aria-label={label}>
        {rows.map((item, index) => (
          <li
            key={item.id}
            id={`picker-row-${index}`}
            role="option"
            aria-selected={index === chosen}
            class={index === chosen ? 'chosen' : ''}
            onPointerMove={() => setChosen(index)}
            onClick={() => pick(item)}
          >
            <span class="picker-title">{item.title}</span>
            <span class="picker-detail">{item.detail}</span>
            <span class="picker-aside">{item.aside}</span>
          </li>
        ))}
      </ul>
      {rows.length === 0 && <p class="empty">{t('nothingFits')}</p>}
    </Dialog>
  );
}
