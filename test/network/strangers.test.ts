/** What a machine of the same network that belongs to somebody else finds out, and gets. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { pair, SOON, type LabDevice } from './device.fixture.ts';
import { whyNoLab, type Machine } from './lab.ts';
import { say, test, whyNotAll } from './mesh.fixture.ts';

const why = await whyNoLab();
const STRANGER = join(import.meta.dirname, '../../packages/node/src/mesh/stranger.fixture.ts');

/** A stranger that is not done by then is held up. */
const RUN_MS = 60_000;

async function run(machine: Machine, file: string, args: readonly string[]): Promise<string> {
  const child = machine.spawn(file, args, { env: process.env });
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${out} ${err}`);
  return out;
}

/** Every TCP port of an address that takes a connection, tried from a machine. In Python, which takes half the time. */
const SCAN = `
import json, socket, sys
def takes(port):
    with socket.socket() as one:
        one.settimeout(2)
        return one.connect_ex((sys.argv[1], port)) == 0
print(json.dumps([port for port in range(1, 65536) if takes(port)]))
`;

test('T17 on the network nothing but libp2p listens; a stranger may ping, is told no address, and gets no byte', async ({
  device,
  lab,
  skip,
}) => {
  if (why !== null) return skip(why);
  const relay = await device('relay', 'public');
  const laptop = await device('laptop', 'public');
  const stranger = await lab('public');
  await laptop.up();
  const scan = async (machine: Machine): Promise<number[]> =>
    JSON.parse(await run(stranger, 'python3', ['-c', SCAN, machine.publicAddress])) as number[];
  expect(await scan(laptop.machine)).toEqual([]);
  await relay.up('--relay');
  await pair(relay, laptop);
  await expect.poll(() => laptop.wayTo('relay'), SOON).toBe('direct');
  expect([await scan(laptop.machine), await scan(relay.machine)]).toEqual([[7718], [7718, 7719]]);
  // UDP cannot be scanned for silence: what is bound says the system. mDNS (5353) is for neighbors, the relay has STUN
  // (7718) and WebRTC (7719).
  const udp = async (machine: Machine): Promise<readonly string[]> => {
    const rows = (await run(machine, 'cat', ['/proc/net/udp'])).trim().split('\n').slice(1);
    return [
      ...new Set(rows.map((row) => String(Number.parseInt(row.trim().split(/\s+/)[1]?.split(':')[1] ?? '', 16)))),
    ];
  };
  expect((await udp(laptop.machine)).toSorted()).toEqual(['5353']);
  expect((await udp(relay.machine)).toSorted()).toEqual(['5353', '7718', '7719']);

  const { addresses: ofRelay } = await relay.get<{ addresses: string[] }>('/api/netcheck');
  const byUdp = ofRelay.filter((address) => address.includes('/udp/7719/webrtc-direct/'));
  expect(byUdp).toHaveLength(1);
  const byTcp = [relay, laptop].map(({ machine }) => `/ip4/${machine.publicAddress}/tcp/7718`);
  for (const at of [...byTcp, ...byUdp]) {
    const answer = await run(stranger, process.execPath, [STRANGER, at]);
    const { addresses, record, pingMs, got } = JSON.parse(answer) as {
      addresses: string[];
      record: string[];
      pingMs: number;
      got: Record<string, number | string>;
    };
    expect([addresses, record]).toEqual([[], []]);
    expect(pingMs).toBeGreaterThanOrEqual(0);
    expect(Object.keys(got)).toEqual(expect.arrayContaining(['/markco/control/1.0.0', '/markco/http/1.0.0']));
    // A hello is taken from anybody, and answered with "refused" and nothing else.
    for (const [protocol, bytes] of Object.entries(got))
      if (!protocol.startsWith('/markco/hello/'))
        expect([protocol, bytes]).toEqual([protocol, expect.toBeOneOf([0, 'refused'])]);
    say(`a stranger at ${at}: ping ${pingMs} ms; ${JSON.stringify(got)}`);
  }
});

/** What go-libp2p needs of the compiler, by its go.mod. */
const GO_MIN = [1, 26] as const;
const BUILD_MS = 240_000;
const PROTOCOLS = ['control', 'documents', 'http', 'stream', 'pair'].map((name) => `/markco/${name}/1.0.0`);
const OF_LIBP2P = ['/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop', '/webrtc-signaling/0.0.1'];

/** A go-libp2p stranger, as a program; or why there is none. */
async function goStranger(into: string): Promise<{ readonly file: string } | string> {
  const exec = promisify(execFile);
  const version = await exec('go', ['version']).catch(() => null);
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(version?.stdout ?? '') ?? []).map(Number);
  if (major < GO_MIN[0] || (major === GO_MIN[0] && minor < GO_MIN[1]))
    return `go-libp2p needs Go ${GO_MIN.join('.')} or later; here is ${version === null ? 'none' : `${major}.${minor}`}`;
  const file = join(into, 'stranger');
  const options = { cwd: join(import.meta.dirname, 'stranger-go'), timeout: BUILD_MS };
  const why = await exec('go', ['build', '-mod=readonly', '-o', file, '.'], {
    ...options,
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  }).then(
    () => null,
    (error: unknown) => `go-libp2p cannot be built here: ${String(error).slice(0, 300)}`,
  );
  return why ?? { file };
}

test('T17 a stranger of another make, go-libp2p, gets as little', async ({ device, lab, skip }) => {
  const whyNot = why ?? whyNotAll();
  if (whyNot !== null) return skip(whyNot);
  const folder = await mkdtemp(join(tmpdir(), 'markco-stranger-'));
  try {
    const built = await goStranger(folder);
    if (typeof built === 'string') return skip(built);
    const [relay, laptop] = [await device('relay', 'public'), await device('laptop', 'public')];
    const stranger = await lab('public');
    await relay.up('--relay');
    await laptop.up();
    await pair(relay, laptop);
    const { peerId } = await peerOf(laptop, 'relay');
    const at = `/ip4/${relay.machine.publicAddress}/tcp/7718/p2p/${peerId}`;
    const { addresses, pingMs, got } = JSON.parse(
      await run(stranger, built.file, [at, ...PROTOCOLS, ...OF_LIBP2P]),
    ) as {
      addresses: string[];
      pingMs: number;
      got: Record<string, string>;
    };
    say(`go-libp2p: ping ${pingMs} ms; ${JSON.stringify(got)}`);
    // Being told none, it has forgotten even the one that it came by.
    expect(addresses).toEqual([]);
    expect(Object.keys(got)).toHaveLength(PROTOCOLS.length + OF_LIBP2P.length);
    for (const [protocol, bytes] of Object.entries(got))
      expect([protocol, bytes]).toEqual([protocol, expect.toBeOneOf(['0', 'refused'])]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function peerOf(from: LabDevice, name: string): Promise<{ readonly peerId: string }> {
  const address = async () =>
    (await from.devices()).find((each) => each.name === name)?.connection?.paths[0]?.address ?? '';
  await expect.poll(address, SOON).toMatch(/\/p2p\//);
  return { peerId: /\/p2p\/([^/]+)$/.exec(await address())?.[1] ?? '' };
}
