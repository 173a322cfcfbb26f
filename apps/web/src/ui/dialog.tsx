/** A native modal dialog: the browser traps the focus, closes on Escape and gives the focus back. A click beside it closes it. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { Icon } from './icon.tsx';

type DialogProps = {
  readonly label: string;
  readonly kind: 'sheet' | 'picker' | 'card';
  readonly close: () => void;
  readonly children: ComponentChildren;
};

export function Dialog({ label, kind, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before it is painted, and before it is gone: later, the focus would be taken from wherever somebody has gone on.
  useLayoutEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${kind}`}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

export function SheetHead({ title, close }: { readonly title: string; readonly close: () => void }) {
  return (
    <header class="sheet-head">
      <h2>{title}</h2>
      <button class="icon-button" type="button" aria-label={t('close')} onClick={close}>
        <Icon name="close" />
      </button>
    </header>
  );
}
