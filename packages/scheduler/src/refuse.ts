/**
 * The rules that keep a run off a device whatever its score.
 *
 * 1. The rule named is the one that matters longest: a device that is offline and has no Python is refused for want of
 *    Python, so those of `PASSING` mean that it would take the run but for the moment, and that waiting for it helps.
 * 2. A person who names a device gets it against the rules that only protect from a bad choice (GPU, heavy runs); what
 *    its owner set for runs of others holds for everybody, because the device itself holds to it.
 */
import { LIMITS } from '@markco/protocol';
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

export type RefusalRule =
  | 'runtime-missing'
  | 'remote-execution-off'
  | 'takes-no-runs'
  | 'gpu-missing'
  | 'heavy-runs-off'
  | 'queue-full'
  | 'offline'
  | 'silent';

export const PASSING: ReadonlySet<RefusalRule> = new Set(['queue-full', 'offline', 'silent']);

/** Two heartbeats, one each 30 s, that did not come. A device that goes to sleep often has no time to say so. */
export const SILENT_AFTER_MS = 60_000;

/** The rule that refuses, or null. */
export function refusalOf(device: DeviceFacts, request: PlaceRequest, atMs: number): RefusalRule | null {
  return ownRefusalOf(device, request) ?? passingRefusalOf(device, atMs);
}

/** What the device itself would answer: the part of the rules that holds wherever it is. */
export function ownRefusalOf(
  { deviceId, capability }: Pick<DeviceFacts, 'deviceId' | 'capability'>,
  { language, needsGpu, from, runOn }: Omit<PlaceRequest, 'sessionOn'>,
): RefusalRule | null {
  const { policy, gpu } = capability;
  if (!hasRuntime(capability, language)) return 'runtime-missing';
  if (!policy.allowRemoteExecution && deviceId !== from) return 'remote-execution-off';
  if (policy.maxConcurrentRuns === 0) return 'takes-no-runs';
  if (needsGpu === false || runOn === deviceId) return null;
  if (gpu === undefined || (needsGpu === 'cuda' && gpu.cuda !== true)) return 'gpu-missing';
  // What needs a GPU is known to be heavy. Of every other run the cost is not known: there the policy is a matter of score.
  return ownerMindsHeavyRuns(capability) ? 'heavy-runs-off' : null;
}

function passingRefusalOf({ host, capability, heardAtMs, queuedRuns }: DeviceFacts, atMs: number): RefusalRule | null {
  if (queuedRuns >= LIMITS.queuedRunsMax) return 'queue-full';
  if (!capability.online) return 'offline';
  // A cloud runtime that is not started yet sends no heartbeats.
  return host !== 'cold-cloud' && atMs - heardAtMs > SILENT_AFTER_MS ? 'silent' : null;
}

/** A loop, because it is asked of every device for every run. */
function hasRuntime({ runtimes }: DeviceFacts['capability'], language: PlaceRequest['language']): boolean {
  for (const runtime of runtimes) if (runtime.language === language && runtime.available) return true;
  return false;
}

/** The owner said no, or said no on battery and it is on battery now. */
export function ownerMindsHeavyRuns({ policy, resources }: DeviceFacts['capability']): boolean {
  const onBattery = resources.batteryPct !== undefined && resources.charging !== true;
  return !policy.allowHeavyJobs || (onBattery && !policy.allowWhenOnBattery);
}
