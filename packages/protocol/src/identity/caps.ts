/** What a device of a user may be and may do. A cap is given when the device is added and never grows. */
import * as z from 'zod/mini';

/** `public-web`: a browser on somebody else's computer, for a day at most. */
export const DEVICE_KINDS = ['desktop', 'phone', 'web', 'server-agent', 'public-web'] as const;
export const DeviceKindSchema = z.enum(DEVICE_KINDS);
export type DeviceKind = z.infer<typeof DeviceKindSchema>;

/**
 * `sync`: have the documents. `author`: change them. `submit`: ask another device to run code. `host-run`: run what
 * others ask for. `relay`: pass on what others say to each other. `enrol`: add and remove devices, renew certificates.
 */
export const DEVICE_CAPS = ['author', 'enrol', 'host-run', 'relay', 'submit', 'sync'] as const;
const CapSchema = z.enum(DEVICE_CAPS);
export type DeviceCap = z.infer<typeof CapSchema>;

/** Sorted, each once: one set of caps has one form. */
export const CapsSchema = z.array(CapSchema).check(
  z.maxLength(DEVICE_CAPS.length),
  z.refine((caps) => caps.every((cap, index) => index === 0 || (caps[index - 1] ?? '') < cap)),
);

/** Whether a device of this kind keeps projects and runs code: what a person carries about, or reads in, does not. */
export const isHost = (kind: DeviceKind): boolean => kind === 'desktop' || kind === 'server-agent';

/**
 * What a device is given when it is added. A server is in the hands of whoever breaks into it: it keeps, passes on and runs
 * what it is asked to, and neither starts anything elsewhere nor adds anybody. What hosts nothing adds nobody either.
 */
export function capsFor(kind: DeviceKind): readonly DeviceCap[] {
  if (kind === 'desktop') return DEVICE_CAPS;
  return isHost(kind) ? capsOf('author', 'host-run', 'relay', 'sync') : capsOf('author', 'submit', 'sync');
}

/** In the order of the schema, each once. */
export function capsOf(...caps: readonly DeviceCap[]): DeviceCap[] {
  return DEVICE_CAPS.filter((cap) => caps.includes(cap));
}

export function isWithin(caps: readonly DeviceCap[], limit: readonly DeviceCap[]): boolean {
  return caps.every((cap) => limit.includes(cap));
}
