/** Which devices exchange documents with which, as far as they say so: what one tells all of them needs nobody to pass it on. */
import type { DeviceId } from '@markco/protocol';
import { COST } from './cost.ts';
import { LINKS_MAX, type Message } from './messages.ts';

type LinksMessage = Extract<Message, { op: 'links' }>;

export type Links = {
  /** Whether `from` said that it tells `to` itself. */
  joins(from: DeviceId, to: DeviceId): boolean;
  /** Exchanges documents with a device from now on. */
  open(device: DeviceId, say: (message: LinksMessage) => void, wasted: (cost: number) => void): OpenLink;
};

export type OpenLink = { receive(message: LinksMessage): void; end(): void };

/** For a device whose edits are not taken here: whoever else has them passes them on. */
export const NO_LINKS: Links = {
  joins: () => false,
  open: () => ({ receive: () => undefined, end: () => undefined }),
};

export function createLinks(): Links {
  const told = new Map<DeviceId, ReadonlySet<DeviceId>>();
  /** One for each stream: for a moment there may be two to one device. */
  const here = new Set<{ readonly device: DeviceId; readonly say: (message: LinksMessage) => void; said: string }>();

  /** To each what has changed for it: that it is connected itself it knows. */
  function tell(): void {
    const all = new Set([...here].map(({ device }) => device));
    for (const link of here) {
      const devices = [...all].filter((device) => device !== link.device).slice(0, LINKS_MAX);
      const now = devices.join();
      if (now === link.said) continue;
      link.said = now;
      link.say({ op: 'links', devices });
    }
  }

  return {
    joins: (from, to) => told.get(from)?.has(to) === true,
    open(device, say, wasted) {
      const link = { device, say, said: '' };
      told.delete(device);
      here.add(link);
      tell();
      return {
        receive({ devices }) {
          wasted(COST.question);
          if (here.has(link)) told.set(device, new Set(devices));
        },
        end() {
          if (!here.delete(link)) return;
          if (![...here].some((other) => other.device === device)) told.delete(device);
          tell();
        },
      };
    },
  };
}
