/** A wait that names its step. Nothing shows for a moment, then the step, and after ten seconds a way out (all three by the style sheet). */
import { t } from '../i18n/words.ts';

export function Wait({ step, retry }: { readonly step: string; readonly retry?: () => void }) {
  return (
    <div class="wait" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{step}</span>
      {retry !== undefined && (
        <button class="button wait-way-out" type="button" onClick={retry}>
          {t('tryAgain')}
        </button>
      )}
    </div>
  );
}
