/** What a device can do right now, sent with each heartbeat (seed 000 §2.3). */
import * as z from 'zod/mini';
import { DeviceIdSchema } from '../id.ts';
import { LanguageSchema } from './language.ts';
import { CountSchema, TimeSchema } from './scalar.ts';

const text = z.string().check(z.maxLength(200));
const percent = z.number().check(z.minimum(0), z.maximum(100));

/** What the owner of a device lets other devices do there. */
export const DevicePolicySchema = z.strictObject({
  allowRemoteExecution: z.boolean(),
  allowHeavyJobs: z.boolean(),
  allowWhenOnBattery: z.boolean(),
  maxConcurrentRuns: z.number().check(z.int(), z.minimum(0), z.maximum(1_000)),
});
export type DevicePolicy = z.infer<typeof DevicePolicySchema>;

export const NodeCapabilitySchema = z.strictObject({
  deviceId: DeviceIdSchema,
  online: z.boolean(),
  heartbeatAt: TimeSchema,
  runtimes: z
    .array(z.strictObject({ language: LanguageSchema, version: z.optional(text), available: z.boolean() }))
    .check(z.maxLength(50)),
  gpu: z.optional(
    z.strictObject({
      vendor: z.optional(text),
      model: z.optional(text),
      vramMb: z.optional(CountSchema),
      cuda: z.optional(z.boolean()),
    }),
  ),
  resources: z.strictObject({
    cpuCores: z.optional(CountSchema),
    memoryMb: z.optional(CountSchema),
    memoryFreeMb: z.optional(CountSchema),
    batteryPct: z.optional(percent),
    charging: z.optional(z.boolean()),
    network: z.enum(['offline', 'metered', 'wifi', 'ethernet']),
  }),
  policy: DevicePolicySchema,
});
export type NodeCapability = z.infer<typeof NodeCapabilitySchema>;
