/** What somebody sees who is not signed in: at a device its link is missing, at a cloud there are more ways. */
import { Failure, type SignInWays } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { pageApi } from '../boot/page-api.ts';
import { t } from '../i18n/words.ts';
import { later } from '../ui/later.tsx';
import { Wait } from '../ui/wait.tsx';

const CloudSignIn = later(async () => (await import('../account/cloud-sign-in.tsx')).CloudSignIn);
const api = pageApi();

/** Asks who it is that wants a sign-in: only a cloud has ways. */
export function NoSession({ trouble }: { readonly trouble?: string | undefined }) {
  const ways = useSignal<SignInWays | 'none' | 'silent' | undefined>(undefined);
  useEffect(() => {
    api('signInWays', {}).then(
      (found) => (ways.value = found),
      (error: unknown) => (ways.value = Failure.from(error).code === 'not_found' ? 'none' : 'silent'),
    );
  }, []);
  if (ways.value === undefined) return <Wait step={t('oneMoment')} />;
  if (ways.value === 'none') return <SignIn kind="no-session" />;
  if (ways.value === 'silent') return <SignIn kind="no-device" retry={() => location.reload()} />;
  return <CloudSignIn ways={ways.value} api={api} trouble={trouble} />;
}

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
