/** The inside of the dialog of the account: what one signs in with, where one is signed in, and who is let in. */
import type { SessionRow } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { dayName, timeOfDay } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Wait } from '../ui/wait.tsx';
import { createAccount, type AccountHere } from './account.ts';
import { Agents } from './agents.tsx';
import { cameBack } from './came-back.ts';
import { Confirm } from './confirm.tsx';
import { DeleteAccount } from './delete-account.tsx';
import { Line, Remove, type PartProps } from './lines.tsx';
import { a } from './messages.ts';
import { setPublicComputer } from './public-computer.ts';
import '../devices/devices.css';
import './account.css';

function Passkeys({ account, facts }: PartProps) {
  const { now } = useShell();
  const { passkeys, publicComputer } = facts.account;
  const busy = account.busy.value;
  return (
    <section aria-label={a('passkeys')}>
      <h3>{a('passkeys')}</h3>
      {passkeys.length === 0 && <p class="hint">{a('noPasskey')}</p>}
      <ul>
        {passkeys.map(({ id, name, createdAt, usedAt }) => (
          <Line
            key={id}
            name={name}
            facts={
              usedAt === undefined
                ? a('added', { day: dayName(createdAt, now()) })
                : a('usedOn', { day: dayName(usedAt, now()) })
            }
          >
            {!publicComputer && (
              <Remove name={name} label="remove" busy={busy} run={() => void account.removePasskey(id)} />
            )}
          </Line>
        ))}
      </ul>
      {!publicComputer && facts.ways.passkey && (
        <div class="device-ways">
          <button class="button" type="button" disabled={busy} onClick={() => void account.addPasskey()}>
            {a('addPasskey')}
          </button>
        </div>
      )}
    </section>
  );
}

function Identities({ account, facts }: PartProps) {
  const { identities, publicComputer } = facts.account;
  if (identities.length === 0 && facts.ways.providers.length === 0) return null;
  return (
    <section aria-label={a('identities')}>
      <h3>{a('identities')}</h3>
      <ul>
        {identities.map(({ id, provider, address }) => (
          <Line key={id} name={provider} facts={address}>
            {!publicComputer && (
              <Remove
                name={provider}
                label="remove"
                busy={account.busy.value}
                run={() => void account.removeIdentity(id)}
              />
            )}
          </Line>
        ))}
      </ul>
      {!publicComputer && (
        <div class="device-ways">
          {facts.ways.providers.map(({ id, name }) => (
            <button key={id} class="button" type="button" onClick={() => void account.addIdentity(id)}>
              {a('addIdentity', { name })}
            </button>
          ))}
        </div>
      )}
    </section>
  );
}

function Sessions({ account, facts }: PartProps) {
  const { now } = useShell();
  const { sessions } = facts;
  const words = (session: SessionRow): string => {
    const way = session.with === 'passkey' ? a('passkey') : session.with === 'token' ? a('tokenWay') : session.with;
    return a('session', { browser: session.browser, with: way });
  };
  return (
    <section aria-label={a('sessions')}>
      <h3>{a('sessions')}</h3>
      <ul>
        {sessions.map((session) => (
          <Line
            key={session.id}
            name={words(session)}
            facts={[
              session.current
                ? a('thisOne')
                : a('since', { day: dayName(session.seenAt, now()), time: timeOfDay(session.seenAt) }),
              ...(session.publicComputer ? [a('public')] : []),
            ].join(' · ')}
          >
            {!session.current && (
              <Remove
                name={words(session)}
                label="end"
                busy={account.busy.value}
                run={() => void account.endSession(session.id)}
              />
            )}
          </Line>
        ))}
      </ul>
      {sessions.length > 1 && (
        <div class="device-ways">
          <button class="button" type="button" onClick={() => void account.endOthers()}>
            {a('endOthers')}
          </button>
        </div>
      )}
    </section>
  );
}

