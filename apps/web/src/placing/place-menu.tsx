/**
 * Where something shall run: the user's devices, best first, each with what speaks for or against it. A pick runs it
 * there at once. Beside what was pressed, or a sheet from below where the page is narrow.
 */
import { Failure, type Decision } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { PlaceAsk } from '../editor/index.ts';
import { language } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { p } from './messages.ts';
import { isPossible, placeWords, unrankedWords } from './place-words.ts';
import { whyWords } from './why-words.ts';

type Row = Pick<Decision['devices'][number], 'deviceId' | 'name' | 'refused'> & { readonly words: string };

export function PlaceMenu() {
  const { places } = useShell();
  const ask = places.asked.value;
  if (ask === undefined) return null;
  const close = (): void => {
    if (places.asked.peek() === ask) places.asked.value = undefined;
  };
  return <OpenMenu ask={ask} close={close} />;
}

function OpenMenu({ ask, close }: { readonly ask: PlaceAsk; readonly close: () => void }) {
  const { client, places, now } = useShell();
  const decision = useSignal<Decision | undefined>(undefined);
  const trouble = useSignal('');
  const menu = useRef<HTMLDivElement>(null);
  const { keep, wanted } = ask;
  const kept = keep?.on?.toLowerCase();

  useEffect(() => {
    const asking = new AbortController();
    client.api('placement', { body: wanted, signal: asking.signal }).then(
      (answer) => {
        decision.value = answer;
        const likely = answer.chosen ?? answer.waitsFor;
        if (likely !== undefined) ask.learn?.(likely);
      },
      (error: unknown) => {
        if (!asking.signal.aborted) trouble.value = Failure.from(error).message;
      },
    );
    return () => asking.abort();
    // Asked again when a device has come or gone.
  }, [places.known.value]);

  // As of a dialog (`dialog.tsx`): the focus is given back before anybody goes on.
  useLayoutEffect(() => {
    const element = menu.current;
    if (element === null) return undefined;
    const before = document.activeElement;
    element.showPopover();
    element.focus();
    const toggled = (event: ToggleEvent): void => {
      if (event.newState === 'closed') close();
    };
    element.addEventListener('toggle', toggled);
    return () => {
      element.removeEventListener('toggle', toggled);
      const isOurs = element.contains(document.activeElement) || document.activeElement === document.body;
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) {
        if (isOurs) before.focus();
      } else if (isOurs) ask.refocus?.();
    };
  }, []);

  useEffect(() => {
    const element = menu.current;
    if (element === null) return;
    const { right, top, bottom } = ask.beside;
    const { width, height } = element.getBoundingClientRect();
    const left = right > window.innerWidth / 2 ? right - width : ask.beside.left;
    const below = bottom + 4 + height <= window.innerHeight - 8 ? bottom + 4 : Math.max(8, top - 4 - height);
    element.style.setProperty('--menu-left', `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`);
    element.style.setProperty('--menu-top', `${below}px`);
    if (document.activeElement === element)
      element.querySelector<HTMLElement>('.place.next .place-pick, .place-pick')?.focus();
  }, [decision.value, trouble.value]);

  const walk = (event: KeyboardEvent): void => {
    const buttons = [...(menu.current?.querySelectorAll('button') ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (next === undefined || buttons.length === 0) return;
    event.preventDefault();
    buttons.at(next % buttons.length)?.focus();
  };
  const done = (work: () => void): void => {
    menu.current?.hidePopover();
    work();
  };

  const known = places.known.value;
  const ranked = decision.value?.devices ?? [];
  const leftOut = decision.value?.devicesLeftOut ?? 0;
  const isAnswered = decision.value !== undefined || trouble.value !== '';
  const unranked =
    isAnswered && leftOut === 0 ? known.filter(({ id }) => !ranked.some((one) => one.deviceId === id)) : [];
  const rows: readonly Row[] = [
    ...ranked.map((device) => ({ ...device, words: placeWords(device, wanted.language, now()) })),
    ...unranked.map((device) => ({
      ...{ deviceId: device.id, name: device.name },
      words: trouble.value === '' ? unrankedWords(device, now()) : '',
    })),
  ];
  const next = decision.value?.chosen ?? decision.value?.waitsFor;
  const title = p(ask.what === 'run' ? 'runOn' : 'copyOn');

  const rowOf = ({ deviceId, name, refused, words }: Row) => {
    const possible = isPossible({ refused });
    const isKept = kept === name.toLowerCase() || kept === deviceId;
    const isHere = known.find(({ id }) => id === deviceId)?.isHere === true;
    return (
      <li key={deviceId} class={`place${deviceId === next ? ' next' : ''}${refused === undefined ? '' : ' refused'}`}>
        <button
          type="button"
          class="place-pick"
          aria-disabled={!possible}
          onClick={() => possible && done(() => ask.pick(deviceId))}
        >
          <span class="place-name">
            {name}
            {isHere && <span class="place-here"> · {p('thisDevice')}</span>}
          </span>
          {words !== '' && <span class="place-words">{words}</span>}
          {deviceId === next && <span class="place-next">{p('next')}</span>}
        </button>
        {keep !== undefined && possible && (
          <button
            type="button"
            class="place-keep"
            aria-pressed={isKept}
            aria-label={p(isKept ? 'keptOn' : 'keepOn', { name })}
            onClick={() => done(() => keep.set(isKept ? null : name))}
          >
            {p('keep')}
          </button>
        )}
      </li>
    );
  };

  return (
    <div
      ref={menu}
      class="menu place-menu"
      role="dialog"
      aria-label={title}
      popover="auto"
      tabIndex={-1}
      onKeyDown={walk}
    >
      <h2>{title}</h2>
      <p class="place-why" role="status">
        {trouble.value !== ''
          ? trouble.value
          : decision.value === undefined
            ? p('asking')
            : whyWords(decision.value.why, language.value)}
      </p>
      <ul>{rows.map(rowOf)}</ul>
      {leftOut > 0 && <p class="place-why">{p('more', { count: leftOut })}</p>}
      {keep !== undefined && keep.on !== null && (
        <button type="button" class="place-free" onClick={() => done(() => keep.set(null))}>
          {p('free')}
        </button>
      )}
    </div>
  );
}
