/**
 * What the owner lets other devices do here: `device-policy.json` in the home, read whenever somebody asks, so that an
 * edit by hand counts at once.
 *
 * 1. No file means the defaults. A file that cannot be read or understood means that no other device may run anything
 *    here, until it is set anew; the device says so.
 * 2. A policy counts when it is on disk, not before.
 */
import { DevicePolicySchema, Failure, type DevicePolicy, type DevicePolicyHere } from '@markco/protocol';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from './private-file.ts';

export const DEFAULT_POLICY: DevicePolicy = {
  allowRemoteExecution: true,
  allowHeavyJobs: true,
  allowWhenOnBattery: true,
  maxConcurrentRuns: 8,
};
const CLOSED: DevicePolicy = { ...DEFAULT_POLICY, allowRemoteExecution: false };
const FILE_BYTES_MAX = 64 * 1024;

export const policyFile = (home: string): string => join(home, 'device-policy.json');

/** Never fails: what cannot be read is closed. */
export async function readPolicy(home: string): Promise<DevicePolicyHere> {
  const file = policyFile(home);
  const closed = (why: string): DevicePolicyHere => ({
    policy: CLOSED,
    problem: `${file} ${why}, so no other device may run anything here.`,
  });
  try {
    const text = readSmall(file);
    if (text === undefined) return { policy: DEFAULT_POLICY };
    const parsed = DevicePolicySchema.safeParse(JSON.parse(text));
    if (parsed.success) return { policy: parsed.data };
    const [issue] = parsed.error.issues;
    return closed(`is no policy (${[...(issue?.path ?? []), issue?.message ?? 'not understood'].join(': ')})`);
  } catch (error) {
    if (error instanceof SyntaxError) return closed('is no JSON');
    return closed(`cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

/**
 * At once, not by another thread: each run of another device asks for it, and being handed over takes longer than this.
 * A pipe in its place would be waited for.
 */
function readSmall(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new Error('it is no file');
  if (found.size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX / 1024} KB`);
  return readFileSync(file, 'utf8');
}

export type PolicySetting = {
  read(): Promise<DevicePolicyHere>;
  /** Fails with `storage_failed`; then the one before counts. */
  write(policy: DevicePolicy): Promise<DevicePolicyHere>;
};

/** @param onProblem told once for each problem there is */
export function createPolicySetting(home: string, onProblem: (problem: string) => void): PolicySetting {
  let told: string | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function read(): Promise<DevicePolicyHere> {
    const found = await readPolicy(home);
    if (found.problem !== undefined && found.problem !== told) onProblem(found.problem);
    told = found.problem;
    return found;
  }

  return {
    read,
    async write(policy) {
      const written = writing.then(() => writePrivate(policyFile(home), `${JSON.stringify(policy, null, 2)}\n`));
      // The next one waits for this, whatever comes of it.
      writing = written.catch(() => undefined);
      await written.catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Failure('storage_failed', `The policy was not changed: ${reason}.`, { cause });
      });
      return read();
    },
  };
}

/** The same setting, which tells when it was set. */
export function announced(policy: PolicySetting, onSet: () => Promise<void> | undefined): PolicySetting {
  return {
    read: policy.read,
    async write(wanted) {
      const set = await policy.write(wanted);
      await onSet();
      return set;
    },
  };
}
