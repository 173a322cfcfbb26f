/** What `deploy/` offers to whoever runs a cloud: it is what its programs read, and says what ours read.
 * The Caddyfile is in `behind-caddy.test.ts`. */
import { readConfig } from '@markco/node/config';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventually } from './device.fixture.ts';

const FOLDER = join(import.meta.dirname, '../../deploy');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

type Service = {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>> | readonly string[];
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

const compose = parse(read('compose.yaml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
/** As Compose fills them in. */
const filled = (text: string): string => text.replaceAll(/\$\{(\w+):\?\}/g, 'secret');

test('compose.yaml has two clouds that share one database and one token, and only Caddy is reached from outside', () => {
  const clouds = services.filter(([, { build }]) => build !== undefined);
  expect(clouds.map(([name]) => name)).toEqual(['markco', 'markco-2']);
  for (const [, { environment = {}, volumes = [] }] of clouds) {
    const config = readConfig(
      Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, filled(text)])),
    );
    expect(config.databaseUrl).toBe('postgres://markco:secret@postgres:5432/markco');
    expect(config.natsUrl).toBe('nats://markco:secret@nats:4222');
    expect(volumes).toContain(`token:${config.home}/rendezvous`);
  }
  expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['caddy']);
  const names = new Set(services.map(([name]) => name));
  for (const [, { depends_on: needed = [], volumes = [] }] of services) {
    for (const name of Array.isArray(needed) ? needed : Object.keys(needed)) expect(names).toContain(name);
    for (const volume of volumes.map((each) => each.split(':')[0] ?? ''))
      if (!volume.startsWith('.')) expect(Object.keys(compose.volumes)).toContain(volume);
  }
  const wanted = new Set([...read('compose.yaml').matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name ?? ''));
  const given = new Set(read('.env.example').match(/^\w+(?==)/gm));
  // What Compose itself reads: the volumes are below this name.
  expect(given).toEqual(wanted.add('COMPOSE_PROJECT_NAME'));
});

const ROOT = join(import.meta.dirname, '../..');
const listIn = (text: string, word: string): readonly string[] =>
  JSON.parse(new RegExp(`^${word} (.*)$`, 'm').exec(text)?.[1] ?? '[]') as string[];

test.for([
  ['systemd', /^ExecStart=(.*)$/m.exec(read('markco-cloud.service'))?.[1]?.split(' ') ?? []],
  ['Docker', [...listIn(read('Dockerfile'), 'ENTRYPOINT'), ...listIn(read('Dockerfile'), 'CMD')]],
] as const)('what %s starts hears that it is to stop, and ends by itself', async ([, words]) => {
  const home = await mkdtemp(join(tmpdir(), 'markco-deploy-'));
  const [program = '', ...args] = words.map((word) => word.replace('/opt/markco', ROOT));
  const child = spawn(program, args, {
    cwd: ROOT,
    env: {
      ...{ ...process.env, MARKCO_HOME: home, MARKCO_HOST: '127.0.0.1', MARKCO_PORT: '0' },
      ...{ MARKCO_PEER_PORT: '0', MARKCO_PEER_WEB_PORT: '0', MARKCO_MDNS: '0' },
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  try {
    await eventually(() => said.includes('Ctrl-C'), 'the cloud to be up', 30_000);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
  }
});

test('systemd takes the unit', ({ skip }) => {
  const found = spawnSync('systemd-analyze', ['--version']).status === 0;
  skip(!found, 'systemd-analyze is not installed (Debian: systemd)');
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(FOLDER, 'markco-cloud.service')], {
    encoding: 'utf8',
  });
  expect(stderr).not.toContain('markco-cloud.service');
  expect(status).toBe(0);
});
