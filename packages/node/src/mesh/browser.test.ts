/** A browser among devices, its own code run in Node: a relay first, then the device itself, by WebRTC. */
import 'fake-indexeddb/auto';
import { createBrowserNetwork } from '@markco/client/mesh/browser/browser-network';
import { libp2pKeyOf, makeDeviceKey } from '@markco/client/mesh/browser/device-key';
import { readKeptDevice } from '@markco/client/mesh/browser/kept-device';
import { joinDevices, openThisDevice, type ThisDevice } from '@markco/client/mesh/browser/this-device';
import { kindOf } from '@markco/client/mesh/path';
import { CONTROL, HTTP, STREAM } from '@markco/client/mesh/protocol-names';
import { expect } from 'vitest';
import { pair, SOON, soon, test, type MeshDevice } from './mesh.fixture.ts';

const HOME = '/ip4/127.0.0.1';
const RELAY = { listen: [`${HOME}/tcp/0`, `${HOME}/tcp/0/ws`], isRelay: true };
/** More than a device may have ways to another one. */
const PAGES = 6;
const LAPTOP = { listen: [`${HOME}/tcp/0`, `${HOME}/udp/0/webrtc-direct`] };

const portOf = ({ mesh }: MeshDevice): string =>
  /\/tcp\/(\d+)\/ws/.exec(mesh.host.listening().join())?.[1] ?? expect.unreachable('no WebSocket');
const byWebRtc = ({ mesh }: MeshDevice): string =>
  mesh.host.addresses().find((address) => kindOf(address) === 'webrtc') ?? expect.unreachable('no WebRTC');

/** Where a page of the relay's would find it. */
const partsOf = (relay: MeshDevice) => ({
  ids: relay.ids,
  origin: `http://127.0.0.1:${portOf(relay)}`,
  door: () => Promise.resolve({ peerId: relay.trust.peerId, showing: relay.mesh.showing() }),
  about: { name: 'Chrome', os: 'Linux' },
});

async function addBrowser(relay: MeshDevice, laptop: MeshDevice): Promise<ThisDevice> {
  const { code } = laptop.mesh.pair.open();
  await expect.poll(() => relay.mesh.showing(), SOON).toContain(laptop.trust.peerId);
  const joined = joinDevices(partsOf(relay), code, () => undefined, soon());
  await expect.poll(() => laptop.mesh.pair.offered()?.state, SOON).toBe('asked');
  await laptop.mesh.pair.approve();
  await joined;
  return openThisDevice(partsOf(relay), (await readKeptDevice()) ?? expect.unreachable('nothing is kept'));
}

const waysTo = (browser: ThisDevice, { trust }: MeshDevice): readonly string[] =>
  browser.peers
    .list()
    .filter(({ peerId }) => peerId === trust.peerId)
    .flatMap(({ paths }) => paths.map(({ address }) => kindOf(address)));

test('a browser reaches a device through a relay, then directly, gives up the relay, comes back when it is cut off, and stays out once removed', async ({
  make,
}) => {
  const [relay, laptop] = [await make('relay', RELAY), await make('laptop', LAPTOP)];
  await pair(relay, laptop);
  const browser = await addBrowser(relay, laptop);
  try {
    const begun: string[] = [];
    browser.peers.onPeer(({ peerId }, isThere) => {
      if (isThere && peerId === laptop.trust.peerId) begun.push(waysTo(browser, laptop).join());
    });
    await expect.poll(() => waysTo(browser, laptop), SOON).toEqual(['webrtc']);
    expect(begun).toEqual(['relayed']);
    const { peerId } = browser.trust;
    const fromThere = (): readonly string[] =>
      laptop.mesh.host.paths(peerId).map(({ address, isRelayed }) => `${kindOf(address)} ${isRelayed}`);
    await expect.poll(fromThere, SOON).toEqual(['webrtc false']);
    // The device at the door is reached as before: it is the way to the others.
    expect(waysTo(browser, relay)).toEqual(['websocket']);

    await laptop.mesh.host.disconnect(peerId);
    await expect.poll(() => begun.length, SOON).toBe(2);
    await expect.poll(() => waysTo(browser, laptop), SOON).toEqual(['webrtc']);

    await laptop.trust.remove(browser.deviceId, 'lost');
    await expect.poll(() => waysTo(browser, laptop), SOON).toEqual([]);
    await expect
      .poll(() => browser.peers.list().find((peer) => peer.peerId === laptop.trust.peerId)?.isRefused, SOON)
      .toBe(true);
    expect(laptop.mesh.peers.isGreeted(peerId)).toBe(false);
  } finally {
    await browser.close();
  }
});

test('each page of a browser reaches devices by ways of its own, more of them than another device has, and ends alone', async ({
  make,
}) => {
  const [relay, laptop] = [await make('relay', RELAY), await make('laptop', LAPTOP)];
  await pair(relay, laptop);
  const pages = [await addBrowser(relay, laptop)];
  try {
    const kept = (await readKeptDevice()) ?? expect.unreachable('nothing is kept');
    // One after another: a device lets in five in a second.
    while (pages.length < PAGES) {
      const page = await openThisDevice(partsOf(relay), kept);
      pages.push(page);
      await expect.poll(() => waysTo(page, laptop), SOON).toEqual(['webrtc']);
    }
    const [first] = pages;
    const peerId = first?.trust.peerId ?? '';
    const ways = (): readonly string[] =>
      pages.flatMap((page) => [...waysTo(page, relay), ...waysTo(page, laptop)]).toSorted();
    const all = (count: number): readonly string[] => [
      ...Array.from({ length: count }, () => 'webrtc'),
      ...Array.from({ length: count }, () => 'websocket'),
    ];
    await expect.poll(ways, SOON).toEqual(all(PAGES));
    for (const { mesh } of [relay, laptop]) await expect.poll(() => mesh.host.paths(peerId).length, SOON).toBe(PAGES);
    await pages.shift()?.close();
    for (const { mesh } of [relay, laptop])
      await expect.poll(() => mesh.host.paths(peerId).length, SOON).toBe(PAGES - 1);
    expect(ways()).toEqual(all(PAGES - 1));
  } finally {
    for (const page of pages) await page.close();
  }
});

test('a stranger that comes to the port for WebRTC hears nothing', async ({ make }) => {
  const laptop = await make('laptop', LAPTOP);
  const key = await makeDeviceKey();
  const stranger = await createBrowserNetwork({ privateKey: libp2pKeyOf(key), door: '', admits: () => true });
  try {
    await stranger.connect(laptop.trust.peerId, [byWebRtc(laptop)], soon());
    expect(stranger.paths(laptop.trust.peerId).map(({ address }) => kindOf(address))).toEqual(['webrtc']);
    const heard = await Promise.all(
      [CONTROL, STREAM, HTTP].map(async (protocol) => {
        let messages = 0;
        const stream = await stranger.open(laptop.trust.peerId, protocol, soon()).catch(() => null);
        stream?.onMessage(() => void messages++);
        await new Promise<void>((resolve) => (stream === null ? resolve() : stream.onClose(() => resolve())));
        return messages;
      }),
    );
    expect(heard).toEqual([0, 0, 0]);
  } finally {
    await stranger.close();
  }
});
