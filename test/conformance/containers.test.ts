/** Cells that run in containers: what every runtime keeps to, and what a person sees of a device that has them. */
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { env, kill } from 'node:process';
import { findInside } from '@markco/node/runtimes/containers/container-processes';
import { createContainers, type ContainerSettings } from '@markco/node/runtimes/containers/containers';
import type { Firewall } from '@markco/node/runtimes/containers/egress';
import { limitsOf } from '@markco/node/runtimes/containers/plan';
import { finished, ids, testDevice } from '@markco/node/runs/runs.fixture';
import { NOTICE_MS } from '@markco/node/runtimes/idle';
import { newId, type ProjectId, type Run } from '@markco/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PYTHON_WORDS } from '@markco/node/runtimes/python/words.fixture';
import { runtimeContract } from '@markco/node/runtimes/runtime.contract';
import { eventually, newRunId, startDevice } from './device.fixture.ts';
import { GVISOR, startDocker, whyNoDocker, type TestDocker } from './docker.fixture.ts';

const TOO_LONG = 'it takes minutes to start a Docker and to fill it; MARKCO_LAB=all runs it';
const why = env['MARKCO_LAB'] === 'all' ? await whyNoDocker() : TOO_LONG;
let docker: TestDocker | undefined;
beforeAll(async () => {
  if (why === null) docker = await startDocker();
}, 180_000);
afterAll(async () => docker?.[Symbol.asyncDispose](), 60_000);

async function inContainers({ limits = limitsOf('free'), network = null }: Partial<ContainerSettings> = {}) {
  if (docker === undefined) throw new Error('Docker did not start');
  const { socket, inNetwork } = docker;
  const home = await mkdtemp('/tmp/markco-containers-');
  const firewall: Firewall = (args) => inNetwork('iptables', ['-w', ...args]);
  const parts = { home, socket, limits, kill, firewall, network, strict: false };
  return { home, containers: createContainers(parts) };
}

const isIn = async (pid: number) => ((await docker?.inside(`kill -0 ${pid}`)) === true ? { pid, startedAt: '' } : null);

runtimeContract(GVISOR === undefined ? 'Python in a container' : 'Python in a container in gVisor', {
  language: 'python',
  words: PYTHON_WORDS,
  reason: async () => why,
  device: () => inContainers(),
  // Docker's own groups have its name; the machine knows nothing of what is in gVisor.
  ...(GVISOR === undefined
    ? { findProcess: (pid) => findInside('/docker/', pid) }
    : { findProcess: isIn, killWorker: async () => void (await docker?.inside('kill -KILL -1')) }),
});

test.for([
  ['bash', 'x=41; echo $((x + 1))'],
  ['js', 'const x = 41; console.log(x + 1)'],
] as const)('%s runs in a container, is interrupted there, and goes on', async ([language, code], context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  await using device = await testDevice(await inContainers());
  const request = (text: string) => {
    const made = device.request(text);
    return { ...made, session: { ...made.session, language } };
  };
  expect((await finished(device.runs, request(code))).text).toBe('42\n');
  const endless = request(language === 'js' ? 'for (;;);' : 'while :; do :; done');
  await device.runs.submit(endless);
  await eventually(
    async () => (await device.runs.get(endless.id))?.state === 'running',
    'the endless loop to run',
    20_000,
  );
  await device.runs.cancel(endless.id, AbortSignal.timeout(20_000));
  await eventually(async () => (await device.runs.get(endless.id))?.state === 'cancelled', 'its end', 20_000);
  expect((await finished(device.runs, request(code))).run.state).toBe('completed');
});

const MB = 1024 * 1024;
const IDLE_MS = 30 * 60_000;
/** Something of another tenant that could be found. */
const NEIGHBOR = `import subprocess
open("/dev/shm/of-the-other", "w").close()
subprocess.Popen(["sleep", "98765"])`;
const FORKS = `import os, signal, time
pids = []
try:
    while len(pids) < 1000:
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        pids.append(pid)
except OSError:
    pass
for pid in pids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(len(pids))`;
const FILLS = `import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("large", "wb", buffering=0) as file:
    try:
        while True: file.write(bytes(1024 * 1024))
    except OSError as error:
        print(error.strerror, os.path.getsize("large"))`;
/** In place of what the session's worker has printed last, which the device reads when it has died. */
const plantLinks = (secret: string): string => `import glob, os
for file in glob.glob("/run/markco/*/fd*"):
    os.unlink(file)
    os.symlink(${JSON.stringify(secret)}, file)
os.kill(os.getpid(), 9)`;

/** Tries each address at once; the gateway is the address after that of the network. */
const reach = (neighbor: string): string => `import json, socket, threading
gateway = ".".join(${JSON.stringify(neighbor)}.split(".")[:3] + ["1"])
tries = {a: a for a in ["203.0.113.2", "203.0.113.1", "10.9.9.9", "169.254.169.254", "192.168.7.7"]}
tries |= {"gateway": gateway, "neighbor": ${JSON.stringify(neighbor)}}
results = {}
def attempt(name, address):
    try:
        socket.create_connection((address, 80), timeout=2).close()
        results[name] = "reached"
    except OSError:
        results[name] = "not"
threads = [threading.Thread(target=attempt, args=each) for each in tries.items()]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps(results))`;

