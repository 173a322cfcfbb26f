/**
 * What `deploy/` has, in a real Docker: the image is built as its Dockerfile says, a cloud in it keeps what a device
 * writes, also when its container is killed; then all of compose.yaml.
 *
 *   MARKCO_LAB=all MARKCO_ROOT_TESTS=1 npm test -- --project network deploy
 */
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { deployOn, hasCompose, IMAGES, whyNoDeploy, type Deployed } from './deploy.fixture.ts';
import { labDevice, type LabDevice } from './device.fixture.ts';
import type { Machine } from './lab.ts';
import { say, test } from './mesh.fixture.ts';

const why = await whyNoDeploy();
const DEPLOY = join(import.meta.dirname, '../../deploy');
/** Of a container: everything is started anew. */
const STARTED = { timeout: 120_000, interval: 250 };

/** What a cloud in a container shows of the one document that it has: to be asked in there, by its own name. */
const READS = `
const get = async (path) => (await fetch('http://localhost:3000/api/projects' + path, {
  headers: { authorization: 'Bearer ' + process.env.TOKEN },
})).json();
const { projects } = await get('');
for (const { id } of projects)
  for (const { id: document } of (await get('/' + id + '/documents')).documents) {
    const history = '/' + id + '/documents/' + document + '/history';
    console.log((await get(history + '/' + (await get(history)).seq)).text);
  }
`;
type Docker = Deployed['docker'];

async function shows(docker: Docker, container: string, token: string, text: string): Promise<void> {
  const read = (): Promise<string> =>
    docker('exec', '--env', `TOKEN=${token}`, container, 'node', '--input-type=module', '--eval', READS).catch(String);
  await expect.poll(read, STARTED).toContain(text);
}

