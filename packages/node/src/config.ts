/** Environment and flags as one frozen value, read once. Each field: its default, its unit. */
import type { SyncMode } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import { SyncModeSchema, USUAL_SYNC_MODE } from '@markco/protocol/sync-mode';
import envPaths from 'env-paths';
import { homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { limitsOf, type ContainerLimits } from './runtimes/containers/plan.ts';
import type { ContainerSettings } from './runtimes/containers/containers.ts';
import type { SessionLimits } from './runtimes/limits/limits.ts';

const MB = 1024 * 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const flag = z.enum(['0', '1'], 'must be 0 or 1');
const whole = z.string().check(z.regex(/^[1-9]\d{0,8}$/, 'must be a whole number above 0'));
const cores = z.string().check(z.regex(/^(?=.*[1-9])\d{1,4}(\.\d{1,2})?$/, 'must be a number above 0'));
const credential = z.string().check(z.maxLength(500));
const port = z.string().check(z.regex(/^\d{1,5}$/, 'must be a port number'));

const EnvironmentSchema = z.object({
  /** The state folder. Default: the platform's data folder. */
  MARKCO_HOME: z.optional(z.string()),
  /** Default 7717. 0 picks a free one. */
  MARKCO_PORT: z.optional(port),
  /** Default 127.0.0.1: nobody but this machine. */
  MARKCO_HOST: z.optional(z.string()),
  /** What a cloud is to this device, or devices to this cloud. Default `relay_primary`. */
  SYNC_MODE: z.optional(z.enum(SyncModeSchema.options, 'must be legacy, mirror or relay_primary')),
  /** Where `markco cloud` serves documents besides, and nothing else. Default: nowhere. */
  SYNC_RELAY_PORT: z.optional(
    port.check(z.refine((text) => text !== '3005', 'must not be 3005, which another program has')),
  ),
  /** Whether `markco cloud` lets in plain agents. Default 1. */
  ENABLE_DEVICE_AGENT: z.optional(flag),
  /** Whether a run may go to another device when neither its cell nor a person names one. Default 1. */
  ENABLE_REMOTE_EXEC_ROUTING: z.optional(flag),
  /** Whether a run that no device of the person can take now goes to one that stands in. Default 1. */
  ENABLE_CLOUD_FALLBACK: z.optional(flag),
  /** Whether this device stands in for the others. Default 1 beside a cloud, 0 elsewhere; read when it is added to them. */
  MARKCO_FALLBACK: z.optional(flag),
  /** What one session may use, in MB. Default: four fifths of the machine's memory. */
  MARKCO_SESSION_MEMORY_MB: z.optional(whole),
  /** Processes and threads of one session. Default 2048. */
  MARKCO_SESSION_PROCESSES: z.optional(whole),
  /** Cores that one session may keep busy, `0.5` for half of one. Default: all there are. */
  MARKCO_SESSION_CPUS: z.optional(cores),
  /** Hours without a run after which a session ends, told ten minutes before. Default 24; 0 for never. */
  MARKCO_SESSION_IDLE_HOURS: z.optional(z.string().check(z.regex(/^\d{1,6}$/, 'must be a whole number'))),
  /** Whether cells run in containers: `own` with a Docker that lets code out, for code of one's own only. Default 0. */
  MARKCO_CONTAINERS: z.optional(z.enum(['0', '1', 'own'], 'must be 0, 1 or own')),
  /** Default /var/run/docker.sock. */
  MARKCO_DOCKER: z.optional(z.string().check(z.startsWith('/', 'must be the path of a socket'))),
  /** What the container of a project may take. Default `free`. */
  MARKCO_CONTAINER_PLAN: z.optional(z.enum(['free', 'pro', 'team'], 'must be free, pro or team')),
  /** Whether containers reach the internet: nothing nearer, either way. Default `none`. */
  MARKCO_CONTAINER_NETWORK: z.optional(z.enum(['none', 'internet'], 'must be none or internet')),
  /** Minutes without a run after which a session in a container is put to sleep, told ten minutes before. Default 30; 0 for never. */
  MARKCO_CONTAINER_DISK_MB: z.optional(z.string().check(z.regex(/^[1-9]\d{0,8}$/, 'must be a whole number'))),
  MARKCO_CONTAINER_IDLE_MINUTES: z.optional(z.string().check(z.regex(/^\d{1,6}$/, 'must be a whole number'))),
  /** What this device is called when it is first started. Default: as the machine is. */
  MARKCO_NAME: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
  /** Where other devices of the user reach this one. Default 7718, another one when that is taken; 0 for any. */
  MARKCO_PEER_PORT: z.optional(port),
  /** The address of this machine at which. Default all of them; 127.0.0.1 where a tunnel brings the others in. */
  MARKCO_PEER_HOST: z.optional(z.ipv4()),
  /** Addresses that others are told besides those of this machine: `/ip4/203.0.113.7/tcp/7718`, with commas. */
  MARKCO_PEER_ADDRESSES: z.optional(z.string().check(z.maxLength(2_000))),
  /** Whether this device passes on what the user's other devices say, where they do not reach each other. Default 0. */
  MARKCO_RELAY: z.optional(flag),
  /** Where others reach this one by WebSocket. Default 7719 for a relay, no such port for others; 0 for any. */
  MARKCO_PEER_WEB_PORT: z.optional(port),
  /** Whether devices on the same network are looked for. Default 1. */
  MARKCO_MDNS: z.optional(flag),
  /** Where projects of other devices are put. Default `MarkCo` in the person's own folder. */
  MARKCO_PROJECTS: z.optional(z.string()),
  /** `file`: the keys of this device never go into the system's keychain. Default `keychain`, where there is one. */
  MARKCO_KEYS: z.optional(z.enum(['keychain', 'file'])),
  /** Where `markco cloud` keeps what it is given. Default: a store of its own in the state folder. */
  DATABASE_URL: z.optional(
    z.url({ protocol: /^postgres(ql)?$/, error: 'must be an address as postgres://USER@HOST/NAME' }),
  ),
  /** Who may make an account at `markco cloud`. Default `invite`: whoever was invited. */
  MARKCO_REGISTRATION: z.optional(z.enum(['open', 'invite'], 'must be open or invite')),
  /** Sign-in at `markco cloud` with GitHub: the id and the secret that GitHub gave for it. Default: none. */
  MARKCO_GITHUB_ID: z.optional(credential),
  MARKCO_GITHUB_SECRET: z.optional(credential),
  /** The same with any OpenID Connect issuer, by its address; its name is for the button. */
  MARKCO_OIDC_ISSUER: z.optional(z.url({ protocol: /^https?$/, error: 'must be the address of an issuer' })),
  MARKCO_OIDC_ID: z.optional(credential),
  MARKCO_OIDC_SECRET: z.optional(credential),
  MARKCO_OIDC_NAME: z.optional(z.string().check(z.maxLength(50))),
  /** Where published pages of `markco cloud` are, as `https://pages.example.com`. Default: below `/@` beside its page. */
  MARKCO_PUBLISH_ORIGIN: z.optional(
    z
      .url({ protocol: /^https?$/, error: 'must be an address as https://pages.example.com' })
      .check(z.refine((url) => URL.parse(url)?.pathname === '/', 'must be an address with nothing after its name')),
  ),
  /** Whether WebSockets of `markco cloud` may be opened with a token in their address. Default 1; tickets are taken always. */
  MARKCO_URL_TOKENS: z.optional(flag),
  /** Where the processes of one cloud tell each other what they took in. Default: there is one process. */
  NATS_URL: z.optional(
    z.string().check(
      z.regex(/^((nats|tls):\/\/[^,\s]+(,(?=.)|$))+$/, {
        error: 'must be an address as nats://HOST:4222, or several with commas',
      }),
    ),
  ),
  LOG_LEVEL: z.optional(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])),
});