/** The containers that run now and did not before: sessions outlive their device, and what they are in does too. */
async function begunSince({ engine }: TestDocker) {
  const all = async () =>
    (await engine.call('GET', '/containers/json', AbortSignal.timeout(10_000))) as readonly { readonly Id: string }[];
  const before = new Set((await all()).map(({ Id }) => Id));
  return async () => (await all()).filter(({ Id }) => !before.has(Id));
}

/** A service of the machine, at its loopback and at an address that others may reach. */
async function listenOnTheMachine() {
  const server = createServer((socket) => socket.end()).listen(0);
  await once(server, 'listening');
  const [address] = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
  return {
    address: address?.address ?? '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

const CODE = 'import os\nprint(os.getcwd(), os.getuid(), sorted(os.listdir()))';
const files = { 'page.md': `# Page\n\n\`\`\`python\n${CODE}\n\`\`\`\n` };

test('a cell of a document runs in a container of its project, and its output is in the file', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  await using device = await startDevice({
    files,
    env: { MARKCO_CONTAINERS: GVISOR === undefined ? 'own' : '1', MARKCO_DOCKER: docker.socket },
  });
  const { id } = await device.document('page');
  const body = { id: newRunId(), projectId: device.project.id, documentId: id, language: 'python', code: CODE };
  await device.get<Run>('/api/runs', { body });
  const output = await eventually(
    async () => /```output\n([\s\S]*?)```/.exec(await readFile(join(device.folder, 'page.md'), 'utf8'))?.[1],
    'the output to be in the file',
    30_000,
  );
  expect(output).toContain("/project 61000 ['page.md']");
});

test('a device without Docker runs nothing on the machine instead, and says why', async () => {
  const env = { MARKCO_CONTAINERS: '1', MARKCO_DOCKER: '/nowhere/docker.sock' };
  await using device = await startDevice({ files, env });
  const answer = await device.ask('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'python', code: '1' },
  });
  expect(answer.text).toContain('Docker does not answer at /nowhere/docker.sock');
});

test('T9 code in a container gets neither out of it nor at another tenant, whatever it tries', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  const { address, port, close } = await listenOnTheMachine();
  await using device = await testDevice(await inContainers());
  await writeFile(join(device.home, 'api-token'), 'secret', { mode: 0o644 });
  const other = { projectId: newId<ProjectId>(ids), language: 'python', name: 'default' } as const;
  await finished(device.runs, { ...device.request(NEIGHBOR), session: other });
  const [theirs] = device.runs.sessions.list();
  const known = {
    ...{ port, host: address, docker: docker.socket, pid: Number(theirs?.hostRuntimeId) },
    files: [join(device.home, 'containers', other.projectId), join(device.home, 'runs'), device.home],
    secrets: [join(device.home, 'api-token'), join(device.home, 'sessions'), '/etc/shadow'],
    program: join(import.meta.dirname, '../../packages/protocol/package.json'),
  };
  const escapes = await readFile(join(import.meta.dirname, 'escapes.py'), 'utf8');
  const { text } = await finished(device.runs, device.request(`KNOWN = ${JSON.stringify(known)}\n${escapes}`));
  await close();
  const results = JSON.parse(text) as Record<string, string>;
  expect(Object.entries(results).filter(([, how]) => how.startsWith('through'))).toEqual([]);
  expect(Object.keys(results).length).toBeGreaterThanOrEqual(20);
});

test('T9 what code in a container takes is bounded: processes, files, memory', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  const limits = { ...limitsOf('free'), processes: 64, fileBytes: 8 * MB, memoryBytes: 128 * MB };
  await using device = await testDevice(await inContainers({ limits }));
  const forked = await finished(device.runs, device.request(FORKS));
  expect(Number(forked.text.split('\n')[0])).toBeLessThan(64);
  const filled = await finished(device.runs, device.request(FILLS));
  expect(filled.text).toBe(`File too large ${8 * MB}\n`);
  const { run } = await finished(device.runs, device.request('print("on")\nx = bytearray(10**9)'));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'MemoryLimit' } });
  expect(run.error?.message).toContain('may use 128 MB');
  expect((await finished(device.runs, device.request('print(1)'))).text).toBe('1\n');
});

