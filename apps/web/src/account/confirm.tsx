/** Asks whoever is signed in to show that it is still them, by what this account is signed in with; then what waits goes on. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PartProps } from './lines.tsx';
import { a } from './messages.ts';

export function Confirm({ account, facts }: PartProps) {
  const typed = useSignal('');
  const here = useRef<HTMLElement>(null);
  const busy = account.busy.value;
  const { passkeys, identities, operates } = facts.account;
  const providers = facts.ways.providers.filter(({ name }) => identities.some(({ provider }) => provider === name));
  // It is above what was pressed, and may be out of sight.
  useEffect(() => {
    here.current?.scrollIntoView({ block: 'nearest' });
    here.current?.querySelector<HTMLElement>('button, input')?.focus();
  }, []);
  return (
    <section aria-label={a('confirmTitle')} role="alert" ref={here}>
      <h3>{a('confirmTitle')}</h3>
      <p>{a('confirmText')}</p>
      <div class="device-ways">
        {passkeys.length > 0 && facts.ways.passkey && (
          <button class="button primary" type="button" disabled={busy} onClick={() => void account.confirmByPasskey()}>
            {a('confirmPasskey')}
          </button>
        )}
        {providers.map(({ id, name }) => (
          <button key={id} class="button" type="button" disabled={busy} onClick={() => void account.confirmBy(id)}>
            {a('confirmWith', { name })}
          </button>
        ))}
        <button class="button" type="button" onClick={account.giveUp}>
          {a('cancel')}
        </button>
      </div>
      {operates && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void account.confirmByToken(typed.peek());
          }}
        >
          <div class="invite">
            <input
              class="field"
              type="password"
              autocomplete="off"
              maxLength={2_000}
              aria-label={a('token')}
              placeholder={a('token')}
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
            <button class="button" type="submit" disabled={busy || typed.value.trim() === ''}>
              {a('confirmToken')}
            </button>
          </div>
        </form>
      )}
    </section>
  );
}
