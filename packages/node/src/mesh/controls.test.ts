/** What one device says is passed on to the others, whenever it was said. */
import { newId, type DeviceId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pipe } from './assets/download.fixture.ts';
import { createControls } from './controls.ts';
import type { Trust } from './trust.ts';

const ids = { now: () => Date.now(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const [self, speaker, listener] = [newId<DeviceId>(ids), newId<DeviceId>(ids), newId<DeviceId>(ids)];
const ADDRESS = '/ip4/192.0.2.7/tcp/4001';

test('a device that spoke before anybody listened stays connected, and where it is is told to the others, not back to it', async () => {
  const known = new Map<DeviceId, readonly string[]>();
  const trust = { deviceId: self, log: { entries: new Map() }, onChange: () => () => undefined } as unknown as Trust;
  const controls = createControls();
  const connect = (peer: DeviceId, stream: ReturnType<typeof pipe>[number]): void =>
    controls.open(stream, {
      ...{ trust, peer, guestsMs: () => 0, onGuests: () => undefined, wasted: () => undefined },
      ...{ heartbeat: () => Promise.reject(new Error('not in this test')), onHeartbeat: () => undefined },
      addresses: () => [...known].map(([deviceId, addresses]) => ({ deviceId, addresses })),
      onAddresses: (device, addresses) => known.set(device, addresses).has(device),
    });
  const said = (stream: ReturnType<typeof pipe>[number]): string[] => {
    const all: string[] = [];
    stream.onMessage((message) => all.push(String(message)));
    return all;
  };

  const [toListener, ofListener] = pipe();
  const heard = said(ofListener);
  connect(listener, toListener);
  const [toSpeaker, ofSpeaker] = pipe();
  let isClosed = false;
  ofSpeaker.onClose(() => (isClosed = true));
  ofSpeaker.sendText(JSON.stringify({ op: 'devices', devices: [{ deviceId: speaker, addresses: [ADDRESS] }] }));
  // It is there now, and nobody has looked at it.
  await setImmediate();
  const back = said(ofSpeaker);
  connect(speaker, toSpeaker);

  await expect.poll(() => heard.join('\n')).toContain(ADDRESS);
  expect(back.length).toBeGreaterThan(0);
  expect(back.join('\n')).not.toContain(ADDRESS);
  expect(isClosed).toBe(false);
});
