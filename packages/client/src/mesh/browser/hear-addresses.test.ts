import { newId, type DeviceId } from '@markco/protocol';
import type { MessageStream } from '@markco/protocol/message-stream';
import { expect, test } from 'vitest';
import { hearAddresses, type HearAddressesParts } from './hear-addresses.ts';

const ids = { now: () => 0, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const [nas, laptop, phone] = [newId<DeviceId>(ids), newId<DeviceId>(ids), newId<DeviceId>(ids)];

/** Devices that are connected, and the streams that were opened to them, newest last. */
function world() {
  const kinds = { nas: 'server-agent', laptop: 'desktop', phone: 'web' } as const;
  const devices = { nas, laptop, phone };
  const opened: { readonly peerId: string; say(text: string): void; isOpen: boolean }[] = [];
  const told: (readonly [string, readonly string[], boolean])[] = [];
  let [connect, better]: ((peerId: string) => void)[] = [];
  const stop = hearAddresses({
    network: {
      open(peerId: string) {
        let say: (text: string) => void = () => undefined;
        const one = { peerId, say: (text: string) => say(text), isOpen: true };
        opened.push(one);
        return Promise.resolve({
          onMessage: (listener: (text: string) => void) => void (say = listener),
          onClose: () => undefined,
          close: () => void (one.isOpen = false),
        } as unknown as MessageStream);
      },
      onBetterPath: (listener) => void (better = listener),
    },
    peers: {
      list: () =>
        (['nas', 'laptop', 'phone'] as const).map((peerId) => ({
          ...{ peerId, deviceId: devices[peerId], kind: kinds[peerId], state: 'connected' },
        })) as unknown as ReturnType<HearAddressesParts['peers']['list']>,
      onPeer(listener) {
        connect = (peerId) => listener({ peerId, deviceId: devices[peerId as 'nas'] }, true);
        return () => undefined;
      },
    },
    onAddresses: (...all) => void told.push(all),
  });
  return { opened, told, stop, connect: (id: string) => connect?.(id), better: (id: string) => better?.(id) };
}

const UDP = '/ip4/192.168.1.7/udp/7719/webrtc-direct/certhash/uEiA';
const TCP = '/ip4/192.168.1.7/tcp/7718';
const saying = (...devices: readonly object[]): string => JSON.stringify({ op: 'devices', devices });

test('a device is heard of itself alone: its ports for WebRTC, and the address of one that is a relay', async () => {
  const { opened, told, connect } = world();
  for (const peerId of ['nas', 'laptop', 'phone']) connect(peerId);
  await Promise.resolve();
  expect(opened.map(({ peerId }) => peerId)).toEqual(['nas', 'laptop']);
  const all = [TCP, `${TCP}/ws`, UDP, `${TCP}/p2p/12D3/p2p-circuit`, '/ip4/1.2.3.4/udp/1/webrtc-direct'];
  opened[0]?.say(saying({ deviceId: nas, addresses: all, isRelay: true }, { deviceId: laptop, addresses: [UDP] }));
  opened[1]?.say(saying({ deviceId: laptop, addresses: all }));
  expect(told).toEqual([
    ['nas', [TCP, UDP], true],
    ['laptop', [UDP], false],
  ]);
  for (const text of ['', '{', '{"op":"known"}', saying({ deviceId: laptop, addresses: [7] })]) opened[1]?.say(text);
  opened[1]?.say(saying({ deviceId: laptop, addresses: Array.from({ length: 17 }, () => UDP) }));
  expect(told.length).toBe(2);
});

test('what is said moves to a better way, and ends', async () => {
  const { opened, connect, better, stop } = world();
  connect('laptop');
  await Promise.resolve();
  better('laptop');
  await Promise.resolve();
  expect(opened.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  stop();
  expect(opened.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  better('laptop');
  expect(opened.length).toBe(2);
});
