/** The inside of the dialog of devices: the list, or one of the two ways to bring devices together. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { useShell } from '../shell/shell.ts';
import { AddDevice } from './add-device.tsx';
import { DeviceList } from './device-list.tsx';
import { createDevices } from './devices.ts';
import { JoinDevice } from './join-device.tsx';
import './devices.css';

export function DevicesDialog({ close }: { readonly close: () => void }) {
  const { client, places } = useShell();
  const devices = useMemo(() => createDevices(client.api), []);
  const inside = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const stop = devices.follow();
    return () => {
      stop();
      places.refresh();
    };
  }, []);
  const screen = devices.screen.value;
  const { offered, joining } = devices.pairing.value;
  useEffect(() => {
    // What had the focus may be gone with the last step; the keyboard stays in here.
    if (document.activeElement !== document.body && document.activeElement?.nodeName !== 'DIALOG') return;
    const field = inside.current?.querySelector<HTMLElement>('input:not([readonly])');
    (field ?? inside.current)?.focus();
  }, [screen, offered?.state, joining?.state]);
  return (
    <div ref={inside} class="devices" tabIndex={-1}>
      {devices.trouble.value !== '' && (
        <p class="trouble" role="alert">
          {devices.trouble.value}
        </p>
      )}
      {screen === 'add' ? (
        <AddDevice devices={devices} />
      ) : screen === 'join' ? (
        <JoinDevice devices={devices} />
      ) : (
        <DeviceList devices={devices} close={close} />
      )}
    </div>
  );
}
