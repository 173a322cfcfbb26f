/** Where devices are, as one of them says it on the stream by which two keep each other up to date. */
import { DeviceIdSchema } from '@markco/protocol';
import * as z from 'zod/mini';

/** The largest message of that stream. */
export const CONTROL_BYTES_MAX = 1024 * 1024;
export const TOLD_DEVICES_MAX = 200;
/** Of one device. */
export const TOLD_ADDRESSES_MAX = 16;

export const ToldDevicesSchema = z.object({
  op: z.literal('devices'),
  devices: z
    .array(
      z.object({
        deviceId: DeviceIdSchema,
        addresses: z.array(z.string().check(z.maxLength(300))).check(z.maxLength(TOLD_ADDRESSES_MAX)),
        /** It passes on what the others say. */
        isRelay: z.optional(z.boolean()),
      }),
    )
    .check(z.maxLength(TOLD_DEVICES_MAX)),
});
