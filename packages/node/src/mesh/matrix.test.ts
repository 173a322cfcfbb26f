/** T15: every protocol that this device speaks, with everybody there may be; a protocol that is listed nowhere fails. */
import { newId, type ProjectId } from '@markco/protocol';
import type { DeviceCap } from '@markco/protocol/identity';
import { DEVICE_CAPS } from '@markco/protocol/identity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../../../../setup/trials.ts';
import { ASSET_LISTS } from './assets/exchange.ts';
import { ASSETS } from './assets/transfer.ts';
import { meshDevice, pairDevices, type MeshDevice } from './mesh.fixture.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { HTTP, STREAM } from '@markco/client/mesh/protocol-names';
import { DIAL_BACK } from './dial-back.ts';
import { DOCUMENTS, NEEDS } from './protocols.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

const SUBJECTS: Readonly<Record<string, readonly DeviceCap[] | null>> = {
  'a member that may all': DEVICE_CAPS,
  'a member that may only have documents': ['sync'],
  'a member that may only ask for runs': ['submit'],
  'a member that may nothing': [],
  'a member that was removed': null,
  'a stranger': null,
};

const all: MeshDevice[] = [];
const subjects = new Map<string, MeshDevice>();
let host: MeshDevice;

beforeAll(async () => {
  host = await meshDevice('host');
  all.push(host);
  await host.open({ 'one.md': '# One\n' });
  for (const [name, caps] of Object.entries(SUBJECTS)) {
    const device = await meshDevice(name);
    all.push(device);
    subjects.set(name, device);
    if (name === 'a stranger') continue;
    await pairDevices(host, device, caps ?? DEVICE_CAPS);
    if (caps === null) await host.trust.remove(device.trust.deviceId, 'lost');
    const isConnected = (): boolean => host.mesh.peers.isGreeted(device.mesh.host.peerId);
    await eventually(`${name} to be ${caps === null ? 'gone' : 'connected'}`, () => isConnected() === (caps !== null));
  }
}, 60_000);

afterAll(async () => {
  for (const device of all) await device[Symbol.asyncDispose]();
});

/** What is said to hear anything at all. */
function prompt(protocol: string, stream: MessageStream): void {
  if (protocol === STREAM) stream.sendText('"hello"');
  else if (protocol === HTTP) {
    stream.sendText(JSON.stringify({ method: 'GET', path: '/api/runs', headers: {} }));
    stream.sendText(JSON.stringify({ end: true }));
  } else if (protocol === ASSETS) {
    const projectId = newId<ProjectId>(host.ids);
    stream.sendText(JSON.stringify({ op: 'get', projectId, hash: '0'.repeat(64), from: 0 }));
  } else if (protocol === DIAL_BACK) stream.sendText(JSON.stringify({ port: 7718 }));
  else stream.sendBytes(new Uint8Array(10));
}

/** A device takes few connections a second from one address, and here all devices have the same. */
async function connect({ mesh }: MeshDevice): Promise<void> {
  const signal = soon();
  const { peerId } = host.mesh.host;
  const once = (): Promise<boolean> =>
    mesh.host.connect(peerId, host.mesh.host.addresses(), signal).then(
      () => true,
      () => false,
    );
  while (!(await once())) {
    signal.throwIfAborted();
    await new Promise((again) => setTimeout(again, 100));
  }
}

/** `answered`: a handler of it spoke. `refused`: the stream was ended without a word. */
async function outcome(device: MeshDevice, protocol: string): Promise<'answered' | 'refused'> {
  const { host: other } = device.mesh;
  try {
    await connect(device);
    const stream = await other.open(host.mesh.host.peerId, protocol, soon());
    return await new Promise((resolve) => {
      stream.onMessage(() => resolve('answered'));
      stream.onClose(() => resolve('refused'));
      if (protocol !== DOCUMENTS && protocol !== ASSET_LISTS) prompt(protocol, stream);
    });
  } catch {
    return 'refused';
  }
}

function expected(protocol: string, caps: readonly DeviceCap[] | null): 'answered' | 'refused' {
  const need = NEEDS.get(protocol);
  // Everybody is told "refused", or more.
  if (need === 'anybody') return 'answered';
  if (caps === null || need === undefined || need === 'pairing') return 'refused';
  return need === 'member' || caps.includes(need) ? 'answered' : 'refused';
}

test('T15 every protocol of this device is answered to whom it is for, and to nobody else', async () => {
  const protocols = host.mesh.host.protocols();
  expect(protocols.toSorted()).toEqual([...NEEDS.keys()].toSorted());
  const found: string[] = [];
  const wanted: string[] = [];
  for (const protocol of protocols) {
    // What a member says out of turn on this one ends its connection, so it comes last for each.
    for (const [name, device] of subjects) {
      const caps = SUBJECTS[name] ?? null;
      wanted.push(`${protocol} ${name}: ${expected(protocol, caps)}`);
      found.push(`${protocol} ${name}: ${await outcome(device, protocol)}`);
    }
  }
  expect(found).toEqual(wanted);
  console.log(
    `  ${found.length} of ${found.length} as they should be: ${found.filter((each) => each.endsWith('refused')).length} refused`,
  );
});

test('T15 a protocol that is not listed is spoken with nobody, and seen by this test', async () => {
  const UNLISTED = '/markco/unlisted/1.0.0';
  let handled = 0;
  await host.mesh.host.handle(UNLISTED, () => void handled++);
  expect(host.mesh.host.protocols().filter((protocol) => !NEEDS.has(protocol))).toEqual([UNLISTED]);
  for (const device of subjects.values()) expect(await outcome(device, UNLISTED)).toBe('refused');
  expect(handled).toBe(0);
});
