/**
 * What the page does when a browser keeps no edits: it says so once, and asks before it is left while an edit is
 * nowhere but on this screen.
 */
import { effect } from '@preact/signals';
import type { Editors } from '../document/editors.ts';
import { t } from '../i18n/words.ts';
import type { Toasts } from '../ui/toasts.tsx';

export function watchEditsAtRisk(
  {
    editors,
    toasts,
  }: { readonly editors: Pick<Editors, 'copyTrouble' | 'atRisk'>; readonly toasts: Pick<Toasts, 'warn'> },
  page: Pick<Window, 'addEventListener'>,
): void {
  let told = false;
  effect(() => {
    const trouble = editors.copyTrouble.value;
    if (told || trouble === undefined || trouble === 'slow') return;
    told = true;
    toasts.warn(t(trouble === 'full' ? 'noCopiesFull' : 'noCopies'));
  });
  page.addEventListener('beforeunload', (event) => {
    if (editors.atRisk()) event.preventDefault();
  });
}