function LetIn({ account, facts }: PartProps) {
  const typed = useSignal('');
  const asked = account.asked.value;
  const { devices } = facts.account;
  return (
    <section aria-label={a('letIn')}>
      <h3>{a('letIn')}</h3>
      {asked === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void account.look(typed.peek());
          }}
        >
          <label for="device-code">{a('letInHint')}</label>
          <div class="invite">
            <input
              id="device-code"
              class="field"
              type="text"
              autocomplete="off"
              autocapitalize="characters"
              spellcheck={false}
              maxLength={20}
              placeholder="BCDF-GHJK"
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
            <button class="button" type="submit" disabled={account.busy.value || typed.value.trim() === ''}>
              {a('look')}
            </button>
          </div>
        </form>
      ) : (
        <div role="status">
          <strong>{a('asks', { name: asked.name })}</strong>
          <p>{a('asksFrom', { from: asked.from, fingerprint: asked.fingerprint })}</p>
          <p class="hint">{a('asksText')}</p>
          <footer>
            <button class="button" type="button" onClick={() => void account.answer(false)}>
              {a('no')}
            </button>
            <button class="button primary" type="button" onClick={() => void account.answer(true)}>
              {a('yes')}
            </button>
          </footer>
        </div>
      )}
      {devices.length > 0 && (
        <>
          <h3>{a('devices')}</h3>
          <ul>
            {devices.map(({ id, name }) => (
              <Line key={id} name={name} facts="">
                <Remove
                  name={name}
                  label="remove"
                  busy={account.busy.value}
                  run={() => void account.removeDevice(id)}
                />
              </Line>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Invite({ account }: { readonly account: AccountHere }) {
  const { now, toasts } = useShell();
  const made = account.invite.value;
  return (
    <section aria-label={a('invite')}>
      <h3>{a('invite')}</h3>
      {made === undefined ? (
        <div class="device-ways">
          <button class="button" type="button" onClick={() => void account.makeInvite()}>
            {a('invite')}
          </button>
        </div>
      ) : (
        <>
          <p>{a('inviteText', { day: dayName(made.endsAt, now()) })}</p>
          <div class="invite">
            <input class="field" type="text" readOnly aria-label={a('invite')} value={made.link} />
            <button
              class="button"
              type="button"
              onClick={() => void navigator.clipboard?.writeText(made.link).then(() => toasts.say(a('copied')))}
            >
              {a('copy')}
            </button>
          </div>
        </>
      )}
    </section>
  );
}

export function AccountDialog() {
  const { client, leave } = useShell();
  const account = useMemo(() => createAccount(client.api), []);
  useEffect(() => void account.read(), []);
  const facts = account.facts.value;
  const isBack = useMemo(() => cameBack(sessionStorage), []);
  const signOut = async (): Promise<void> => {
    await client.api('signOut', {});
    await leave();
    setPublicComputer(localStorage, false);
    location.replace('/');
  };
  return (
    <div class="devices account" tabIndex={-1}>
      {account.trouble.value !== '' && (
        <p class="trouble" role="alert">
          {account.trouble.value}
        </p>
      )}
      {isBack && <p role="status">{a('confirmBack')}</p>}
      {account.said.value !== '' && <p role="status">{account.said.value}</p>}
      {facts === undefined ? (
        account.trouble.value === '' && <Wait step={a('reading')} />
      ) : (
        <>
          {account.waits.value !== undefined && <Confirm account={account} facts={facts} />}
          <div class="device">
            <div class="device-what">
              <strong>{facts.account.name}</strong>
              {facts.account.publicComputer && <span class="device-facts">{a('onPublic')}</span>}
              {!facts.account.hasDevices && (
                <span class="device-facts">{a('noDevices', { origin: location.origin })}</span>
              )}
            </div>
            <button class="button" type="button" onClick={() => void signOut()}>
              {a('signOut')}
            </button>
          </div>
          {!facts.account.publicComputer && <LetIn account={account} facts={facts} />}
          <Passkeys account={account} facts={facts} />
          <Identities account={account} facts={facts} />
          <Sessions account={account} facts={facts} />
          {!facts.account.publicComputer && <Agents account={account} facts={facts} />}
          {facts.account.operates && !facts.account.publicComputer && <Invite account={account} />}
          {!facts.account.publicComputer &&
            (facts.account.operates ? (
              <p class="hint">{a('ownerStays')}</p>
            ) : (
              <DeleteAccount account={account} facts={facts} />
            ))}
        </>
      )}
    </div>
  );
}
