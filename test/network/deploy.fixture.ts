/**
 * For tests: what `deploy/` has, in a real Docker on a machine of the lab. There is no registry here: what the images
 * begin with is made from packages of Debian, and the Node of this repository.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Engine } from '@markco/node/runtimes/containers/engine';
import { giveImage, LEAST, unpackPackages } from '../../setup/container-image.ts';
import { startEngine, whyNoDocker } from '../conformance/docker.fixture.ts';
import { whyNoLab, type Machine } from './lab.ts';
import { whyNotAll } from './mesh.fixture.ts';

const HERE = join(import.meta.dirname, '../..');
const MAKE_MS = 300_000;
const run = promisify(execFile);

/** Why there is none here; null where there is. */
export async function whyNoDeploy(): Promise<string | null> {
  const has = (program: string, ...args: string[]): Promise<boolean> =>
    run(program, args).then(
      () => true,
      () => false,
    );
  const why = whyNotAll() ?? (await whyNoLab()) ?? (await whyNoDocker());
  if (why !== null) return why;
  return (await has('docker', '--version'))
    ? null
    : 'the program docker is not installed (Debian: docker-cli, docker.io)';
}

export const hasCompose = (): Promise<boolean> =>
  run('docker-compose', ['version']).then(
    () => true,
    () => false,
  );

export const IMAGES = {
  markco: 'markco-cloud:test',
  base: 'markco-base:test',
  postgres: 'markco-postgres:test',
  nats: 'markco-nats:test',
  caddy: 'markco-caddy:test',
} as const;

/** As the official image of Postgres begins: a database of this name, for a user of this name, who shows a password. */
const POSTGRES = `#!/bin/sh
set -e
as() { chroot --userspec=postgres / "$@"; }
data=/var/lib/postgresql/data
mkdir -p "$data" /run/postgresql
chown postgres "$data" /run/postgresql
chmod 700 "$data"
if [ ! -s "$data/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  chmod 644 /tmp/password
  as initdb --pgdata "$data" --username "$POSTGRES_USER" --pwfile /tmp/password --auth-local trust --auth-host scram-sha-256 --locale C --encoding UTF8
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  as pg_ctl --pgdata "$data" --wait --options "-c listen_addresses=" start
  as createdb --username "$POSTGRES_USER" --maintenance-db postgres "$POSTGRES_DB"
  as pg_ctl --pgdata "$data" --wait stop
fi
exec chroot --userspec=postgres / postgres -D "$data" -c listen_addresses='*'
`;

async function makeBases(engine: Engine, signal: AbortSignal): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'markco-bases-'));
  const make = async (
    name: string,
    packages: readonly string[],
    changes: readonly string[],
    add: (root: string) => Promise<unknown>,
  ): Promise<void> => {
    const folder = join(work, name.split(':')[0] ?? '');
    await mkdir(folder);
    const root = await unpackPackages(folder, packages);
    await chmod(join(root, 'tmp'), 0o1777);
    await add(root);
    await giveImage(engine, root, name, changes, signal);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await make(IMAGES.base, [...LEAST, 'ca-certificates', 'procps'], await npmSettings(), async (root) => {
      await cp(join(HERE, 'node_modules/node/bin/node'), join(root, 'usr/bin/node'));
      const npm = dirname(dirname(await realpath((await run('which', ['npm'])).stdout.trim())));
      await mkdir(join(root, 'usr/lib/node_modules'));
      await cp(npm, join(root, 'usr/lib/node_modules/npm'), { recursive: true });
      await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/bin/npm'));
      // The certificates of this machine: those of Debian come by a script of the package.
      await cp('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt'));
    });
    await make(
      IMAGES.postgres,
      ['dash', 'coreutils', 'postgresql-15', 'postgresql-client-15'],
      ['ENV PATH=/usr/lib/postgresql/15/bin:/usr/bin:/usr/sbin', 'ENTRYPOINT ["/start"]'],
      async (root) => {
        await writeFile(join(root, 'start'), POSTGRES, { mode: 0o755 });
        await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\npostgres:x:100:100:postgres:/:/bin/sh\n');
        await writeFile(join(root, 'etc/group'), 'root:x:0:\npostgres:x:100:\n');
        await symlink('../run', join(root, 'var/run')).catch(() => undefined);
      },
    );
    await make(
      IMAGES.nats,
      ['coreutils', 'nats-server'],
      ['ENTRYPOINT ["/usr/sbin/nats-server"]'],
      async () => undefined,
    );
    const serve = ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'];
    await make(
      IMAGES.caddy,
      ['coreutils', 'caddy', 'ca-certificates'],
      ['ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config', `CMD ${JSON.stringify(serve)}`],
      async () => undefined,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where packages come from here: in the image of a test only. */
async function npmSettings(): Promise<readonly string[]> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: tmpdir() });
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  return [
    `ENV npm_config_registry=${stdout.trim()} NODE_EXTRA_CA_CERTS=${certificates} PATH=/usr/bin:/usr/sbin HOME=/tmp`,
  ];
}

export type Deployed = AsyncDisposable & {
  docker(...words: string[]): Promise<string>;
  compose(...words: string[]): Promise<string>;
};

/** Builds the image as the Dockerfile says, then starts Docker anew on that machine. */
export async function deployOn(machine: Machine): Promise<Deployed> {
  // Not in TMPDIR: its name may be long, and there are sockets in it.
  const folder = await mkdtemp('/tmp/mkd-');
  async function remove(): Promise<void> {
    // Docker leaves the network of its machine mounted there.
    await run('umount', ['--lazy', join(folder, 'exec/netns/default')]).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
  const dockerAt = async (socket: string, words: readonly string[]): Promise<string> => {
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: '0' };
    const { stdout, stderr } = await run('docker', [...words], { env, cwd: HERE, maxBuffer: 64 * 1024 * 1024 });
    return stdout + stderr;
  };
  try {
    const signal = AbortSignal.timeout(MAKE_MS);
    // In the network of this machine, which packages come by, and whose rules it leaves as they are.
    const plain = ['--bridge', 'none', '--iptables=false', '--ip-masq=false', '--ip-forward=false'];
    const builder = await startEngine(folder, { within: ['env'], args: plain });
    try {
      await makeBases(builder.engine, signal);
      const from = ['--build-arg', `BASE=${IMAGES.base}`, '--network', 'host'];
      await dockerAt(builder.socket, ['build', ...from, '-f', 'deploy/Dockerfile', '-t', IMAGES.markco, '.']);
    } finally {
      await builder.stop();
    }
    const within = ['nsenter', `--net=/run/netns/${machine.namespace}`] as const;
    const { socket, stop } = await startEngine(folder, { within, args: [] });
    return {
      docker: (...words) => dockerAt(socket, words),
      async compose(...words) {
        const env = { ...process.env, DOCKER_HOST: `unix://${socket}` };
        const { stdout, stderr } = await run('docker-compose', words, { env, maxBuffer: 64 * 1024 * 1024 });
        return stdout + stderr;
      },
      async [Symbol.asyncDispose]() {
        const left = (await dockerAt(socket, ['ps', '--all', '--quiet'])).split('\n').filter((id) => id !== '');
        if (left.length > 0) await dockerAt(socket, ['rm', '--force', '--volumes', ...left]);
        await stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
