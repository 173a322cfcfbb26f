/** Asks for a path in the project. A name that cannot be is said while it is typed, in the words the device would use. */
import { checkDocumentPath, Failure } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import type { Overlay } from '../shell/view.ts';
import { Dialog } from '../ui/dialog.tsx';

type AskPathProps = Omit<Extract<Overlay, { readonly kind: 'ask-path' }>, 'kind'> & { readonly close: () => void };

/** The path as the device will keep it, or why not. */
export function readPath(typed: string): { readonly path: string } | { readonly wrong: string } {
  const checked = checkDocumentPath(typed.trim().replace(/\.q?md$/, ''));
  return checked instanceof Failure ? { wrong: checked.message } : { path: checked };
}

export function AskPath({ title, hint, initial, submit, run, close }: AskPathProps) {
  const typed = useSignal(initial);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
    input.current?.setSelectionRange(initial.lastIndexOf('/') + 1, initial.length);
  }, []);
  const read = readPath(typed.value);
  const wrong = typed.value.trim() === '' || typed.value.endsWith('/') || !('wrong' in read) ? undefined : read.wrong;
  return (
    <Dialog label={title} kind="card" close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if ('wrong' in read) return;
          close();
          run(read.path);
        }}
      >
        <h2>{title}</h2>
        <input
          ref={input}
          class="field"
          type="text"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          aria-label={title}
          aria-describedby="path-hint"
          aria-invalid={wrong !== undefined}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <p id="path-hint" class={wrong === undefined ? 'hint' : 'hint trouble'} role="status">
          {wrong ?? hint}
        </p>
        <footer>
          <button class="button" type="button" onClick={close}>
            {t('cancel')}
          </button>
          <button class="button primary" type="submit" disabled={'wrong' in read}>
            {submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
