/** For tests: `markco cloud` on a machine of the lab that everybody reaches, and a real browser on one behind a router. */
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import type { PhoneCloud, PhoneLaptop } from '../browser/phone.ts';
import { CHROMIUM_ARGS, fullChromiumPath } from '../browser/chromium.ts';
import { askThrough, bridgeTo } from './bridge.fixture.ts';
import type { LabDevice } from './device.fixture.ts';
import type { Machine } from './lab.ts';

const MAIN = join(import.meta.dirname, '../../apps/cli/src/main.ts');
const PEER_PORT = 7718;

export type LabCloud = PhoneCloud & { readonly machine: Machine; log(): string };

type Ready = { readonly port: number; readonly link: string };

export async function labCloud(machine: Machine): Promise<LabCloud & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'markco-lab-'));
  const home = join(root, 'home');
  const child = machine.spawn(process.execPath, [MAIN, 'cloud', '--json'], {
    cwd: root,
    env: {
      ...{ PATH: process.env['PATH'], HOME: root, MARKCO_HOME: home, MARKCO_PROJECTS: join(root, 'projects') },
      ...{ MARKCO_NAME: 'server', MARKCO_KEYS: 'file', NODE_COMPILE_CACHE: join(tmpdir(), 'markco-lab-cache') },
      // Where it says by which address somebody is seen.
      MARKCO_PEER_ADDRESSES: `/ip4/${machine.publicAddress}/tcp/${PEER_PORT}`,
    },
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const line = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.once('exit', () => reject(new Error(`the cloud ended before it was ready: ${log.slice(-2_000)}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.includes('\n')) resolve(out);
    });
  });
  const { port, link } = JSON.parse(line) as Ready;
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
  const beside = JSON.parse(await readFile(join(home, 'device.json'), 'utf8')) as { readonly port: number };
  const own = (await readFile(join(home, 'api-token'), 'utf8')).trim();
  const [cloudSocket, deviceSocket] = [join(root, 'cloud.sock'), join(root, 'device.sock')];
  await bridgeTo(machine, cloudSocket, port);
  await bridgeTo(machine, deviceSocket, beside.port);
  return {
    machine,
    origin: `http://${machine.publicAddress}:${port}`,
    token,
    log: () => log,
    async get<T>(path: string) {
      const { status, text } = await askThrough(cloudSocket, path, { token, port });
      return { status, json: JSON.parse(text) as T };
    },
    device: {
      async get<T>(path: string, body?: unknown) {
        return JSON.parse((await askThrough(deviceSocket, path, { token: own, port: beside.port, body })).text) as T;
      },
    },
    async [Symbol.asyncDispose]() {
      const gone = child.exitCode === null ? once(child, 'exit') : undefined;
      await machine.powerOff();
      await gone;
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** A device of the lab in the form that a phone meets it. */
export async function asLaptop(device: LabDevice): Promise<PhoneLaptop> {
  const { user } = await device.get<{ user: { id: PhoneLaptop['userId'] } }>('/api/device');
  return { userId: user.id, get: (path, { body, method } = {}) => device.get(path, body, method) };
}

/** Chromium with the network of that machine. @param origin of a page that may keep keys as if it came by https */
export async function labBrowser(machine: Machine, origin: string): Promise<Browser & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'markco-lab-'));
  const program = join(folder, 'chromium');
  await writeFile(program, `#!/bin/sh\nexec ip netns exec ${machine.namespace} ${fullChromiumPath} "$@"\n`);
  await chmod(program, 0o755);
  // It is spoken to through a pipe, which no network is needed for.
  const browser = await chromium.launch({
    executablePath: program,
    args: [...CHROMIUM_ARGS, `--unsafely-treat-insecure-origin-as-secure=${origin}`],
  });
  return Object.assign(browser, {
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  });
}
