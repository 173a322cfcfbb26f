/** What a system is asked about the machine. Each kind of system answers in its own way; what it does not say is left out. */
import type { NodeCapability } from '@markco/protocol';
import type { Ask } from './program.ts';
import type { SystemFiles } from './system-files.ts';

export type Gpu = NonNullable<NodeCapability['gpu']>;
export type Network = NodeCapability['resources']['network'];
export type Memory = { readonly totalMb: number; readonly freeMb: number };
export type Battery = {
  /** 0 to 100. */
  readonly percent?: number;
  /** It has power from outside, whether or not it takes up charge: `false` is what a person calls "on battery". */
  readonly charging?: boolean;
};

export type System = {
  readonly memory: () => Promise<Memory | null>;
  readonly battery: () => Promise<Battery | null>;
  readonly network: () => Promise<Network | null>;
  readonly gpus: () => Promise<readonly Gpu[]>;
};

export type SystemParts = {
  readonly ask: Ask;
  readonly files: SystemFiles;
  readonly now: () => number;
};
