/**
 * Short messages that say what happened and offer one action. A toast with an action stays longer, and any stays while
 * the pointer or the focus is on it. At most four are shown; the oldest goes first.
 */
import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { Icon } from './icon.tsx';

export type Toast = {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'danger';
  readonly action: { readonly label: string; run(): void } | undefined;
  /** Milliseconds; `undefined` stays until it is closed. */
  readonly shownFor: number | undefined;
};

export type Toasts = {
  readonly shown: ReadonlySignal<readonly Toast[]>;
  say(text: string, action?: Toast['action']): void;
  /** Says what went wrong, until it is closed. */
  warn(text: string, action?: Toast['action']): void;
  /** Stays until it is closed or acted on. */
  offer(text: string, action: NonNullable<Toast['action']>): void;
  close(id: number): void;
};

const shownMax = 4;

export function createToasts(): Toasts {
  const shown = signal<readonly Toast[]>([]);
  let made = 0;
  const show = (toast: Omit<Toast, 'id'>): void => {
    made += 1;
    const same = shown.peek().filter((known) => known.text !== toast.text);
    shown.value = [...same, { ...toast, id: made }].slice(-shownMax);
  };
  return {
    shown,
    say: (text, action) => show({ text, action, tone: 'plain', shownFor: action === undefined ? 4_000 : 10_000 }),
    warn: (text, action) => show({ text, action, tone: 'danger', shownFor: 15_000 }),
    offer: (text, action) => show({ text, action, tone: 'plain', shownFor: undefined }),
    close(id) {
      shown.value = shown.peek().filter((toast) => toast.id !== id);
    },
  };
}

function ToastLine({ toast, close }: { readonly toast: Toast; readonly close: () => void }) {
  const [held, setHeld] = useState(false);
  const { shownFor } = toast;
  useEffect(() => {
    if (held || shownFor === undefined) return undefined;
    const timer = setTimeout(close, shownFor);
    return () => clearTimeout(timer);
  }, [held, shownFor]);
  const hold = (): void => setHeld(true);
  const release = (): void => setHeld(false);
  return (
    <li
      class={`toast ${toast.tone}`}
      onPointerEnter={hold}
      onPointerLeave={release}
      onFocusIn={hold}
      onFocusOut={release}
    >
      <span>{toast.text}</span>
      {toast.action !== undefined && (
        <button
          class="toast-action"
          type="button"
          onClick={() => {
            toast.action?.run();
            close();
          }}
        >
          {toast.action.label}
        </button>
      )}
      <button class="icon-button" type="button" aria-label={t('close')} onClick={close}>
        <Icon name="close" />
      </button>
    </li>
  );
}

export function ToastList({ toasts }: { readonly toasts: Toasts }) {
  return (
    <div class="toasts" role="status" aria-live="polite">
      <ul>
        {toasts.shown.value.map((toast) => (
          <ToastLine key={toast.id} toast={toast} close={() => toasts.close(toast.id)} />
        ))}
      </ul>
    </div>
  );
}
