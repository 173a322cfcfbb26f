/** Asks before something that cannot be undone. The safe answer has the focus. */
import { t } from '../i18n/words.ts';
import type { Overlay } from '../shell/view.ts';
import { Dialog } from '../ui/dialog.tsx';

type ConfirmProps = Omit<Extract<Overlay, { readonly kind: 'confirm' }>, 'kind'> & { readonly close: () => void };

export function Confirm({ title, text, submit, run, close }: ConfirmProps) {
  return (
    <Dialog label={title} kind="card" close={close}>
      <h2>{title}</h2>
      {text !== '' && <p>{text}</p>}
      <footer>
        <button class="button" type="button" autofocus onClick={close}>
          {t('cancel')}
        </button>
        <button
          class="button danger"
          type="button"
          onClick={() => {
            run();
            close();
          }}
        >
          {submit}
        </button>
      </footer>
    </Dialog>
  );
}
