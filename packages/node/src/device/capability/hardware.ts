/**
 * What this machine is made of and how it is supplied, as its system says. Nothing here fails: what cannot be found out
 * is left out, and answers that cost a program are kept, so that a heartbeat starts none.
 */
import { availableParallelism, freemem, networkInterfaces, totalmem } from 'node:os';
import { largestFirst } from './gpu.ts';
import { keep } from './kept.ts';
import { createLinux } from './linux.ts';
import { createMacos } from './macos.ts';
import { kindByNames } from './network.ts';
import { createPrograms, type ProgramParts } from './program.ts';
import { systemFiles } from './system-files.ts';
import type { Battery, Gpu, Memory, Network, System, SystemParts } from './system.ts';
import { createWindows } from './windows.ts';

export type Hardware = {
  readonly cpuCores: number;
  readonly memory: Memory;
  readonly battery: Battery | null;
  readonly network: Network;
  /** The one with the most memory first. */
  readonly gpus: readonly Gpu[];
};

const MB = 1024 * 1024;
/** A cable is pulled at any time, a card hardly ever. */
const GPU_MS = 10 * 60_000;
const SUPPLY_MS = 30_000;

const SYSTEMS: Readonly<Record<string, (parts: SystemParts) => System>> = {
  linux: createLinux,
  darwin: createMacos,
  win32: createWindows,
};

/** @param platform as `process.platform` */
export function createHardware(parts: ProgramParts, ask = createPrograms(parts)): () => Promise<Hardware> {
  const { now, platform } = parts;
  const system = SYSTEMS[platform]?.({ ask, files: systemFiles, now });
  const nothing = async (): Promise<null> => null;
  // On Linux these are files of the kernel: reading them costs less than being wrong.
  const supply = <T>(look: () => Promise<T>): (() => Promise<T>) =>
    platform === 'linux' ? look : keep(look, { now, freshMs: SUPPLY_MS, staleMs: 4 * SUPPLY_MS });
  const battery = supply(system?.battery ?? nothing);
  const network = supply(system?.network ?? nothing);
  const gpus = keep(async () => largestFirst((await system?.gpus()) ?? []), { now, freshMs: GPU_MS });

  return async () => {
    const [memory, power, kind, cards] = await Promise.all([system?.memory(), battery(), network(), gpus()]);
    return {
      cpuCores: availableParallelism(),
      memory: memory ?? { totalMb: Math.round(totalmem() / MB), freeMb: Math.round(freemem() / MB) },
      battery: power,
      network: kind ?? kindByNames(interfacesHere()),
      gpus: cards,
    };
  };
}

/** Where a sandbox forbids even this, it throws. */
export function interfacesHere(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}
