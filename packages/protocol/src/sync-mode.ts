/**
 * What a cloud is to a device (`SYNC_MODE`), the most careful first. The device has one and the cloud has one; the more
 * careful of the two holds.
 */
import * as z from 'zod/mini';

const MODES = ['legacy', 'mirror', 'relay_primary'] as const;

/** `legacy`: nothing goes between them. `mirror`: the device only tells. `relay_primary`: both take what the other has. */
export const SyncModeSchema = z.enum(MODES);
export type SyncMode = z.infer<typeof SyncModeSchema>;

export const USUAL_SYNC_MODE = 'relay_primary' satisfies SyncMode;

export const moreCareful = (a: SyncMode, b: SyncMode): SyncMode => (MODES.indexOf(a) < MODES.indexOf(b) ? a : b);
