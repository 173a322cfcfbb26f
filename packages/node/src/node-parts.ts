/** What a device is made of that is not its own, and what it is to who starts it. */
import type { IdSource } from '@markco/protocol';
import type { RunCounts } from './observe/run-metrics.ts';
import type { PeerDoor } from './mesh/peer-door.ts';
import type { Kill } from './runtimes/process-table.ts';

export type NodeParts = {
  readonly ids: IdSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kill: Kill;
  readonly pid: number;
  /** The folder of the built page. */
  readonly pageFolder: string;
  readonly machine: { readonly name: string; readonly os: string };
  readonly version: string;
  readonly residentBytes: () => number;
  /** Where log lines go. */
  readonly logTo: { write(line: string): void };
};

export type Node = {
  /** Without a token: `http://localhost:7717`. */
  readonly origin: string;
  /** What a person opens; the token is in its fragment, which no server sees. */
  readonly url: string;
  readonly port: number;
  readonly home: string;
  readonly runtimes: () => Promise<
    readonly { language: string; label: string; available: boolean; version?: string; hint?: string }[]
  >;
  openProject(folder: string): Promise<{ readonly slug: string; readonly displayName: string }>;
  /** The way to this device and through it; null while it is alone. */
  peerDoor(): PeerDoor | null;
  readonly runCounts: () => RunCounts;
  /** Keeps its documents with the cloud on this machine, once it is one of several devices. */
  keepWith(place: { readonly url: string; readonly token: string }): void;
  /** Runs go on without this program unless `stopRuns`. */
  close(options?: { readonly stopRuns?: boolean }): Promise<void>;
};