/** Accounts elsewhere that people sign in to a cloud with. */
export type SignInWith = {
  readonly id: string;
  readonly name: string;
  /** `github`, or the address of an issuer. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

export type Config = {
  readonly home: string;
  readonly port: number;
  readonly host: string;
  readonly sessionLimits: SessionLimits;
  /** Null for never. */
  readonly sessionIdleMs: number | null;
  /** Null for cells that run on the machine itself. */
  readonly containers: ContainerSettings | null;
  /** Null for the name of the machine. */
  readonly name: string | null;
  readonly peerPort: number;
  readonly peerHost: string;
  readonly peerAddresses: readonly string[];
  readonly findsNeighbors: boolean;
  readonly placesElsewhere: boolean;
  /** Plain agents, at a cloud. */
  readonly letsAgentsIn: boolean;
  readonly fallsBack: boolean;
  /** It stands in for the others. */
  readonly isFallback: boolean;
  readonly isRelay: boolean;
  /** Null for none. */
  readonly peerWebPort: number | null;
  readonly projectsFolder: string;
  readonly usesKeychain: boolean;
  /** Null for a store of its own. */
  readonly databaseUrl: string | null;
  readonly registration: 'open' | 'invite';
  readonly signInWith: readonly SignInWith[];
  /** Null for below `/@` beside the page of the cloud. */
  readonly publishOrigin: string | null;
  /** Null for none. */
  readonly syncPort: number | null;
  /** Null where one process serves alone. */
  readonly natsUrl: string | null;
  readonly takesTokensInAddresses: boolean;
  readonly syncMode: SyncMode;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
};

