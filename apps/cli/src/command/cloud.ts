/** `markco cloud`: the rendezvous, with a device beside it, until somebody stops it. `markco cloud invite` and `owner`: for whoever runs it. */
import { Failure, USUAL_SYNC_MODE, type SyncMode } from '@markco/protocol';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import type { Cli } from '../cli.ts';
import { CLOUD_FOLDER, noteListening } from '../cloud-here.ts';
import { configOf, makeHome } from '../home.ts';
import { portHolder } from '../port.ts';
import { jsonLine } from '../render.ts';
import { cloudModeWords } from '../sync-mode-words.ts';
import { startDevice } from '../start-device.ts';
import { untilStopped } from '../until-stopped.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';
import { addInvite } from './cloud-invite.ts';
import { addOwner } from './cloud-owner.ts';

type Options = JsonOption & { readonly name?: readonly string[] };

const PORT = 3000;

export const addCloud: AddVerb = (program, cli, done) => {
  const cloud = verb(
    program,
    'cloud',
    'Start a cloud of your own: it keeps your documents while your devices are off',
    [
      'markco cloud                    # on a machine that all your devices reach',
      'markco cloud --name cloud.example.com',
      'MARKCO_PORT=8080 markco cloud',
    ],
  )
    .option('--name <name...>', 'the name by which it is reached, with its port where that is not the usual one')
    .action(async (options: Options) => {
      const config = configOf(cli, {
        // An empty variable is one that is not set.
        port: Number(cli.env['MARKCO_PORT'] || PORT),
        host: cli.env['MARKCO_HOST'] || '0.0.0.0',
      });
      const holder = await portHolder(cli, config.port);
      if (holder !== null)
        throw new Failure(
          'conflict',
          `Port ${config.port} belongs to ${holder}. Stop it, or choose another: MARKCO_PORT=${config.port + 1} markco cloud`,
        );
      await makeHome(config.home);
      const names = options.name ?? [];
      const peerAddresses = peerAddressesOf(names, config);
      const device = await startDevice(cli, {
        ...{ fallback: true, port: 0, host: '127.0.0.1', relay: true, peerAddresses },
      });
      try {
        const { createRendezvous } = await import('@markco/rendezvous');
        const { createLogger } = await import('@markco/node/observe/log');
        const { servePage } = await import('@markco/node/listen/page');
        const rendezvous = await createRendezvous(
          {
            home: join(config.home, CLOUD_FOLDER),
            host: config.host,
            port: config.port,
            names,
            addresses: ownAddresses(),
            databaseUrl: config.databaseUrl,
            registration: config.registration,
            providers: config.signInWith,
            publishOrigin: config.publishOrigin,
            natsUrl: config.natsUrl,
            syncPort: config.syncPort,
            letsAgentsIn: config.letsAgentsIn,
            passesRunsOn: config.placesElsewhere,
            takesTokensInAddresses: config.takesTokensInAddresses,
            syncMode: config.syncMode,
          },
          {
            ids: { now: cli.now, randomBytes: cli.randomBytes },
            page: (path, method) => servePage(cli.pageFolder, path, method),
            version: manifest.version,
            residentBytes: cli.residentBytes,
            log: createLogger(cli.err.isTerminal ? 'warn' : config.logLevel, { part: CLOUD_FOLDER }, cli.err),
            peer: device.peerDoor,
            runs: device.runCounts,
          },
        );
        try {
          const place =
            names[0] === undefined
              ? `http://${ownAddresses()[0] ?? 'localhost'}:${rendezvous.port}`
              : `https://${names[0]}`;
          await noteListening(config.home, { port: rendezvous.port, host: config.host, url: place });
          device.keepWith({ url: `http://127.0.0.1:${rendezvous.port}`, token: rendezvous.token });
          present(cli, options, {
            mode: config.syncMode,
            port: rendezvous.port,
            home: config.home,
            url: place,
            link: `${place}/#token=${rendezvous.token}`,
          });
          await untilStopped(cli);
        } finally {
          await rendezvous.close();
        }
      } finally {
        await device.close();
      }
      done(0);
    });
  addInvite(cloud, cli, done);
  addOwner(cloud, cli, done);
};

function present(
  cli: Cli,
  options: Options,
  about: {
    readonly mode: SyncMode;
    readonly port: number;
    readonly home: string;
    readonly url: string;
    readonly link: string;
  },
): void {
  if (options.json) return cli.out.write(jsonLine(about));
  cli.out.write(`MarkCo ${manifest.version} · your cloud · ${about.url}\n`);
  if (about.mode !== USUAL_SYNC_MODE) cli.out.write(`${cloudModeWords(about.mode)}\n`);
  cli.out.write(`On each of your devices:  markco login '${about.link}'\n`);
  cli.out.write('Whoever has this line reads and writes your documents. Ctrl-C stops the cloud; it loses nothing.\n');
}

/** Where others reach the device beside it through the one port: what goes to `/` there is passed on. */
function peerAddressesOf(names: readonly string[], { host, port }: { host: string; port: number }): string[] {
  const named = names.map((name) => {
    const [at = '', its = '443'] = name.split(':');
    return `/dns/${at}/tcp/${its}/tls/ws`;
  });
  if (named.length > 0 || port === 0 || host !== '0.0.0.0') return named;
  return ownAddresses().map((address) => `/ip4/${address}/tcp/${port}/ws`);
}

/** The addresses of this machine, those of others' reach first. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
