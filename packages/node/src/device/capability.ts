/** What this machine can do right now, from the operating system; what it does not say is left out. */
import type { DeviceId, NodeCapability } from '@markco/protocol';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, freemem, networkInterfaces, totalmem } from 'node:os';
import { join } from 'node:path';
import { RUNTIMES } from '../runtimes/descriptor.ts';
import { listKernels } from '../runtimes/jupyter/jupyter.ts';
import { NO_WISHES } from '../runtimes/runtime.ts';

const MB = 1024 * 1024;
const RUNS_AT_ONCE = 8;

export type CapabilityParts = {
  readonly deviceId: DeviceId;
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
};

export type RuntimeHere = {
  readonly language: string;
  readonly label: string;
  readonly available: boolean;
  readonly version?: string;
  readonly hint?: string;
  /** The Jupyter kernels and attached servers that run this language, when there are any. */
  readonly kernels?: { readonly name: string; readonly label: string }[];
};

/** The table of runtimes, each looked for once and again beside its use when a minute has passed. */
export function createRuntimeDetection({
  env,
  folder,
  now,
}: Pick<CapabilityParts, 'env' | 'folder' | 'now'>): () => Promise<readonly RuntimeHere[]> {
  const keepMs = 60_000;
  let known: { at: number; found: Promise<readonly RuntimeHere[]> } | undefined;
  async function look(): Promise<readonly RuntimeHere[]> {
    const found = await detectRuntimes(env, folder);
    known = { at: now(), found: Promise.resolve(found) };
    return found;
  }

  return () => {
    if (known === undefined) known = { at: now(), found: look() };
    else if (now() - known.at > keepMs) {
      // Whoever asks meanwhile gets what was found before: a run does not wait for interpreters of other languages.
      known = { at: now(), found: known.found };
      look().catch(() => undefined);
    }
    return known.found;
  };
}

async function detectRuntimes(env: CapabilityParts['env'], folder: string): Promise<readonly RuntimeHere[]> {
  const signal = AbortSignal.timeout(10_000);
  const place = { env, projectFolder: folder, config: NO_WISHES };
  const all = await listKernels(place);
  return Promise.all(
    RUNTIMES.map(async ({ language, aliases, label, detect }) => {
      const found = await detect(place, signal);
      const mine = all.filter((kernel) => kernel.language === language || aliases.includes(kernel.language));
      const kernels =
        mine.length === 0 ? {} : { kernels: mine.map(({ name, label: title }) => ({ name, label: title })) };
      return found.available
        ? { language, label, available: true, version: found.version, ...kernels }
        : { language, label, available: false, hint: found.hint, ...kernels };
    }),
  );
}

export async function detectCapability(
  { deviceId, now }: CapabilityParts,
  runtimes: readonly RuntimeHere[],
): Promise<NodeCapability> {
  const battery = await readBattery();
  return {
    deviceId,
    online: true,
    heartbeatAt: new Date(now()).toISOString(),
    runtimes: runtimes.map(({ language, available, version }) => ({
      language: language as NodeCapability['runtimes'][number]['language'],
      available,
      ...(version === undefined ? {} : { version }),
    })),
    resources: {
      cpuCores: availableParallelism(),
      memoryMb: Math.round(totalmem() / MB),
      memoryFreeMb: Math.round(freemem() / MB),
      ...battery,
      network: networkKind(),
    },
    policy: {
      allowRemoteExecution: true,
      allowHeavyJobs: true,
      allowWhenOnBattery: true,
      maxConcurrentRuns: RUNS_AT_ONCE,
    },
  };
}

function networkKind(): NodeCapability['resources']['network'] {
  const names = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some((address) => !address.internal) === true)
    .map(([name]) => name);
  if (names.length === 0) return 'offline';
  return names.every((name) => /^(wl|wifi|Wi-Fi)/i.test(name)) ? 'wifi' : 'ethernet';
}

/** Linux says it in files; elsewhere it stays unknown. */
async function readBattery(): Promise<{ batteryPct?: number; charging?: boolean }> {
  const folder = '/sys/class/power_supply';
  try {
    const name = (await readdir(folder)).find((entry) => entry.startsWith('BAT'));
    if (name === undefined) return {};
    const [capacity, status] = await Promise.all([
      readFile(join(folder, name, 'capacity'), 'utf8'),
      readFile(join(folder, name, 'status'), 'utf8'),
    ]);
    const percent = Number(capacity.trim());
    return {
      ...(percent >= 0 && percent <= 100 ? { batteryPct: percent } : {}),
      charging: status.trim() !== 'Discharging',
    };
  } catch {
    return {};
  }
}