test('T9 what a project fills of the disk in all is bounded: a run that fills more is ended and told why, and one that makes room goes on', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  const limits = { ...limitsOf('free'), fileBytes: 8 * MB, diskBytes: 32 * MB };
  await using device = await testDevice(await inContainers({ limits }));
  const fills = `import itertools, time
kept = 41
for n in itertools.count():
    with open(f"part-{n}", "wb") as file: file.write(bytes(4 * 1024 * 1024))
    time.sleep(0.2)`;
  const { run } = await finished(device.runs, device.request(fills));
  expect(run).toMatchObject({ state: 'failed' });
  expect(run.error?.message).toMatch(/This project fills \d+ MB of the disk.*may fill here is 32 MB/);
  // It is still over its bound.
  const makesRoom = 'import glob, os\nfor name in glob.glob("part-*"): os.remove(name)\nprint(kept + 1)';
  expect((await finished(device.runs, device.request(makesRoom))).text).toBe('42\n');
  expect((await finished(device.runs, device.request('open("small", "w").write("x")'))).run.state).toBe('completed');
});

test('T9 a link that code in a container puts where the device reads leads the device nowhere', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  await using device = await testDevice(await inContainers());
  const secret = join(device.home, 'secret');
  await writeFile(secret, 'stolen\n');
  const planted = await finished(device.runs, device.request(plantLinks(secret)));
  expect(planted.run.state).toBe('failed');
  expect(JSON.stringify(planted.events)).not.toContain('stolen');
  // The run after it has its name taken by a link: it is refused, and the one after that is not.
  const next = device.request('print(2)');
  await finished(
    device.runs,
    device.request(`import os\nos.symlink(${JSON.stringify(secret)}, "/run/markco/${next.id}")`),
  );
  const refused = await finished(device.runs, next);
  expect([refused.run.state, JSON.stringify(refused.events).includes('stolen')]).toEqual(['failed', false]);
  expect((await finished(device.runs, device.request('print(3)'))).text).toBe('3\n');
});

test('T9 with a network, code in a container reaches the internet and nothing nearer', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  const { inNetwork } = docker;
  // A machine beyond the one that Docker is on, with an address of the internet and some that are not.
  const far = 'mkfar';
  const sh = (script: string) => inNetwork('sh', ['-ec', script]);
  await sh(`ip netns add ${far}; ip link add far0 type veth peer name near0 netns ${far}
    ip addr add 203.0.113.1/24 dev far0; ip link set far0 up; ip link set lo up
    ip -n ${far} addr add 203.0.113.2/24 dev near0; ip -n ${far} link set near0 up
    ip -n ${far} link set lo up
    for a in 10.9.9.9 169.254.169.254 192.168.7.7; do ip -n ${far} addr add $a/32 dev lo; ip route add $a/32 via 203.0.113.2; done`);
  const listening = (netns: string) =>
    sh(`${netns} python3 -c 'import socket, os
s = socket.create_server(("0.0.0.0", 80))
if os.fork() == 0:
    os.close(1); os.close(2)
    for _ in range(50): s.accept()[0].close()'`);
  await listening(`ip netns exec ${far}`);
  await listening('');
  try {
    await using device = await testDevice(await inContainers({ network: 'internet' }));
    const other = { projectId: newId<ProjectId>(ids), language: 'python', name: 'default' } as const;
    const listens = 'import socket\ns = socket.create_server(("0.0.0.0", 80))\n';
    const where = 'u = socket.socket(type=socket.SOCK_DGRAM)\nu.connect(("203.0.113.2", 9))\nprint(u.getsockname()[0])';
    const neighbor = await finished(device.runs, { ...device.request(listens + where), session: other });
    const { text } = await finished(device.runs, device.request(reach(neighbor.text.trim())));
    expect(JSON.parse(text)).toEqual({
      '203.0.113.2': 'reached',
      '203.0.113.1': 'not',
      '10.9.9.9': 'not',
      '169.254.169.254': 'not',
      '192.168.7.7': 'not',
      gateway: 'not',
      neighbor: 'not',
    });
  } finally {
    await sh(`ip netns pids ${far} | xargs -r kill; ip netns del ${far}`);
  }
});

test('a container is warm for whoever opens a project, and goes with the device when nobody ran anything', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  const running = await begunSince(docker);
  await using device = await testDevice(await inContainers());
  device.runs.sessions.warm(newId<ProjectId>(ids));
  await eventually(async () => (await running()).length === 1, 'a warm container', 20_000);
  await device.runs.close({ keepSessions: true });
  expect(await running()).toHaveLength(0);
});

test('a container that nobody uses is stopped, and its values are back with the next run', async (context) => {
  if (docker === undefined) return context.skip(why ?? 'Docker did not start');
  const running = await begunSince(docker);
  let ahead = 0;
  const clock = { ...ids, now: () => Date.now() + ahead };
  await using device = await testDevice({ ...(await inContainers()), ids: clock, idleMs: IDLE_MS });
  await finished(device.runs, device.request('x = 41\ng = (i for i in "abc")'));
  expect(await running()).toHaveLength(1);
  ahead += IDLE_MS;
  await device.runs.sessions.look();
  ahead += NOTICE_MS;
  await device.runs.sessions.look();
  expect(await running()).toHaveLength(0);
  const { text } = await finished(device.runs, device.request('print(x + 1)'));
  expect(text).toBe('This session was asleep. Its values are back (1 name). Not kept: g.\n42\n');
});
