/** What somebody sees who came without the link that the device printed. */
import { t } from '../i18n/words.ts';

export function SignIn({ kind, retry }: { readonly kind: 'no-session' | 'no-device'; readonly retry?: () => void }) {
  return (
    <main class="home sign-in">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{t(kind === 'no-session' ? 'signInTitle' : 'noDeviceTitle')}</h1>
      <p>{t(kind === 'no-session' ? 'signInText' : 'noDeviceText')}</p>
      <pre>
        <code>{kind === 'no-session' ? 'markco open' : 'markco up'}</code>
      </pre>
      {retry !== undefined && (
        <button class="button primary" type="button" onClick={retry}>
          {t('tryAgain')}
        </button>
      )}
    </main>
  );
}
