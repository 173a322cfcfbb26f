/** Two Syncthings with one folder, tuned for speed: they watch, wait the shortest time they can, and meet on loopback. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@markco/replica/free-port.fixture';
import { delay, eventually } from '../wait.ts';
import { endProcess, startProcess } from './server.ts';

const START_MS = 60_000;
const FOLDER = 'bench';

/** Why it is not here, or undefined. */
export function whyNoSyncthing(): string | undefined {
  try {
    execFileSync('syncthing', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return '`syncthing` is not installed (apt-get install syncthing)';
  }
}

type Side = {
  readonly home: string;
  readonly folder: string;
  readonly id: string;
  readonly key: string;
  readonly gui: number;
  readonly port: number;
};

async function generate(root: string, name: string): Promise<Side> {
  const [home, folder] = [join(root, name), join(root, `${name}-files`)];
  await mkdir(folder, { recursive: true });
  execFileSync('syncthing', ['generate', '--home', home, '--no-default-folder', '--skip-port-probing'], {
    stdio: 'ignore',
  });
  const id = execFileSync('syncthing', ['--home', home, '--device-id'], { encoding: 'utf8' }).trim();
  const config = await readFile(join(home, 'config.xml'), 'utf8');
  const key = /<apikey>(.*?)<\/apikey>/.exec(config)?.[1] ?? '';
  return { home, folder, id, key, gui: await freePort(), port: await freePort() };
}

const configOf = (me: Side, other: Side): string => `<configuration version="35">
  <folder id="${FOLDER}" path="${me.folder}" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="true" fsWatcherDelayS="1">
    <device id="${me.id}"/><device id="${other.id}"/>
    <minDiskFree unit="%">0</minDiskFree>
  </folder>
  <device id="${me.id}" name="me"><address>dynamic</address></device>
  <device id="${other.id}" name="other"><address>tcp://127.0.0.1:${other.port}</address></device>
  <gui enabled="true"><address>127.0.0.1:${me.gui}</address><apikey>${me.key}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:${me.port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><startBrowser>false</startBrowser>
    <reconnectionIntervalS>1</reconnectionIntervalS><urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH><crashReportingEnabled>false</crashReportingEnabled>
    <stunKeepaliveStartS>0</stunKeepaliveStartS><setLowPriority>false</setLowPriority>
  </options>
</configuration>
`;

/** Gives `work` the folder on either side, once the two are connected. */
export async function withSyncthing<T>(root: string, work: (one: string, two: string) => Promise<T>): Promise<T> {
  const [one, two] = [await generate(root, 'syncthing-one'), await generate(root, 'syncthing-two')];
  await writeFile(join(one.home, 'config.xml'), configOf(one, two));
  await writeFile(join(two.home, 'config.xml'), configOf(two, one));
  const running = [one, two].map(({ home }) =>
    startProcess('syncthing', ['serve', '--home', home, '--no-browser', '--no-restart', '--no-upgrade'], root),
  );
  try {
    await eventually('the two Syncthings being connected', START_MS, async () => {
      await delay(200);
      const answer = await fetch(`http://127.0.0.1:${one.gui}/rest/system/connections`, {
        headers: { 'X-API-Key': one.key },
      }).catch(() => undefined);
      if (answer?.ok !== true) return undefined;
      const { connections } = (await answer.json()) as { connections: Record<string, { connected: boolean }> };
      return connections[two.id]?.connected === true ? true : undefined;
    });
    return await work(one.folder, two.folder);
  } finally {
    await Promise.all(running.map((child) => endProcess(child, 'SIGTERM')));
  }
}
