/** The devices of the user with how each is reached, and the projects that only others have open. */
import type { DeviceHere } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { Confirm } from '../dialogs/confirm.tsx';
import { useShell } from '../shell/shell.ts';
import { Wait } from '../ui/wait.tsx';
import { abilityWords, stateWords } from './device-words.ts';
import type { Devices, Elsewhere } from './devices.ts';
import { d } from './messages.ts';

type DeviceLineProps = { readonly device: DeviceHere; readonly remove: (() => void) | undefined };

function DeviceLine({ device, remove }: DeviceLineProps) {
  const { now } = useShell();
  const { connection, name } = device;
  const ability = abilityWords(device);
  const isOnline = connection === undefined || connection.state === 'connected';
  return (
    <li class="device">
      <span class={`dot${isOnline ? ' online' : ''}`} aria-hidden="true" />
      <div class="device-what">
        <strong>{name}</strong>
        <span class="device-facts">{stateWords(device, now())}</span>
        {!isOnline && connection.why !== undefined && <span class="device-facts">{connection.why}</span>}
        {ability !== '' && <span class="device-facts">{ability}</span>}
        {device.plainAgent === true && <span class="device-facts">{d('plainAgent')}</span>}
      </div>
      {connection !== undefined && remove !== undefined && (
        <button class="button" type="button" aria-label={d('removeNamed', { name })} onClick={remove}>
          {d('remove')}
        </button>
      )}
    </li>
  );
}

type ElsewhereLineProps = { readonly at: Elsewhere; readonly devices: Devices; readonly close: () => void };

function ElsewhereLine({ at: { project, on }, devices, close }: ElsewhereLineProps) {
  const { workspace, projects } = useShell();
  const names = on.map(({ name, connected }) => (connected ? name : d('away', { name }))).join(', ');
  const isReachable = on.some(({ connected }) => connected);
  const name = project.displayName;
  const open = async (): Promise<void> => {
    const opened = await devices.attach(project.id);
    if (opened === undefined) return;
    workspace.noteProject(opened);
    projects.show(opened);
    close();
  };
  return (
    <li class="device">
      <div class="device-what">
        <strong>{name}</strong>
        {names !== '' && <span class="device-facts">{d('on', { devices: names })}</span>}
        {!isReachable && <span class="device-facts">{d('openWhenOnline')}</span>}
        {devices.doing.value === project.id && <Wait step={d('opening')} />}
      </div>
      <button
        class="button"
        type="button"
        aria-label={d('openHereNamed', { name })}
        disabled={devices.doing.value !== undefined || !isReachable}
        onClick={() => void open()}
      >
        {d('openHere')}
      </button>
    </li>
  );
}

export function DeviceList({ devices, close }: { readonly devices: Devices; readonly close: () => void }) {
  const removing = useSignal<DeviceHere | undefined>(undefined);
  const known = devices.devices.value;
  const elsewhere = devices.elsewhere.value;
  const leaving = removing.value;
  const isCloud = devices.isCloud.value === true;
  // Agents alone make no browser a device.
  const isMember = known?.some(({ connection }) => connection === undefined) === true;
  const cloudMode = devices.cloudMode.value;
  if (known === undefined) return <Wait step={d('readingDevices')} />;
  return (
    <>
      <ul>
        {known.map((device) => (
          <DeviceLine key={device.id} device={device} remove={isCloud ? undefined : () => (removing.value = device)} />
        ))}
      </ul>
      {devices.doubts.value.length > 0 && (
        <section aria-label={d('doubts')}>
          <h3>{d('doubts')}</h3>
          {devices.doubts.value.map(({ since, message }) => (
            <p key={since + message} role="status">
              {message}
            </p>
          ))}
          <div class="device-ways">
            <button class="button" type="button" onClick={() => void devices.settleDoubts()}>
              {d('settleDoubts')}
            </button>
          </div>
        </section>
      )}
      {cloudMode === 'mirror' && <p class="hint">{d('cloudIsMirror')}</p>}
      {cloudMode === 'legacy' && <p class="hint">{d('cloudIsOff')}</p>}
      {known.length === 1 && isMember && <p class="hint">{d('alone')}</p>}
      {isCloud && <p class="hint">{d(isMember ? 'browserIs' : 'browserAlone')}</p>}
      {isCloud ? (
        <div class="device-ways">
          <button class={`button${isMember ? '' : ' primary'}`} type="button" onClick={() => devices.show('join')}>
            {d(isMember ? 'addBrowserAgain' : 'addBrowser')}
          </button>
        </div>
      ) : (
        <div class="device-ways">
          <button class="button primary" type="button" onClick={() => devices.show('add')}>
            {d('addDevice')}
          </button>
          <button class="button" type="button" onClick={() => devices.show('join')}>
            {d('joinDevice')}
          </button>
        </div>
      )}
      {elsewhere.length > 0 && (
        <section aria-label={d('elsewhere')}>
          <h3>{d('elsewhere')}</h3>
          <ul>
            {elsewhere.map((at) => (
              <ElsewhereLine key={at.project.id} at={at} devices={devices} close={close} />
            ))}
          </ul>
        </section>
      )}
      {known.length > 1 && devices.opensAll.value !== undefined && (
        <label class="device-choice">
          <input
            type="checkbox"
            checked={devices.opensAll.value}
            disabled={devices.doing.value !== undefined}
            onChange={(event) => void devices.openAll(event.currentTarget.checked)}
          />
          {d('opensAll')}
        </label>
      )}
      {leaving !== undefined && (
        <Confirm
          title={d('removeTitle', { name: leaving.name })}
          text={d('removeText', { name: leaving.name })}
          submit={d('removeIt')}
          run={() => void devices.remove(leaving.id)}
          close={() => (removing.value = undefined)}
        />
      )}
    </>
  );
}
