/** The part of the route table that is about what the user's devices know of each other, and who changed it. */
import * as z from 'zod/mini';
import { DevicePolicySchema } from '../entity/capability.ts';
import { DeviceSchema } from '../entity/device.ts';
import { NameSchema, TimeSchema } from '../entity/scalar.ts';
import { DeviceIdSchema, ProjectIdSchema } from '../id.ts';

/** What the owner of a device prefers there. */
export const PreferencesSchema = z.strictObject({
  /** Every project of the user is opened on this device by itself. */
  opensAll: z.boolean(),
});
export type Preferences = z.infer<typeof PreferencesSchema>;

const device = z.strictObject({ id: DeviceIdSchema, name: z.string() });
const project = z.strictObject({ id: ProjectIdSchema, displayName: z.string() });
const told = { at: TimeSchema, by: device };

/** One thing that a device did, as it said so itself. */
export const ChangeSchema = z.discriminatedUnion('what', [
  z.strictObject({ ...told, what: z.literal('joined') }),
  z.strictObject({ ...told, what: z.literal('added'), device }),
  z.strictObject({ ...told, what: z.literal('removed'), device }),
  z.strictObject({ ...told, what: z.literal('called'), name: z.string() }),
  z.strictObject({ ...told, what: z.literal('upgraded'), version: z.string() }),
  z.strictObject({ ...told, what: z.literal('opened'), project }),
  z.strictObject({ ...told, what: z.literal('closed'), project }),
  /** Its files lag behind its documents there, and have caught up again. */
  z.strictObject({ ...told, what: z.literal('lags'), project }),
  z.strictObject({ ...told, what: z.literal('caught-up'), project }),
  z.strictObject({ ...told, what: z.literal('policy'), policy: z.partial(DevicePolicySchema) }),
  z.strictObject({ ...told, what: z.literal('opens-all'), on: z.boolean() }),
]);
export type Change = z.infer<typeof ChangeSchema>;

/** How many changes are told at most, and unless asked otherwise. */
export const CHANGES_MAX = 1_000;
export const CHANGES_DEFAULT = 50;

export const RECORD_ROUTES = {
  preferences: { method: 'GET', path: '/api/device/preferences', status: 200, answer: PreferencesSchema },
  setPreferences: {
    method: 'PUT',
    path: '/api/device/preferences',
    body: PreferencesSchema,
    status: 200,
    answer: PreferencesSchema,
  },
  /** It is called this from now on, on all devices. */
  renameDevice: {
    method: 'PUT',
    path: '/api/device/name',
    body: z.strictObject({ name: NameSchema }),
    status: 200,
    answer: DeviceSchema,
  },
  /** Newest first. None while this device is the user's only one. */
  changes: {
    method: 'GET',
    path: '/api/changes',
    query: z.strictObject({
      limit: z.optional(z.string().check(z.regex(/^[1-9]\d{0,5}$/, 'must be a whole number above 0'))),
    }),
    status: 200,
    answer: z.object({ changes: z.array(ChangeSchema) }),
  },
} as const;
