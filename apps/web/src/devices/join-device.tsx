/** This device becomes one of the devices of who shows a code: the code is typed here, and yes is said there. */
import { useSignal } from '@preact/signals';
import { Wait } from '../ui/wait.tsx';
import { CheckSigns } from './add-device.tsx';
import type { Devices } from './devices.ts';
import { d } from './messages.ts';

export function JoinDevice({ devices }: { readonly devices: Devices }) {
  const { joining } = devices.pairing.value;
  const isBusy = devices.doing.value !== undefined;
  const typed = useSignal('');
  const isUnderWay = joining?.state === 'waiting' || joining?.state === 'agreed';
  const isJoined = joining?.state === 'joined';
  const isCloud = devices.isCloud.value === true;
  const title = d(isCloud ? 'addBrowser' : 'joinDevice');
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void devices.join(typed.peek().trim());
        }}
      >
        {joining?.state === 'waiting' && <Wait step={d('findingDevice')} />}
        {joining?.state === 'agreed' && (
          <div role="status">
            <p>{d('compareThere')}</p>
            {joining.check !== undefined && <CheckSigns {...joining.check} />}
          </div>
        )}
        {isJoined && <p role="status">{d(isCloud ? 'browserJoined' : 'joined')}</p>}
        {!isUnderWay && !isJoined && (
          <>
            <p id="join-hint">{d(isCloud ? 'browserJoinText' : 'joinText')}</p>
            <input
              class="field"
              type="text"
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              maxLength={2_000}
              aria-label={d('codeOrLink')}
              aria-describedby="join-hint"
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
          </>
        )}
        {joining?.state === 'failed' && (
          <p class="trouble" role="alert">
            {joining.why}
          </p>
        )}
        <footer>
          <button class="button" type="button" onClick={() => devices.show('list')}>
            {d(isJoined ? 'done' : 'back')}
          </button>
          {!isUnderWay && !isJoined && (
            <button class="button primary" type="submit" disabled={isBusy || typed.value.trim() === ''}>
              {d(isCloud ? 'addIt' : 'join')}
            </button>
          )}
        </footer>
      </form>
    </section>
  );
}
