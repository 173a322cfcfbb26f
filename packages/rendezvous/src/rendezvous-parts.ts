/** What a cloud is started with. */
import type { IdSource, SyncMode } from '@markco/protocol';
import type { AdmissionSettings } from './accounts/admission.ts';
import type { RunCounts } from './operator/recent.ts';
import type { Beside } from './peers/pipes.ts';

export type RendezvousConfig = AdmissionSettings & {
  readonly home: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** A further port, for `/sync` alone; null: none. */
  readonly syncPort: number | null;
  /** Names by which it is reached besides its addresses: `cloud.example.com`, with a port where it is not the usual one. */
  readonly names: readonly string[];
  /** Of this machine, as others reach it, without a port: `192.168.1.5`. */
  readonly addresses: readonly string[];
  /** Postgres; null for a store of its own in `home`. */
  readonly databaseUrl: string | null;
  /** NATS, where several processes serve one database; null: this one does so alone. */
  readonly natsUrl: string | null;
  /** `https://pages.example.com`, where published pages are and nothing else; null for the names above. */
  readonly publishOrigin: string | null;
  /** Whether plain agents are let in. */
  readonly letsAgentsIn: boolean;
  /** Whether a run that is asked for here goes on to an agent, or through here to a device. */
  readonly passesRunsOn: boolean;
  /** Whether `?token=` of a WebSocket may be a token that lasts; a ticket is taken always. */
  readonly takesTokensInAddresses: boolean;
  /** What it is to devices. */
  readonly syncMode: SyncMode;
};

export type LogFields = Readonly<Record<string, string | number>>;

export type RendezvousParts = {
  readonly ids: IdSource;
  readonly version: string;
  readonly residentBytes: () => number;
  /** The device beside it, once it is one of somebody's devices. */
  readonly peer: () => Beside | null;
  /** What the device beside it counted of runs. */
  readonly runs: () => RunCounts;
  /** Answers what is no route: the page. */
  readonly page: (path: string, method: string) => Promise<Response>;
  readonly log: {
    info(event: string, fields?: LogFields): void;
    error(event: string, fields: LogFields, cause: unknown): void;
  };
};