export type ConfigFlags = {
  readonly home?: string;
  readonly port?: number;
  readonly host?: string;
  readonly relay?: boolean;
  /** Told to others besides those of the environment. */
  readonly peerAddresses?: readonly string[];
  readonly fallback?: boolean;
};

/** @throws Failure `bad_request` naming the variable that is wrong */
export function readConfig(environment: Readonly<Record<string, string | undefined>>, flags: ConfigFlags = {}): Config {
  const parsed = EnvironmentSchema.safeParse(environment);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Failure(
      'bad_request',
      `The environment variable ${String(issue?.path[0])} ${issue?.message ?? 'is wrong'}.`,
    );
  }
  const env = parsed.data;
  const chosenPort = flags.port ?? Number(env.MARKCO_PORT ?? 7717);
  if (!Number.isInteger(chosenPort) || chosenPort < 0 || chosenPort > 65_535) {
    throw new Failure(
      'bad_request',
      `The port ${chosenPort} is not between 0 and 65535. Set MARKCO_PORT to one that is.`,
    );
  }
  const isRelay = flags.relay ?? env.MARKCO_RELAY === '1';
  return Object.freeze({
    home: flags.home ?? env.MARKCO_HOME ?? envPaths('markco', { suffix: '' }).data,
    port: chosenPort,
    host: flags.host ?? env.MARKCO_HOST ?? '127.0.0.1',
    sessionLimits: {
      memoryBytes: Number(env.MARKCO_SESSION_MEMORY_MB ?? Math.floor((totalmem() * 0.8) / MB)) * MB,
      processes: Number(env.MARKCO_SESSION_PROCESSES ?? 2_048),
      cpus: env.MARKCO_SESSION_CPUS === undefined ? null : Number(env.MARKCO_SESSION_CPUS),
    },
    sessionIdleMs:
      (env.MARKCO_CONTAINERS ?? '0') === '0'
        ? Number(env.MARKCO_SESSION_IDLE_HOURS ?? 24) * HOUR_MS || null
        : Number(env.MARKCO_CONTAINER_IDLE_MINUTES ?? 30) * MINUTE_MS || null,
    containers:
      (env.MARKCO_CONTAINERS ?? '0') === '0'
        ? null
        : {
            socket: env.MARKCO_DOCKER ?? '/var/run/docker.sock',
            limits: withDisk(limitsOf(env.MARKCO_CONTAINER_PLAN ?? 'free'), env.MARKCO_CONTAINER_DISK_MB),
            strict: env.MARKCO_CONTAINERS === '1',
            network: env.MARKCO_CONTAINER_NETWORK === 'internet' ? ('internet' as const) : null,
          },
    name: env.MARKCO_NAME ?? null,
    peerPort: Number(env.MARKCO_PEER_PORT ?? 7718),
    peerHost: env.MARKCO_PEER_HOST ?? '0.0.0.0',
    peerAddresses: [...(env.MARKCO_PEER_ADDRESSES ?? '').split(','), ...(flags.peerAddresses ?? [])]
      .map((address) => address.trim())
      .filter((address) => address !== ''),
    fallsBack: env.ENABLE_CLOUD_FALLBACK !== '0',
    isFallback: env.MARKCO_FALLBACK === undefined ? flags.fallback === true : env.MARKCO_FALLBACK === '1',
    isRelay,
    peerWebPort: env.MARKCO_PEER_WEB_PORT === undefined ? (isRelay ? 7719 : null) : Number(env.MARKCO_PEER_WEB_PORT),
    findsNeighbors: env.MARKCO_MDNS !== '0',
    placesElsewhere: env.ENABLE_REMOTE_EXEC_ROUTING !== '0',
    letsAgentsIn: env.ENABLE_DEVICE_AGENT !== '0',
    projectsFolder: env.MARKCO_PROJECTS ?? join(homedir(), 'MarkCo'),
    usesKeychain: env.MARKCO_KEYS !== 'file',
    databaseUrl: env.DATABASE_URL ?? null,
    registration: env.MARKCO_REGISTRATION ?? 'invite',
    signInWith: [githubOf(env), issuerOf(env)].flatMap((found) => found ?? []),
    publishOrigin: env.MARKCO_PUBLISH_ORIGIN === undefined ? null : new URL(env.MARKCO_PUBLISH_ORIGIN).origin,
    natsUrl: env.NATS_URL ?? null,
    syncPort: env.SYNC_RELAY_PORT === undefined ? null : Number(env.SYNC_RELAY_PORT),
    takesTokensInAddresses: env.MARKCO_URL_TOKENS !== '0',
    syncMode: env.SYNC_MODE ?? USUAL_SYNC_MODE,
    logLevel: env.LOG_LEVEL ?? 'info',
  });
}

