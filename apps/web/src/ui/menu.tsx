/** A context menu at a point: arrows walk it, Escape, a click elsewhere and a pick close it. It never leaves the screen. */
import { useLayoutEffect, useRef } from 'preact/hooks';

export type MenuItem = { readonly label: string; readonly danger: boolean; run(): void };
export type MenuPlace = { readonly x: number; readonly y: number };

type MenuProps = {
  readonly items: readonly MenuItem[];
  readonly place: MenuPlace;
  readonly label: string;
  readonly close: () => void;
};

export function Menu({ items, place, label, close }: MenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  // As of a dialog (`dialog.tsx`): the focus is given back before anybody goes on.
  useLayoutEffect(() => {
    const element = menu.current;
    if (element === null) return undefined;
    const before = document.activeElement;
    element.showPopover();
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(8, Math.min(place.x, window.innerWidth - width - 8))}px`;
    element.style.top = `${Math.max(8, Math.min(place.y, window.innerHeight - height - 8))}px`;
    element.querySelector('button')?.focus();
    const toggled = (event: ToggleEvent): void => {
      if (event.newState === 'closed') close();
    };
    element.addEventListener('toggle', toggled);
    return () => {
      element.removeEventListener('toggle', toggled);
      if (before instanceof HTMLElement && before.isConnected && element.contains(document.activeElement))
        before.focus();
    };
  }, []);
  const walk = (event: KeyboardEvent): void => {
    const buttons = [...(menu.current?.querySelectorAll('button') ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (event.key === 'Tab') close();
    if (next === undefined) return;
    event.preventDefault();
    buttons.at(next % buttons.length)?.focus();
  };
  return (
    <div ref={menu} class="menu" role="menu" aria-label={label} popover="auto" onKeyDown={walk}>
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          class={item.danger ? 'danger' : ''}
          onClick={() => {
            menu.current?.hidePopover();
            item.run();
          }}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}
