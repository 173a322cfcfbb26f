/** What this device can do right now, as other devices are told it. */
import type { DeviceId, NodeCapability } from '@markco/protocol';
import type { RuntimeDescriptor } from '../../runtimes/runtime.ts';
import { createPolicySetting, type PolicySetting } from '../policy.ts';
import { createHardware } from './hardware.ts';
import { keep } from './kept.ts';
import type { ProgramParts } from './program.ts';
import { createRuntimeDetection, type RuntimeHere } from './runtimes.ts';

export type CapabilityParts = ProgramParts & {
  readonly deviceId: DeviceId;
  readonly home: string;
  /** The table of runtimes, where it is not that of the machine itself. */
  readonly table: readonly RuntimeDescriptor[] | undefined;
  readonly log: { warn(event: string, fields: Readonly<Record<string, string>>): void };
};

export type Capability = {
  readonly runtimes: () => Promise<readonly RuntimeHere[]>;
  readonly policy: PolicySetting;
  readonly capability: () => Promise<NodeCapability>;
};

/** A run is placed by what this machine was a moment ago: reading it anew takes longer than a short run. */
const HARDWARE_FRESH_MS = 1_000;
const HARDWARE_STALE_MS = 5_000;

export function createCapability(parts: CapabilityParts): Capability {
  const { deviceId, home, env, now, log } = parts;
  const runtimes = createRuntimeDetection({ env, folder: home, now }, parts.table);
  const policy = createPolicySetting(home, (reason) => log.warn('device.policy-unreadable', { reason }));
  const hardware = keep(createHardware(parts), { now, freshMs: HARDWARE_FRESH_MS, staleMs: HARDWARE_STALE_MS });
  // Begun now: the first run does not wait for what takes a program to find out.
  void hardware();

  async function capability(): Promise<NodeCapability> {
    const [languages, machine, allowed] = await Promise.all([runtimes(), hardware(), policy.read()]);
    const { cpuCores, memory, battery, network, gpus } = machine;
    const [gpu] = gpus;
    return {
      deviceId,
      online: true,
      heartbeatAt: new Date(now()).toISOString(),
      runtimes: languages.map(({ language, available, version }) => ({
        language,
        available,
        ...(version === undefined ? {} : { version }),
      })),
      ...(gpu === undefined ? {} : { gpu }),
      resources: {
        cpuCores,
        memoryMb: memory.totalMb,
        memoryFreeMb: memory.freeMb,
        ...(battery?.percent === undefined ? {} : { batteryPct: battery.percent }),
        ...(battery?.charging === undefined ? {} : { charging: battery.charging }),
        network,
      },
      policy: allowed.policy,
    };
  }
  return { runtimes, policy, capability };
}
