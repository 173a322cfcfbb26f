/** For tests: a cloud in this process, on a clock that is set. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRendezvous, type Rendezvous } from '@markco/rendezvous';
import type { OidcProvider } from './oidc.fixture.ts';

export type CloudHere = {
  readonly home: string;
  readonly origin: string;
  readonly token: string;
  /** Milliseconds that its clock is ahead. */
  ahead: number;
  /** What went wrong in it. */
  readonly troubles: readonly unknown[];
  start(): Promise<void>;
  stop(): Promise<void>;
};

type Options = {
  /** Where people may sign in, too. */
  readonly oidc?: OidcProvider;
  /** Postgres and NATS, where it is one process of several. */
  readonly shared?: { readonly databaseUrl: string; readonly natsUrl: string };
};

export async function startCloudHere({ oidc, shared }: Options = {}): Promise<CloudHere & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'markco-cloud-here-'));
  const { MARKCO_OIDC_ID = '', MARKCO_OIDC_SECRET = '', MARKCO_OIDC_ISSUER = '' } = oidc?.env ?? {};
  const provider = { clientId: MARKCO_OIDC_ID, clientSecret: MARKCO_OIDC_SECRET, issuer: MARKCO_OIDC_ISSUER };
  const providers = oidc === undefined ? [] : [{ id: 'oidc', name: 'Example', ...provider }];
  const troubles: unknown[] = [];
  let running: Rendezvous | undefined;
  let port = 0;

  const cloud: CloudHere & AsyncDisposable = {
    ...{ home, troubles, ahead: 0 },
    get origin() {
      return `http://127.0.0.1:${port}`;
    },
    get token() {
      return running?.token ?? '';
    },
    async start() {
      running = await createRendezvous(
        {
          ...{ databaseUrl: null, natsUrl: null, ...shared },
          ...{ home, port, host: '127.0.0.1', syncPort: null, names: [], addresses: [] },
          ...{
            publishOrigin: null,
            letsAgentsIn: true,
            passesRunsOn: true,
            takesTokensInAddresses: true,
            syncMode: 'relay_primary',
          },
          ...{ registration: 'open', providers },
        },
        {
          ids: { now: () => Date.now() + cloud.ahead, randomBytes: (length) => new Uint8Array(randomBytes(length)) },
          ...{ version: '0', residentBytes: () => 0, peer: () => null },
          runs: () => ({ ended: {}, routed: {} }),
          page: async () => new Response(''),
          log: { info: () => undefined, error: (event, _fields, cause) => void troubles.push([event, cause]) },
        },
      );
      ({ port } = running);
    },
    async stop() {
      await running?.close();
      running = undefined;
    },
    async [Symbol.asyncDispose]() {
      await cloud.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await cloud.start();
  return cloud;
}
