/** The devices that are connected, each kept up to date over a stream of its own; of a browser, one for each of its pages. */
import type { DeviceId } from '@markco/protocol';
import type { Said } from '@markco/client/mesh/peers';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { keepUpToDate, type Control, type ControlParts } from './control.ts';

type Parts = Omit<ControlParts, 'onAddresses'> & {
  /** Whether it is something that the others are to be told. */
  readonly onAddresses: (device: DeviceId, addresses: readonly string[], said: Said) => boolean;
};

export type Controls = ReturnType<typeof createControls>;

export function createControls() {
  // By its stream, which is there before the first word on it is heard.
  const controls = new Map<MessageStream, Control>();

  function tellDevices(but?: MessageStream): void {
    for (const [stream, control] of controls) if (stream !== but) control.tellDevices();
  }

  return {
    open(stream: MessageStream, parts: Parts): void {
      const control = keepUpToDate(stream, {
        ...parts,
        onAddresses(...heard) {
          if (parts.onAddresses(...heard)) tellDevices(stream);
        },
      });
      controls.set(stream, control);
      stream.onClose(() => void controls.delete(stream));
    },
    tellDevices: (): void => tellDevices(),
    tellGuests(): void {
      for (const control of controls.values()) control.tellGuests();
    },
    beat(): void {
      for (const control of controls.values()) control.beat();
    },
  };
}