const withDisk = (limits: ContainerLimits, megabytes: string | undefined): ContainerLimits =>
  megabytes === undefined ? limits : { ...limits, diskBytes: Number(megabytes) * 1024 * 1024 };

type Environment = z.infer<typeof EnvironmentSchema>;

function githubOf(env: Environment): SignInWith | undefined {
  const [id, secret] = [env.MARKCO_GITHUB_ID, env.MARKCO_GITHUB_SECRET];
  if (id === undefined && secret === undefined) return undefined;
  if (id === undefined || secret === undefined)
    throw new Failure('bad_request', 'Set both MARKCO_GITHUB_ID and MARKCO_GITHUB_SECRET, or neither.');
  return { id: 'github', name: 'GitHub', issuer: 'github', clientId: id, clientSecret: secret };
}

function issuerOf(env: Environment): SignInWith | undefined {
  const [issuer, id, secret] = [env.MARKCO_OIDC_ISSUER, env.MARKCO_OIDC_ID, env.MARKCO_OIDC_SECRET];
  if (issuer === undefined && id === undefined && secret === undefined) return undefined;
  if (issuer === undefined || id === undefined || secret === undefined)
    throw new Failure('bad_request', 'Set MARKCO_OIDC_ISSUER, MARKCO_OIDC_ID and MARKCO_OIDC_SECRET, or none of them.');
  const name = env.MARKCO_OIDC_NAME ?? new URL(issuer).hostname;
  return { id: 'oidc', name, issuer, clientId: id, clientSecret: secret };
}
