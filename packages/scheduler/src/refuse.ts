/** The rules that keep a run off a device whatever its score, each with the sentence people read. */
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

export type Refusal = {
  readonly rule: 'offline' | 'runtime-missing' | 'remote-execution-off' | 'takes-no-runs' | 'gpu-missing';
  readonly message: string;
  /** Whether a person who names this device gets it all the same. */
  readonly canBeOverridden: boolean;
};

/** The first rule that refuses, or null. */
export function refusalOf(device: DeviceFacts, request: PlaceRequest): Refusal | null {
  const { capability, name } = device;
  const no = (rule: Refusal['rule'], message: string, canBeOverridden = false): Refusal => ({
    rule,
    message,
    canBeOverridden,
  });
  if (!capability.online) return no('offline', `${name} is offline (last seen ${capability.heartbeatAt}).`);
  if (!capability.runtimes.some((runtime) => runtime.available && runtime.language === request.language)) {
    return no('runtime-missing', `${name} has no ${request.language}. Install it there, or choose another device.`);
  }
  if (!capability.policy.allowRemoteExecution && device.deviceId !== request.from) {
    return no('remote-execution-off', `${name} runs only what is started on it.`);
  }
  if (capability.policy.maxConcurrentRuns === 0) return no('takes-no-runs', `${name} is set to take no runs.`);
  if (request.needsGpu && capability.gpu === undefined) return no('gpu-missing', `${name} has no GPU.`, true);
  return null;
}
