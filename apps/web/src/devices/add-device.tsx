/** Adding a device: a code for it, then the words that both screens show, then a person who says yes. */
import type { PairingHere } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useShell } from '../shell/shell.ts';
import { later } from '../ui/later.tsx';
import { Wait } from '../ui/wait.tsx';
import { codeWords, countdown } from './device-words.ts';
import type { Devices } from './devices.ts';
import { d } from './messages.ts';

const QrCode = later(async () => (await import('./qr-code.tsx')).QrCode);

type Offered = NonNullable<PairingHere['offered']>;

export function CheckSigns({ words, symbols }: { readonly words: string; readonly symbols: string }) {
  return (
    <p class="check-signs">
      <strong>{words}</strong>
      <span>{symbols}</span>
    </p>
  );
}

function Code({ offered }: { readonly offered: Offered }) {
  const { now } = useShell();
  const time = useSignal(now());
  const copied = useSignal(false);
  useEffect(() => {
    const timer = setInterval(() => (time.value = now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const copy = (): void => {
    navigator.clipboard.writeText(offered.link).then(
      () => (copied.value = true),
      () => undefined,
    );
  };
  const code = codeWords(offered.code);
  return (
    <>
      <p>{d('typeCode', { code })}</p>
      <p class="pairing-code">{code}</p>
      <p class="hint" role="timer">
        {d('codeEndsIn', { time: countdown(Date.parse(offered.expiresAt) - time.value) })}
      </p>
      <p class="hint">{d('orLink')}</p>
      <div class="pairing-link">
        <input
          class="field"
          type="text"
          readOnly
          aria-label={d('link')}
          value={offered.link}
          onFocus={(event) => event.currentTarget.select()}
        />
        {/* Browsers let a page copy only where its address is safe; the field can be copied from anywhere. */}
        {window.isSecureContext && (
          <button class="button" type="button" onClick={copy}>
            {d(copied.value ? 'copied' : 'copy')}
          </button>
        )}
      </div>
      <QrCode text={offered.link} />
    </>
  );
}

/** What it may do once it is added, by what it is. */
function adds(kind: string | undefined): 'addsIt' | 'addsServer' | 'addsBrowser' {
  if (kind === undefined || kind === 'desktop') return 'addsIt';
  return kind === 'server-agent' ? 'addsServer' : 'addsBrowser';
}

function Asked({ offered }: { readonly offered: Offered }) {
  const { device, check } = offered;
  const name = device?.name ?? d('theDevice');
  const asking = device === undefined || device.os === '' ? name : `${name} (${device.os})`;
  return (
    <div role="status">
      <p>
        <strong>{d('asks', { device: asking })}</strong>
      </p>
      <p>{d('sameWords')}</p>
      {check !== undefined && <CheckSigns {...check} />}
      <p class="hint">
        {d(adds(device?.kind))} {d('ifNotSame')}
      </p>
    </div>
  );
}

export function AddDevice({ devices }: { readonly devices: Devices }) {
  const { offered } = devices.pairing.value;
  const doing = devices.doing.value;
  const isBusy = doing !== undefined;
  const begun = useSignal(false);
  const offer = (): void => void devices.offer();
  const leave = async (): Promise<void> => {
    if (offered !== undefined) await devices.decline();
    devices.show('list');
  };
  useEffect(() => {
    begun.value = true;
    if (offered === undefined) offer();
  }, []);
  const leaveButton = (word: string) => (
    <button class="button" type="button" disabled={isBusy} onClick={() => void leave()}>
      {word}
    </button>
  );
  const newCode = (
    <button class="button" type="button" disabled={isBusy} onClick={offer}>
      {d('newCode')}
    </button>
  );
  const body = (): preact.ComponentChildren => {
    if (doing === 'offer' || !begun.value) return <Wait step={d('makingCode')} />;
    switch (offered?.state) {
      case 'waiting':
        return <Code key={offered.code} offered={offered} />;
      case 'asked':
        return <Asked offered={offered} />;
      case 'added':
        return <p role="status">{d('added', { name: offered.device?.name ?? d('theDevice') })}</p>;
      case 'failed':
        return (
          <p class="trouble" role="alert">
            {offered.why ?? d('codeOver')}
          </p>
        );
      case undefined:
        // A refusal says more than that there is no code.
        return devices.trouble.value === '' && <p role="status">{d('codeOver')}</p>;
    }
  };
  return (
    <section aria-label={d('addDevice')}>
      <h3>{d('addDevice')}</h3>
      {body()}
      <footer>
        {offered?.state === 'asked' ? (
          <>
            {leaveButton(d('dont'))}
            <button class="button primary" type="button" disabled={isBusy} onClick={() => void devices.approve()}>
              {d('addIt')}
            </button>
          </>
        ) : offered?.state === 'waiting' ? (
          <>
            {newCode}
            {leaveButton(d('cancelCode'))}
          </>
        ) : (
          <>
            {newCode}
            {leaveButton(d(offered?.state === 'added' ? 'done' : 'back'))}
          </>
        )}
      </footer>
    </section>
  );
}
