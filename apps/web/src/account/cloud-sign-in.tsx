/** What somebody sees at a cloud who is not signed in: the ways to sign in that it has, and to make an account. */
import type { Api } from '@markco/client';
import { Failure, type SignInWays } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { pageApi } from '../boot/page-api.ts';
import { Wait } from '../ui/wait.tsx';
import { a } from './messages.ts';
import { wasDeleted } from './came-back.ts';
import { setPublicComputer } from './public-computer.ts';
import { tokenIn } from './token-in.ts';
import './account.css';

export type CloudSignInProps = {
  readonly ways: SignInWays;
  readonly api: Api;
  /** What went wrong before this was shown. */
  readonly trouble?: string | undefined;
};

/** The invite of the address: `/sign-in#invite=…`. */
export const inviteOf = (hash: string): string | undefined => /^#invite=([\w-]{1,200})$/.exec(hash)?.[1];

/** Everything of the page begins anew as whoever is signed in now. */
function enter(): void {
  const stays = location.pathname.startsWith('/p/') || location.pathname === '/device';
  location.replace(stays ? location.pathname : '/');
  if (stays) location.reload();
}

export function CloudSignIn({ ways, api, trouble: before }: CloudSignInProps) {
  const trouble = useSignal(before ?? '');
  const busy = useSignal(false);
  const isPublic = useSignal(false);
  const token = useSignal('');
  const name = useSignal('');
  const invite = inviteOf(location.hash);
  const isDeleted = useSignal(wasDeleted(sessionStorage));

  async function attempt(work: () => Promise<boolean>): Promise<void> {
    trouble.value = '';
    busy.value = true;
    try {
      if (await work()) enter();
    } catch (error) {
      trouble.value = Failure.from(error).message;
    }
    busy.value = false;
  }

  const withPasskey = async (): Promise<boolean> => {
    const { usePasskey } = await import('./ceremony.ts');
    const answer = await usePasskey(await api('beginPasskeySignIn', {}));
    await api('passkeySignIn', { body: { ...answer, publicComputer: isPublic.peek() } });
    setPublicComputer(localStorage, isPublic.peek());
    return true;
  };
  const register = async (): Promise<boolean> => {
    const { makePasskey } = await import('./ceremony.ts');
    const body = { name: name.peek().trim(), ...(invite === undefined ? {} : { invite }) };
    await api('register', { body: await makePasskey(await api('beginRegistration', { body })) });
    setPublicComputer(localStorage, false);
    return true;
  };
  const withToken = async (): Promise<boolean> => {
    await pageApi(tokenIn(token.peek()))('signIn', { query: { publicComputer: isPublic.peek() ? '1' : '0' } });
    setPublicComputer(localStorage, isPublic.peek());
    return true;
  };
  const withProvider = async (provider: string): Promise<boolean> => {
    const { url } = await api('beginProviderSignIn', {
      params: { provider },
      body: { publicComputer: isPublic.peek(), ...(invite === undefined ? {} : { invite }) },
    });
    setPublicComputer(localStorage, isPublic.peek());
    location.assign(url);
    return false;
  };
  const mayRegister = invite !== undefined || ways.registration === 'open';

  return (
    <main class="home sign-in cloud-sign-in">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{a(invite === undefined ? 'signInTitle' : 'invited')}</h1>
      <p class="muted">{a('signInWhere', { name: location.host })}</p>
      {isDeleted.value && <p role="status">{a('accountDeleted')}</p>}
      {trouble.value !== '' && (
        <p class="trouble" role="alert">
          {trouble.value}
        </p>
      )}
      {mayRegister && (
        <Form label={a('newAccount')} submit={() => void attempt(register)}>
          {ways.passkey && (
            <>
              <input
                class="field"
                type="text"
                autocomplete="name"
                maxLength={100}
                aria-label={a('name')}
                placeholder={a('name')}
                value={name.value}
                onInput={(event) => (name.value = event.currentTarget.value)}
              />
              <button class="button primary large" type="submit" disabled={busy.value || name.value.trim() === ''}>
                {a('makeAccount')}
              </button>
            </>
          )}
          {ways.providers.map((provider) => (
            <button
              key={provider.id}
              class="button large"
              type="button"
              disabled={busy.value}
              onClick={() => void attempt(() => withProvider(provider.id))}
            >
              {a('makeAccountWith', { name: provider.name })}
            </button>
          ))}
        </Form>
      )}
      <section aria-label={a('signInTitle')}>
        {ways.passkey ? (
          <button
            class={`button large${mayRegister ? '' : ' primary'}`}
            type="button"
            disabled={busy.value}
            onClick={() => void attempt(withPasskey)}
          >
            {a('withPasskey')}
          </button>
        ) : (
          <p class="muted">{a('noPasskeys')}</p>
        )}
        {!mayRegister &&
          ways.providers.map((provider) => (
            <button
              key={provider.id}
              class="button large"
              type="button"
              disabled={busy.value}
              onClick={() => void attempt(() => withProvider(provider.id))}
            >
              {a('with', { name: provider.name })}
            </button>
          ))}
        <label class="choice">
          <input
            type="checkbox"
            checked={isPublic.value}
            aria-describedby="public-hint"
            onChange={(event) => (isPublic.value = event.currentTarget.checked)}
          />
          {a('publicComputer')}
        </label>
        <p id="public-hint" class="muted" hidden={!isPublic.value}>
          {a('publicHint')}
        </p>
      </section>
      <Form label={a('orToken')} submit={() => void attempt(withToken)}>
        <details open={!ways.passkey}>
          <summary>{a('orToken')}</summary>
          <input
            class="field"
            type="password"
            autocomplete="off"
            maxLength={2_000}
            aria-label={a('token')}
            value={token.value}
            onInput={(event) => (token.value = event.currentTarget.value)}
          />
          <button class="button" type="submit" disabled={busy.value || token.value.trim() === ''}>
            {a('signIn')}
          </button>
        </details>
      </Form>
      {busy.value && <Wait step={a('finishing')} />}
    </main>
  );
}

type FormProps = { readonly label: string; readonly submit: () => void; readonly children: ComponentChildren };

function Form({ label, submit, children }: FormProps) {
  return (
    <form
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {children}
    </form>
  );
}