async function tokenIn(print: () => Promise<string>): Promise<string> {
  let token = '';
  await expect.poll(async () => (token = /#token=([\w-]+)/.exec(await print())?.[1] ?? ''), STARTED).not.toBe('');
  return token;
}

const write = (device: LabDevice, text: string): Promise<void> => appendFile(join(device.folder, 'page.md'), text);

test('a cloud in a container of the image that deploy/Dockerfile makes keeps what a device wrote when it is killed', async ({
  lab,
  device,
  skip,
}) => {
  if (why !== null) return skip(why);
  await using stack = new AsyncDisposableStack();
  const began = performance.now();
  const lap = (what: string): void => say(`${Math.round((performance.now() - began) / 1_000)} s: ${what}`);
  const server = await lab('public');
  const deployed = stack.use(await deployOn(server));
  lap('the images are built');
  await oneCloud(server, deployed, await device('laptop', 'cone'));
  lap('a cloud was killed and lost nothing');
  if (!(await hasCompose()))
    return say('compose.yaml was not tried: docker-compose is not installed (Debian: docker-compose)');
  await allOfCompose(server, deployed, stack, await lab('cone'));
  lap('compose.yaml is up, one of its clouds was killed, all of it was stopped and started, and nothing was lost');
}, 900_000);

async function oneCloud(server: Machine, { docker }: Deployed, laptop: LabDevice): Promise<void> {
  const command = ['cloud', '--name', `${server.publicAddress}:3000`];
  const state = ['--volume', 'state:/state', '--env', 'MARKCO_HOME=/state', '--init'];
  await docker('run', '--detach', '--name', 'cloud', '--publish', '3000:3000', ...state, IMAGES.markco, ...command);
  const token = await tokenIn(() => docker('logs', 'cloud'));
  const invited = await docker('exec', 'cloud', 'npm', 'run', '--silent', 'markco', '--', 'cloud', 'invite');
  expect(invited).toMatch(/https?:\/\/\S+/);
  const what = await docker('exec', 'cloud', 'sh', '-c', 'ls -a /opt/markco /opt/markco/deploy');
  expect(what).not.toMatch(/^\.(git|env)$/m);
  await writeFile(join(laptop.folder, 'page.md'), '# Page\n');
  await laptop.up(laptop.folder);
  await laptop.get('/api/cloud', { url: `http://${server.publicAddress}:3000`, token });
  await write(laptop, 'before it was killed\n');
  await shows(docker, 'cloud', token, 'before it was killed');
  await laptop.stop();
  await docker('kill', 'cloud');
  await docker('start', 'cloud');
  await shows(docker, 'cloud', token, 'before it was killed');
  // Stopped as an operator does it, it ends by itself.
  const stopping = performance.now();
  await docker('stop', '--time', '30', 'cloud');
  expect(performance.now() - stopping).toBeLessThan(30_000);
  expect(await docker('inspect', '--format', '{{.State.ExitCode}}', 'cloud')).toBe('0\n');
  await docker('rm', 'cloud');
}

/** The names that Caddy makes a certificate for by itself, and that the laptop finds in a file of its own. */
const NAME = 'cloud.localhost';

async function allOfCompose(
  server: Machine,
  { docker, compose }: Deployed,
  stack: AsyncDisposableStack,
  home: Machine,
): Promise<void> {
  const folder = join(DEPLOY, `.try-${process.pid}`);
  await mkdir(folder);
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const named = (image: string) => ({ image });
  const override = {
    version: '3.9',
    services: {
      ...{ markco: named(IMAGES.markco), 'markco-2': named(IMAGES.markco), postgres: named(IMAGES.postgres) },
      ...{ nats: named(IMAGES.nats), caddy: named(IMAGES.caddy) },
    },
  };
  await writeFile(join(folder, 'override.json'), JSON.stringify(override));
  await writeFile(join(folder, '.env'), `MARKCO_DOMAIN=${NAME}\nPOSTGRES_PASSWORD=one-two\nNATS_PASSWORD=three-four\n`);
  const files = ['--file', join(DEPLOY, 'compose.yaml'), '--file', join(folder, 'override.json')];
  const its = ['--project-name', 'markco', '--project-directory', DEPLOY, '--env-file', join(folder, '.env'), ...files];
  await compose(...its, 'up', '--detach', '--no-build');
  const token = await tokenIn(() => compose(...its, 'logs', 'markco'));

  const authority = join(folder, 'root.crt');
  const at = '/data/caddy/pki/authorities/local/root.crt';
  const caddy = (await compose(...its, 'ps', '--quiet', 'caddy')).trim();
  await expect
    .poll(
      () =>
        docker('cp', `${caddy}:${at}`, authority).then(
          () => true,
          () => false,
        ),
      STARTED,
    )
    .toBe(true);
  // What a machine of this name sees as its /etc/hosts.
  const hosts = join('/etc/netns', home.namespace);
  await mkdir(hosts, { recursive: true });
  stack.defer(() => rm(hosts, { recursive: true, force: true }));
  await writeFile(join(hosts, 'hosts'), `127.0.0.1 localhost\n${server.publicAddress} ${NAME}\n`);
  const laptop = stack.use(await labDevice(home, 'desk', { NODE_EXTRA_CA_CERTS: authority }));
  await writeFile(join(laptop.folder, 'page.md'), '# Page\n');
  await laptop.up(laptop.folder);
  const login = () =>
    laptop.get<{ state: string }>('/api/cloud', { url: `https://${NAME}`, token }).catch(() => ({ state: 'none' }));
  await expect.poll(login, STARTED).toMatchObject({ state: 'connected' });
  const idOf = async (service: string): Promise<string> => (await compose(...its, 'ps', '--quiet', service)).trim();
  await write(laptop, 'to both clouds\n');
  for (const service of ['markco', 'markco-2']) await shows(docker, await idOf(service), token, 'to both clouds');

  // Any of the two may be killed; all may be stopped and started.
  await docker('kill', await idOf('markco'));
  await write(laptop, 'to the one that is left\n');
  await shows(docker, await idOf('markco-2'), token, 'to the one that is left');
  await laptop.stop();
  await compose(...its, 'down');
  await compose(...its, 'up', '--detach', '--no-build');
  await shows(docker, await idOf('markco-2'), token, 'to the one that is left');
  const [postgres, rows] = [await idOf('postgres'), 'SELECT content_text FROM documents'];
  await expect
    .poll(() => docker('exec', postgres, 'psql', '-U', 'markco', '-c', rows), STARTED)
    .toMatch(/to both clouds[^]*to the one that is left/);
  await compose(...its, 'down', '--volumes');
}
