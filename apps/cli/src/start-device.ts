/** Starting this device in this process. Loaded only here: the other commands need none of it and start faster. */
import type { Node } from '@markco/node';
import type { Config, ConfigFlags } from '@markco/node/config';
import { Failure } from '@markco/protocol/failure';
import manifest from '../package.json' with { type: 'json' };
import type { Cli } from './cli.ts';
import { portHolder } from './port.ts';
import { configOf, makeHome } from './home.ts';
import { jsonLine } from './render.ts';

export type StartedDevice = Pick<Node, 'close' | 'peerDoor' | 'keepWith' | 'runCounts'>;

/** A person at a terminal is shown what is wrong, not everything that happens; who wants it all sets LOG_LEVEL. */
function quietOnTerminal({ err, env }: Cli, config: Config): Config {
  return err.isTerminal && env['LOG_LEVEL'] === undefined ? { ...config, logLevel: 'warn' } : config;
}

/**
 * Fails with `conflict` when the port belongs to somebody else, naming who when that can be found out. What nobody
 * foresaw is said with its cause, and the log, which goes to stderr, has where in the program it happened.
 */
export async function startDevice(cli: Cli, flags: ConfigFlags = {}): Promise<StartedDevice> {
  const config = configOf(cli, flags);
  const { port } = config;
  const holder = await portHolder(cli, port);
  if (holder !== null) {
    throw new Failure(
      'conflict',
      `Port ${port} belongs to ${holder}. Stop it, or choose another: MARKCO_PORT=${port + 1} markco up`,
    );
  }
  await makeHome(config.home);
  const { createNode } = await import('@markco/node');
  const starting = createNode(quietOnTerminal(cli, config), {
    ids: { now: cli.now, randomBytes: cli.randomBytes },
    // A flag may have chosen another state folder than the environment.
    env: { ...cli.env, MARKCO_HOME: config.home },
    kill: cli.kill,
    pid: cli.pid,
    pageFolder: cli.pageFolder,
    machine: { name: cli.machineName, os: cli.platform },
    version: manifest.version,
    residentBytes: cli.residentBytes,
    logTo: cli.err,
  });
  return starting.catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const time = new Date(cli.now()).toISOString();
    cli.err.write(jsonLine({ level: 'error', time, event: 'device.not-started', reason, stack }));
    throw new Failure(
      'internal',
      `The device did not start with the state folder ${config.home}. Its log, here on stderr, has where: device.not-started.`,
      { cause: error },
    );
  });
}
