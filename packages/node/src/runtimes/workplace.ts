/**
 * Where the worker of a session works: on the machine itself (`machine-place.ts`) or in the container of its project
 * (`containers/container-place.ts`). Everything else about a session is the same, and is in `session.ts`.
 */
import type { SessionConfig } from '@markco/protocol';
import type { Hold, SessionLimits } from './limits/limits.ts';
import type { Kill, ProcessName } from './process-table.ts';
import type { WorkerEvent, WorkerLink } from './worker-link.ts';
import type { StartedWorker } from './worker-process.ts';

export type Begun = {
  readonly worker: StartedWorker;
  readonly about: { readonly executable: string; readonly environmentHash: string };
};

export type Workplace = {
  /** What holds the session's processes, and what they may take. */
  readonly hold: Hold;
  readonly limits: SessionLimits;
  /** Why the run that is on is to end now: what it may fill of the disk is full. Null while it may go on. */
  full(): string | null;
  /** `runtime_missing` when there is no interpreter or it does not start. An abort kills what was started. */
  begin(config: SessionConfig, signal: AbortSignal): Promise<Begun>;
  /** Fails and ends as `connectWorker` does. */
  openLink(onEvent: (event: WorkerEvent) => void, signal: AbortSignal): Promise<WorkerLink>;
  /** The process, as this machine knows it, that a worker names; null when it is none of this place. */
  find(pid: number): Promise<ProcessName | null>;
  /** Signals such a process, and a group of them by the number of its first. */
  readonly kill: Kill;
  /** Where the worker is to write what is read at `file`; `name` is of its own, as the id of a run. */
  pathFor(name: string, file: string): string;
  /** Brings what was written there to `file`, where it is kept on growing. */
  collect(name: string, file: string): void;
  /** Puts a file where the worker can read it; resolves with the path that it knows. */
  give(name: string, file: string): Promise<string>;
  /** What a dead worker has printed last, after so many bytes of each stream. */
  lastWords(beside: readonly [number, number]): Promise<readonly string[]>;
  /** What of the session is left here besides its record goes. */
  clear(): Promise<void>;
};
